"""Variational autoencoder: reconstruction within a known noise, and a latent space close to a unit Gaussian.

Kingma, Welling, arXiv:1312.6114: |decoded - input|^2 / (2 sigma^2) + KL divergence, the negative evidence bound up to
a constant, with one draw from the posterior for each entry.
"""

from typing import ClassVar

import torch
from torch import nn

from jetpulse.training.objectives.base import Batch, Objective, sums


class Variational(Objective):
    """Networks have ``encode`` -> (mean, log sigma), each (b, latent), ``decode``, and the noise ``sigma``."""

    metrics = ("reconstruction", "divergence")
    restored = ("reconstruction", "generated")
    units: ClassVar[dict[str, str]] = {
        "latent": "1",
        "latent_sigma": "1",
        "reconstruction": "units of the input",
        "generated": "units of the input",
    }

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean loss of an entry; the metrics are its two parts."""
        mean, log_sigma = (part.float() for part in network.encode(batch.features))
        decoded = network.decode(mean + torch.exp(log_sigma) * torch.randn_like(mean))
        reconstruction = ((decoded - batch.features) ** 2).flatten(1).sum(1) / (2 * network.sigma**2)
        divergence = 0.5 * (mean**2 + torch.exp(2 * log_sigma) - 2 * log_sigma - 1).sum(1)
        loss = (reconstruction + divergence).mean()
        return loss, sums(loss, len(batch), reconstruction.sum(), divergence.sum())

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the posterior's mean and sigma (b, latent), the decoded mean, and decoded draws from the prior."""
        mean, log_sigma = network.encode(batch.features)
        return {
            "latent": mean,
            "latent_sigma": torch.exp(log_sigma),
            "reconstruction": network.decode(mean),
            "generated": network.decode(torch.randn_like(mean)),
        }


OBJECTIVE = Variational()
