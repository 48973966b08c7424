"""Classification: cross-entropy of logits."""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from jetpulse.training.objectives.base import Batch, Objective, sums


class Classification(Objective):
    """Networks return logits (b, classes); predictions are the classes' probabilities (b, classes), float64."""

    metrics = ("accuracy",)
    targets = ("label",)
    units: ClassVar[dict[str, str]] = {"probability": "1 (columns are classes)"}

    def expected(self, outputs: int) -> tuple[int, ...]:
        """Return the shape of what a network with so many outputs returns for one entry."""
        return (outputs,)

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean cross-entropy; the metric is the number of right decisions."""
        outputs, label = network(batch.features), batch.targets["label"]
        loss = functional.cross_entropy(outputs, label)
        return loss, sums(loss, len(batch), (outputs.argmax(1) == label).sum())

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return probabilities; float64, since float32 runs out of numbers just below 1."""
        return {"probability": torch.softmax(network(batch.features).double(), 1)}


OBJECTIVE = Classification()
