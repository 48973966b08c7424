"""Reference network of pulse finding, 51 parameters for three traces: two convolutions and a softmax over the bins.

The first convolution looks at a few neighbouring samples of each trace on its own, with the same filters for all of
them, as a derivative does; the second sees a window of all traces and gives the bin in its middle a logit. Bins too
close to the ends for a whole window get probability 0. After the exercise of "Machine Learning and Statistics for
Physicists" (D. Kirkby).
"""

import torch
from torch import nn
from torch.nn import functional

from jetpulse.config.types import Odd, Size
from jetpulse.errors import UserError

TASKS = ("localisation",)


class Network(nn.Module):
    """Input (batch, traces, samples), output logits (batch, samples), -inf outside the window's reach."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        filters: Size = 2,
        width: Odd = 3,
        window: Odd = 7,
    ) -> None:
        """Build for ``shape`` (traces, samples)."""
        super().__init__()
        traces, samples = shape
        if window > samples:
            raise UserError(
                f"pulse-reference: window {window} exceeds the {samples} samples of a trace; make it smaller"
            )
        self.margin = window // 2
        self.first = nn.Conv2d(1, filters, (1, width), padding=(0, width // 2))
        self.second = nn.Conv2d(filters, 1, (traces, window))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return the logits of the bins."""
        hidden = torch.tanh(self.first(waveform[:, None]))
        return functional.pad(self.second(hidden)[:, 0, 0], (self.margin, self.margin), value=-torch.inf)
