"""Autoencoder: dense layers down to a small latent space and back; latent space and output are linear.

With the default arguments on 500 bins the reference's 500 - 4 - 2 - 4 - 500.
"""

import math
from typing import Literal

import torch
from torch import nn

from jetpulse.config.types import Size, Sizes
from jetpulse.models.layers import dense_layers

TASKS = ("reconstruction",)
_ACTIVATIONS = {"softsign": nn.Softsign, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU, "gelu": nn.GELU}


class Network(nn.Module):
    """``encode`` (batch, ...) -> (batch, latent), ``decode`` back to the input's shape."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        hidden: Sizes = [4],  # noqa: B006 - read, never changed
        latent: Size = 2,
        activation: Literal["softsign", "tanh", "sigmoid", "relu", "gelu"] = "softsign",
    ) -> None:
        """Build for inputs of ``shape``; ``hidden`` are the encoder's layers, the decoder has them in reverse."""
        super().__init__()
        widths = [math.prod(shape), *hidden, latent]
        self.shape = shape
        self.encoder = dense_layers(widths, _ACTIVATIONS[activation]())
        self.decoder = dense_layers(widths[::-1], _ACTIVATIONS[activation]())

    def encode(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the latent coordinates."""
        return self.encoder(inputs.flatten(1))

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Return what the latent coordinates stand for."""
        return self.decoder(latent).unflatten(1, self.shape)
