"""Particle Flow Network, a deep set of jet constituents: 82,858 parameters; as Energy Flow Network 82,358.

Komiske, Metodiev, Thaler (arXiv:1810.05165), the defaults are the paper's sizes: each constituent is described on its
own, the descriptions are summed, and a dense network reads the sum. With ``energy_flow`` the description knows the
direction alone and is weighted by the share of the transverse momentum: then the output does not change with soft
emissions and collinear splittings, as long as no more than ``constituents`` are there. The published count of 82,458
is for three features of each constituent (share, eta, phi); here there are seven, or two directions.
"""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import Size, Sizes
from jetpulse.models.constituents import particle_features, transverse
from jetpulse.models.layers import dense_layers

TASKS = ("classification",)
INPUT = "constituents"


class Network(nn.Module):
    """Dense layers of each constituent, a sum, dense layers; input (batch, n, 4), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        constituents: Size = 200,
        particle: Annotated[Sizes, Field(min_length=1)] = [100, 100, 256],  # noqa: B006
        hidden: Sizes = [100, 100, 100],  # noqa: B006 - both are read, never changed
        energy_flow: bool = False,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        """Build for jets of four-momenta (``shape`` is (4,)); the hardest ``constituents`` are looked at."""
        super().__init__()
        self.constituents, self.energy_flow = constituents, energy_flow
        self.describe = nn.Sequential(dense_layers([2 if energy_flow else 7, *particle], nn.ReLU()), nn.ReLU())
        self.read = nn.Sequential()
        for wide, narrow in pairwise([particle[-1], *hidden]):
            self.read.extend([nn.Linear(wide, narrow), nn.ReLU(), nn.Dropout(dropout)])
        self.read.append(nn.Linear([*particle, *hidden][-1], outputs))

    def forward(self, momenta: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of momenta (batch, n, 4): E, px, py, pz in GeV, zeros where there is none."""
        features, mask = particle_features(momenta, self.constituents)
        weight = mask.to(features.dtype)
        if self.energy_flow:
            pt = transverse(momenta.float())
            features = features[..., :2]
            weight = pt[:, : self.constituents] / pt.sum(1, keepdim=True).clamp(min=1e-8)
        described = self.describe(features)
        # Padding has weight 0; the sum is a product of matrices, so no weighted copy of all descriptions is made.
        return self.read((weight[:, None].to(described.dtype) @ described)[:, 0])
