"""Adversarial training: a generator and a discriminator in alternation.

The non-saturating loss (Goodfellow et al., arXiv:1406.2661) with the discriminator's gradient penalised at real entries
(Mescheder et al., arXiv:1801.04406) and noise on all that it sees, which falls to 0 during the training (Sønderby et
al., arXiv:1610.04490); both make the alternation converge. The generator also follows its sliced
Wasserstein distance from the batch (Deshpande et al., arXiv:1803.11188): the discriminator tells it what is missing,
the distance by how little it is off. That distance is what is watched, so that the best weights generate best.
"""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from jetpulse.training.objectives.base import Batch, Objective, sums

_DIRECTIONS = 64


class Adversarial(Objective):
    """Networks have ``generate``, ``expected``, ``judge``, submodules ``generator`` and ``discriminator``, weights."""

    # How sure the discriminator is that generated entries are not real; log 2 is undecided.
    metrics = ("surprise",)
    turns = ("discriminator", "generator")
    restored = ("generated",)
    units: ClassVar[dict[str, str]] = {"generated": "units of the input"}

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of this turn; what is watched is the distance of the generated from the real entries."""
        real = batch.features
        latent = torch.randn(len(real), network.latent, device=real.device)

        def judge(entries: torch.Tensor) -> torch.Tensor:
            noise = network.noise * (1 - batch.progress)
            return network.judge(entries + noise * torch.randn_like(entries) if noise else entries).float()

        if turn == "generator":
            deceived = network.expected(latent, lambda entries: functional.softplus(-judge(entries)))
            distance = sliced_distance(network.generate(latent), real)
            loss = deceived.mean() + network.distance * distance
            return loss, sums(distance, len(real), deceived.sum())
        with torch.no_grad():
            generated = network.generate(latent)
        loss = functional.softplus(judge(generated)).mean()
        loss = loss + functional.softplus(-judge(real)).mean()
        loss = loss + 0.5 * network.penalty * self._steepness(network, real)
        return loss, sums(loss, len(real), loss * len(real))

    def evaluate(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Return the sums of the distance and of the surprise."""
        return self.loss(network, batch, "generator")[1]

    @staticmethod
    def _steepness(network: nn.Module, entries: torch.Tensor) -> torch.Tensor:
        """Return the mean squared gradient of the judgement at these entries."""
        entries = entries.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network.judge(entries).sum(), entries, create_graph=True)
        return gradient.flatten(1).square().sum(1).mean()

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return as many generated entries as the batch has."""
        latent = torch.randn(len(batch), network.latent, device=batch.features.device)
        return {"generated": network.generate(latent)}


def sliced_distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the mean Wasserstein-1 distance of two samples (n, ...) of equal size along random directions.

    Bonneel et al., doi:10.1007/s10851-014-0506-3.
    """
    first, second = first.flatten(1), second.flatten(1)
    directions = torch.randn(first.shape[1], min(_DIRECTIONS, 8 * first.shape[1]), device=first.device)
    directions = directions / directions.norm(dim=0)
    return ((first @ directions).sort(0).values - (second @ directions).sort(0).values).abs().mean()


OBJECTIVE = Adversarial()
