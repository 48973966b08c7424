"""Small convolutional network for pictures of digits, 21,898 parameters at 28 x 28 pixels, ten classes and defaults.

One 3 x 3 convolution without padding, 2 x 2 max-pooling and one hidden layer.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import Size
from jetpulse.errors import UserError

TASKS = ("classification",)
INPUT = "images"


class Network(nn.Module):
    """Convolution, pooling, dense layers; input (batch, rows, columns), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        filters: Size = 8,
        hidden: Size = 16,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        """Build for pictures of ``shape`` (rows, columns).

        Raises:
            UserError: no pictures, or pictures that are too small.
        """
        super().__init__()
        if len(shape) != 2 or min(shape) < 4:
            found = " x ".join(map(str, shape))
            raise UserError(f"digit-cnn: reads pictures of 4 x 4 pixels at least, found entries of shape {found}")
        # The convolution takes two rows and columns, the pooling half of what is left.
        wide = filters * ((shape[0] - 2) // 2) * ((shape[1] - 2) // 2)
        self.layers = nn.Sequential(
            nn.Conv2d(1, filters, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(wide, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, outputs),
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of pictures (batch, rows, columns)."""
        return self.layers(pictures[:, None])
