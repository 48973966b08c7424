"""Fully connected network on flattened input: what remains when the neighbourhood of pixels is ignored.

With `one_logit` two classes are told apart by one output, the logit of class 1, as in logistic regression: 2-4-1 has 17
parameters.
"""

import math
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import OfTwoClasses, Sizes
from jetpulse.errors import UserError

TASKS = ("classification", "localisation", "regression")
_ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign, "gelu": nn.GELU}


class Network(nn.Module):
    """Hidden layers with an activation and dropout; input (batch, ...), output logits or one number."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        hidden: Sizes = [128, 64, 64],  # noqa: B006 - read, never changed
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        activation: Literal["relu", "sigmoid", "tanh", "softsign", "gelu"] = "relu",
        one_logit: OfTwoClasses = False,
    ) -> None:
        """Build for inputs of ``shape``.

        Raises:
            UserError: ``one_logit`` for another number of classes than two.
        """
        super().__init__()
        if one_logit and outputs != 2:
            raise UserError(f"dense: one_logit tells two classes apart, here are {outputs} outputs; set it to false")
        self.one_logit = one_logit
        widths = [math.prod(shape), *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for wide, narrow in pairwise(widths):
            layers += [nn.Linear(wide, narrow), _ACTIVATIONS[activation](), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1 if one_logit else outputs))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes), the first of ``one_logit`` 0, or the number (batch, 1)."""
        outputs = self.layers(inputs)
        return torch.cat([torch.zeros_like(outputs), outputs], 1) if self.one_logit else outputs
