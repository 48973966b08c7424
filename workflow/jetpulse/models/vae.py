"""Variational autoencoder: a posterior for every entry, a generator of new ones (Kingma, Welling, arXiv:1312.6114).

Linear by default, which is probabilistic principal component analysis with a known noise.
"""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import Size, Sizes
from jetpulse.models.layers import dense_layers

TASKS = ("variational",)


class Network(nn.Module):
    """``encode`` (batch, ...) -> mean and log sigma (batch, latent), ``decode`` back to the input's shape."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        hidden: Sizes = [],  # noqa: B006 - read, never changed
        latent: Size = 2,
        sigma: Annotated[float, Field(gt=0)] = 0.015,
    ) -> None:
        """Build for inputs of ``shape``; ``sigma`` is their noise, in units of the normalised input."""
        super().__init__()
        size = math.prod(shape)
        self.shape, self.sigma = shape, sigma
        self.encoder = dense_layers([size, *hidden, 2 * latent], nn.GELU())
        self.decoder = dense_layers([latent, *reversed(hidden), size], nn.GELU())

    def encode(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log sigma of the posterior."""
        mean, log_sigma = self.encoder(inputs.flatten(1)).chunk(2, 1)
        return mean, log_sigma

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Return the expectation of the entries with these latent coordinates."""
        return self.decoder(latent).unflatten(1, self.shape)
