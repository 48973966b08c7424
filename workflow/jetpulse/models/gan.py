"""Generator and discriminator (Goodfellow et al., arXiv:1406.2661); generated is a sum of parts that may be absent.

From latent noise, dense layers give every part an amplitude and a probability of being there at all; the output is a
linear mixture of the parts that are. A part that is absent is so exactly, which no smooth function of the noise could
achieve.
"""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from jetpulse.config.types import Size, Sizes
from jetpulse.models.layers import dense_layers

TASKS = ("adversarial",)
# Probabilities keep this distance from 0 and 1, where they would no longer learn.
_FLOOR = 0.003


class _Generator(nn.Module):
    """From latent noise to a mixture of parts."""

    def __init__(self, latent: int, hidden: list[int], parts: int, size: int) -> None:
        super().__init__()
        self.parts = parts
        self.describe = dense_layers([latent, *hidden, 2 * parts], nn.LeakyReLU(0.2))
        # Parts start as additions to an entry below the mean: what is absent then is exactly 0, rather than a part that
        # takes away as much as another one gives, which is a trap that training does not leave. Being no layer, they
        # are left alone by `training.initialisation`.
        self.shapes = nn.Parameter(torch.rand(size, parts) / math.sqrt(parts))
        self.baseline = nn.Parameter(torch.full((size,), -1.0))

    def amplitudes(self, latent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return amplitudes, probabilities, and a draw of which parts are present (0 or 1), each (batch, parts)."""
        amplitude, logit = self.describe(latent).chunk(2, 1)
        probability = _FLOOR + (1 - 2 * _FLOOR) * torch.sigmoid(logit)
        present = (torch.rand_like(probability) < probability).to(amplitude)
        return functional.softplus(amplitude), probability, present

    def mix(self, amplitudes: torch.Tensor) -> torch.Tensor:
        """Return the sum of the parts (batch, size); an amplitude of 0 is an absent part."""
        return functional.linear(amplitudes, self.shapes, self.baseline)


class Network(nn.Module):
    """``generate`` from latent noise (batch, latent), ``judge`` entries (batch, ...): a logit of being real."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        latent: Size = 4,
        hidden: Sizes = [64, 64],  # noqa: B006 - read, never changed
        parts: Size = 3,
        critic: Sizes = [64, 64],  # noqa: B006 - read, never changed
        penalty: Annotated[float, Field(ge=0)] = 0.03,
        distance: Annotated[float, Field(ge=0)] = 1.0,
        noise: Annotated[float, Field(ge=0)] = 0.5,
    ) -> None:
        """Build for entries of ``shape``.

        ``penalty`` weighs the discriminator's squared gradient at real entries, ``distance`` the generator's energy
        distance from them; ``noise`` is what the discriminator's sight starts with.
        """
        super().__init__()
        size = math.prod(shape)
        self.shape, self.latent = shape, latent
        self.penalty, self.distance, self.noise = penalty, distance, noise
        self.generator = _Generator(latent, hidden, parts, size)
        self.discriminator = dense_layers([size, *critic, 1], nn.LeakyReLU(0.2))

    def generate(self, latent: torch.Tensor) -> torch.Tensor:
        """Return generated entries."""
        amplitude, _, present = self.generator.amplitudes(latent)
        return self.generator.mix(amplitude * present).unflatten(1, self.shape)

    def expected(self, latent: torch.Tensor, value: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """Return ``value`` (of entries, (..., batch)) averaged over whether one part, drawn for each entry, is present.

        The average is exact, so that its gradient teaches the probabilities although presence is a matter of yes or no.
        """
        amplitude, probability, present = self.generator.amplitudes(latent)
        part = torch.randint(0, self.generator.parts, (len(latent), 1), device=latent.device)
        chosen = torch.zeros_like(present).scatter_(1, part, 1.0)
        weight = probability.gather(1, part)[:, 0]
        with_part = self.generator.mix(amplitude * torch.maximum(present, chosen)).unflatten(1, self.shape)
        without = self.generator.mix(amplitude * present * (1 - chosen)).unflatten(1, self.shape)
        return weight * value(with_part) + (1 - weight) * value(without)

    def judge(self, entries: torch.Tensor) -> torch.Tensor:
        """Return logits (batch,), above 0 for what looks real."""
        return self.discriminator(entries.flatten(1))[:, 0]
