"""Regression: squared error of a number that is learned, brought to mean 0 and deviation 1 on the training split."""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from jetpulse.training.objectives.base import Batch, Objective, sums


class Regression(Objective):
    """Networks return one number for each entry, (b, 1), standardised as the target; predictions are float64 (b,)."""

    metrics = ("mae",)
    targets = ("target",)
    answers = ("prediction",)
    outputs = 1
    units: ClassVar[dict[str, str]] = {"prediction": "units of the target"}

    def expected(self, outputs: int) -> tuple[int, ...]:
        """Return the shape of what a network with so many outputs returns for one entry."""
        return (1,)

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean squared error; the metric is the absolute error, both in standard deviations."""
        outputs, target = network(batch.features)[:, 0].float(), batch.targets["target"]
        loss = functional.mse_loss(outputs, target)
        return loss, sums(loss, len(batch), (outputs - target).abs().sum())

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return what the network says, standardised."""
        return {"prediction": network(batch.features)[:, 0].double()}


OBJECTIVE = Regression()
