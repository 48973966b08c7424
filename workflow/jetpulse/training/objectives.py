"""Objectives: for every task its loss, what is watched in training, and what a prediction is."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional


class Objective(Protocol):
    """A task as the training loop sees it; ``outputs`` are the network's (b, classes)."""

    metrics: tuple[str, ...]

    def loss(self, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a batch, a scalar tensor."""

    def measure(self, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the sums over the batch of ``metrics``, shape (len(metrics),)."""

    def predict(self, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what predictions.h5 stores for a batch."""


@dataclass(frozen=True)
class Classification:
    """Cross-entropy of logits; predictions are the classes' probabilities (b, classes), float64."""

    metrics: tuple[str, ...] = ("accuracy",)

    def loss(self, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy."""
        return functional.cross_entropy(outputs, label)

    def measure(self, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the number of correct decisions."""
        return (outputs.argmax(1) == label).sum()[None].double()

    def predict(self, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return probabilities; float64, since float32 runs out of numbers just below 1."""
        return {"probability": torch.softmax(outputs.double(), 1)}


OBJECTIVES: dict[str, Objective] = {"classification": Classification()}
