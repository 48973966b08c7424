"""Reconstruction: squared error of an autoencoder."""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from jetpulse.training.objectives.base import Batch, Objective, sums


class Reconstruction(Objective):
    """Networks have ``encode`` (b, *shape) -> (b, latent) and ``decode`` back."""

    restored = ("reconstruction",)
    units: ClassVar[dict[str, str]] = {"latent": "1", "reconstruction": "units of the input"}

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean squared error, in units of the normalised input."""
        loss = functional.mse_loss(network.decode(network.encode(batch.features)), batch.features)
        return loss, sums(loss, len(batch))

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return latent (b, latent) and reconstruction (b, *shape)."""
        latent = network.encode(batch.features)
        return {"latent": latent, "reconstruction": network.decode(latent)}


OBJECTIVE = Reconstruction()
