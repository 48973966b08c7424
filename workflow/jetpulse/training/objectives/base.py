"""What the training loop asks of an objective."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn


@dataclass(frozen=True)
class Batch:
    """Entries on the device: ``features`` float32 (b, *shape), ``targets`` name -> (b, ...); ``progress``."""

    features: torch.Tensor
    targets: dict[str, torch.Tensor]
    progress: float = 1.0  # from 0 to 1, which is the end and everything after

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.features)


class Objective:
    """A task as the training loop sees it."""

    # What is watched beside the loss.
    metrics: tuple[str, ...] = ()
    # Datasets of the inputs that are needed beside the features, and those that are used when they are there.
    targets: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # Submodules that are trained in alternation, batch by batch; "" is the whole network.
    turns: tuple[str, ...] = ("",)
    # What predictions mean, for the attributes of their file.
    units: ClassVar[dict[str, str]] = {}
    # Predictions that are given back in the units of the input.
    restored: tuple[str, ...] = ()

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean loss to minimise in this turn, and the sums of the loss and ``metrics``, float64 (1 + m,)."""
        raise NotImplementedError

    def evaluate(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Return the sums over the batch of the loss and ``metrics``, float64 (1 + m,)."""
        return self.loss(network, batch, self.turns[-1])[1]

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return what predictions.h5 stores for a batch."""
        raise NotImplementedError

    def check(self, network: nn.Module, batch: Batch) -> str | None:
        """Return what is wrong for this network with entries of these targets, or None; one entry has features."""
        return None


def sums(loss: torch.Tensor, n: int, *metrics: torch.Tensor) -> torch.Tensor:
    """Return the sums over a batch from its mean loss and the sums of its metrics."""
    return torch.stack([loss.detach().double() * n, *(metric.detach().double() for metric in metrics)])
