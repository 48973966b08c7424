"""Adversarial training: a generator and a discriminator in alternation.

The non-saturating loss (Goodfellow et al., arXiv:1406.2661) with the discriminator's gradient penalised at real entries
(Mescheder et al., arXiv:1801.04406) and noise on all that it sees, which falls to 0 during the training (Sønderby et
al., arXiv:1610.04490); both make the alternation converge. The discriminator is smooth, and so blind to what is thin: a
line of spectra, and a branch beside it. The generator therefore also follows a potential: real entries attract, other
generated ones repel, by the logarithm of the distance, which pulls as much at each scale, down to a thousandth of the
input's unit. It is the gradient of an energy distance (Székely, Rizzo, doi:10.1016/j.jspi.2013.03.018; as a game of
charges: Unterthiner et al., arXiv:1708.08819), which is 0 for equal distributions alone. That distance is what is
watched, so that the best weights generate best.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from jetpulse.training.objectives.base import Batch, Objective, sums

_SOFTENING = 1e-3  # the scale below which distances count no more


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
            return self._generator(network, real, latent, judge)
        with torch.no_grad():
            generated = network.generate(latent)
        loss = functional.softplus(judge(generated)).mean()
        loss = loss + functional.softplus(-judge(real)).mean()
        loss = loss + 0.5 * network.penalty * self._steepness(network, real)
        return loss, sums(loss, len(real), loss * len(real))

    @staticmethod
    def _generator(
        network: nn.Module, real: torch.Tensor, latent: torch.Tensor, judge: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            others = network.generate(torch.randn_like(latent))

        def judged(entries: torch.Tensor) -> torch.Tensor:
            deceived = functional.softplus(-judge(entries))
            return torch.stack([deceived, mean_logarithm(entries, real), mean_logarithm(entries, others)])

        deceived, attraction, repulsion = network.expected(latent, judged)
        loss = deceived.mean() + network.distance * (attraction - repulsion).mean()
        with torch.no_grad():
            half = len(real) // 2
            within = mean_logarithm(real[:half], real[half:]) if half else attraction
            distance = 2 * attraction.mean() - repulsion.mean() - within.mean()
        return loss, sums(distance, len(real), deceived.sum())

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


def mean_logarithm(entries: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return the mean logarithm of the distances of ``entries`` (n, ...) from ``others`` (m, ...), float32 (n,).

    The distance from an entry itself counts as the softening.
    """
    # Not by matrix products, whose rounding is larger than the distances that matter.
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(entries.flatten(1).float(), others.flatten(1).float(), compute_mode=exact)
    return torch.log(distances + _SOFTENING).mean(1)


OBJECTIVE = Adversarial()
