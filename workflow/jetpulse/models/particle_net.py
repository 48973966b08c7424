"""ParticleNet on jet constituents: convolutions over the nearest neighbours, first in the plane, then as learned.

Qu, Gouskos (arXiv:1902.08570). The paper's network of 366,160 parameters has widths [64, 128, 256], neighbours 16,
hidden 256 and constituents 100, here 367,042 parameters; its ParticleNet-Lite of 26,416 has the defaults (here 26,594).
What is normalised here is each edge over its channels, not each channel over the batch, so that neither the padding nor
the other jets matter and a batch may hold one jet: that asks for biases in the first layers (896 and 192 more), and
features that come with order 1 need no normalisation (14 fewer).
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from jetpulse.config.types import Depth, Size, Sizes
from jetpulse.models.constituents import particle_features
from jetpulse.models.layers import mean_of_existing, working_type

TASKS = ("classification",)
INPUT = "constituents"


def nearest(points: torch.Tensor, mask: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ``k`` nearest existing others of every point, int64 (batch, n, k), and which of them there are.

    Points are (batch, n, d) with n >= k, mask (batch, n). The places count through all points of the batch.
    """
    with torch.no_grad(), torch.autocast(points.device.type, enabled=False):
        points = points.float()
        square = points.square().sum(-1)
        distance = square[:, :, None] + square[:, None] - 2 * points @ points.transpose(1, 2)
        b, n = mask.shape
        itself = torch.eye(n, dtype=torch.bool, device=mask.device)
        distance = distance.masked_fill(itself | ~mask[:, None], torch.inf)
        distance, index = distance.topk(k, largest=False)
        first = n * torch.arange(b, device=mask.device)
        return index + first[:, None, None], distance.isfinite()


class _EdgeConvolution(nn.Module):
    """Dense layers of every point with each neighbour, [x, neighbour - x], averaged over its neighbours."""

    def __init__(self, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        self.own, self.other = nn.Linear(inputs, width), nn.Linear(inputs, width, bias=False)
        self.layers = nn.Sequential(nn.LayerNorm(width), nn.ReLU(inplace=True))
        for _ in range(layers - 1):
            self.layers.extend([nn.Linear(width, width, bias=False), nn.LayerNorm(width), nn.ReLU(inplace=True)])
        self.shortcut = nn.Sequential()
        if inputs != width:
            self.shortcut.extend([nn.Linear(inputs, width), nn.LayerNorm(width)])

    def forward(self, x: torch.Tensor, index: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return (b, n, width) of x (b, n, inputs) with neighbours index (b, n, k), weighted by weight (b, n, k)."""
        # The first layer of an edge is a sum of two terms, each worked out once for a point. Close neighbours differ
        # by less than 16 bits can tell.
        precision = working_type(x)
        with torch.autocast(x.device.type, enabled=False):
            other = self.other(x.float())
            own = self.own(x.float()) - other
            edges = functional.embedding(index, other.flatten(0, 1)) + own[:, :, None]
        edges = self.layers(edges.to(precision))
        return torch.relu(self.shortcut(x) + (edges * weight[..., None].to(edges.dtype)).sum(2))


class Network(nn.Module):
    """Edge convolutions, mean over constituents, one hidden layer; input (batch, n, 4), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        constituents: Size = 100,
        neighbours: Size = 7,
        widths: Annotated[Sizes, Field(min_length=1)] = [32, 64],  # noqa: B006
        layers: Depth = 3,
        hidden: Size = 128,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        """Build for jets of four-momenta (``shape`` is (4,)); the hardest ``constituents`` are looked at."""
        super().__init__()
        self.constituents, self.neighbours = constituents, min(neighbours, constituents)
        pairs = zip([7, *widths], widths, strict=False)
        self.blocks = nn.ModuleList(_EdgeConvolution(inputs, width, layers) for inputs, width in pairs)
        self.head = nn.Sequential(
            nn.Linear(widths[-1], hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, outputs)
        )

    def forward(self, momenta: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of momenta (batch, n, 4): E, px, py, pz in GeV, zeros where there is none."""
        short = max(self.neighbours - momenta.shape[1], 0)
        features, mask = particle_features(functional.pad(momenta, (0, 0, 0, short)), self.constituents)
        points, x = features[..., :2], features
        for block in self.blocks:
            index, there = nearest(points, mask, self.neighbours)
            weight = there / there.sum(-1, keepdim=True).clamp(min=1)
            points = x = block(x, index, weight)
        return self.head(mean_of_existing(x, mask))
