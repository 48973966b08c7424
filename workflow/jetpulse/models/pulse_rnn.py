"""Recurrent network of pulse finding: reads the traces forwards and backwards, bin by bin.

GRU (Cho et al., doi:10.3115/v1/D14-1179) or LSTM (doi:10.1162/neco.1997.9.8.1735) layers in both directions; the output
is that of `pulse-cnn`.
"""

from typing import Literal

import torch
from torch import nn

from jetpulse.config.types import Depth, Size

TASKS = ("localisation",)


class Network(nn.Module):
    """Input (batch, traces, samples), output (batch, samples, 3): log weight, position and log width of the time."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        cell: Literal["gru", "lstm"] = "gru",
        hidden: Size = 48,
        layers: Depth = 2,
    ) -> None:
        """Build for ``shape`` (traces, samples)."""
        super().__init__()
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.recurrent = kind(shape[0], hidden, layers, batch_first=True, bidirectional=True)
        self.last = nn.Linear(2 * hidden, 3)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return the parameters of the mixture."""
        return self.last(self.recurrent(waveform.transpose(1, 2))[0])
