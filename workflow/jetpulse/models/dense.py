"""Fully connected network on flattened input: what remains when the neighbourhood of pixels is ignored."""

import math
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

TASKS = ("classification", "localisation", "regression")


class Network(nn.Module):
    """Hidden layers with ReLU and dropout; input (batch, ...), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        hidden: list[Annotated[int, Field(ge=1)]] = [128, 64, 64],  # noqa: B006 - read, never changed
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        """Build for inputs of ``shape``."""
        super().__init__()
        widths = [math.prod(shape), *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for wide, narrow in pairwise(widths):
            layers += [nn.Linear(wide, narrow), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], outputs))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.layers(inputs)
