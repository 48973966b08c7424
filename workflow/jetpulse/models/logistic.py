"""Logistic regression on observables: the probability is the sigmoid of a weighted sum of them.

With d observables and k classes (d + 1) k parameters: 36 for 17 observables and two classes. The observables have to be
brought to one size (`training.normalise: columns`); `training.weight_decay` is its L2 penalty. Cox,
doi:10.1111/j.2517-6161.1958.tb00292.x.
"""

import math

import torch
from torch import nn

TASKS = ("classification",)
INPUT = "observables"


class Network(nn.Module):
    """One linear layer; input (batch, ...), output logits."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        """Build for inputs of ``shape``."""
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), outputs))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes)."""
        return self.layers(inputs)
