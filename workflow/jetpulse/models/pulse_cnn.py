"""Deep convolutional network of pulse finding, 60,579 parameters: finds the time within a bin, in every trace first.

Residual convolutions (He et al., doi:10.1109/CVPR.2016.90) that are the same for all traces describe each trace; their
mean and maximum over the traces, which do not depend on the traces' order, go through further residual convolutions
that look for coincidences. For every bin the output describes a logistic distribution of the time: weight, position
and width; the mixture of all of them is the answer.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from jetpulse.config.types import Odd, Size

TASKS = ("localisation",)


class _Residual(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, channels, width, padding=width // 2)
        self.second = nn.Conv1d(channels, channels, width, padding=width // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(functional.gelu(self.first(functional.gelu(x))))


class Network(nn.Module):
    """Input (batch, traces, samples), output (batch, samples, 3): log weight, position and log width of the time."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        trace_channels: Size = 24,
        trace_blocks: Annotated[int, Field(ge=0, le=1000)] = 2,
        channels: Size = 48,
        blocks: Annotated[int, Field(ge=0, le=1000)] = 2,
        first: Odd = 7,
        width: Odd = 5,
    ) -> None:
        """Build for ``shape`` (traces, samples)."""
        super().__init__()
        self.first = nn.Conv1d(1, trace_channels, first, padding=first // 2)
        self.trace = nn.Sequential(*(_Residual(trace_channels, width) for _ in range(trace_blocks)))
        self.mix = nn.Conv1d(2 * trace_channels, channels, 1)
        self.coincidence = nn.Sequential(*(_Residual(channels, width) for _ in range(blocks)))
        self.last = nn.Conv1d(channels, 3, 1)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return the parameters of the mixture."""
        batch, traces, samples = waveform.shape
        each = functional.gelu(self.trace(self.first(waveform.reshape(batch * traces, 1, samples))))
        each = each.view(batch, traces, each.shape[1], samples)
        both = self.mix(torch.cat([each.mean(1), each.amax(1)], 1))
        return self.last(functional.gelu(self.coincidence(both))).transpose(1, 2)
