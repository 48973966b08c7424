"""Reference convolutional network for jet images, 216,546 parameters at 40 x 40 pixels and default arguments.

Two pairs of 4 x 4 convolutions with 'same' padding, a 2 x 2 max-pooling between them, and three hidden layers;
the layout of Kasieczka et al. (doi:10.1007/JHEP05(2017)006) at the size of the reference analysis.
"""

from itertools import pairwise

import torch
from torch import nn

from jetpulse.config.types import Size, Sizes
from jetpulse.errors import UserError
from jetpulse.models.layers import SameConvolution

TASKS = ("classification",)
INPUT = "images"


class Network(nn.Module):
    """Convolutions, pooling, convolutions, dense layers; input (batch, pixels, pixels), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        filters: Size = 8,
        kernel: Size = 4,
        hidden: Sizes = [64, 64, 64],  # noqa: B006 - read, never changed
    ) -> None:
        """Build for images of ``shape`` (rows, columns)."""
        super().__init__()
        if min(shape) < 2:
            raise UserError(f"jet-cnn: images of {shape[0]} x {shape[1]} pixels are too small; it needs 2 x 2 at least")

        widths = [filters * (shape[0] // 2) * (shape[1] // 2), *hidden]
        dense: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            dense += [nn.Linear(wide, narrow), nn.ReLU()]
        self.layers = nn.Sequential(
            SameConvolution(1, filters, kernel),
            nn.ReLU(),
            SameConvolution(filters, filters, kernel),
            nn.MaxPool2d(2),  # it and the ReLU can be exchanged; this way that has a quarter to do
            nn.ReLU(),
            SameConvolution(filters, filters, kernel),
            nn.ReLU(),
            SameConvolution(filters, filters, kernel),
            nn.ReLU(),
            nn.Flatten(),
            *dense,
            nn.Linear(widths[-1], outputs),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of images (batch, rows, columns)."""
        return self.layers(images[:, None])
