"""LorentzNet on jet constituents: messages that see invariant products alone, 224,504 parameters as published.

Gong et al. (arXiv:2201.08187): width 72, blocks 6, constituents 200, beams; the defaults are made for CPUs. Every
constituent has a four-vector and a description. A message between two knows both descriptions, the square of the
difference of the vectors and their product; it changes the descriptions, and moves the vectors along each other.
Boosts and rotations therefore do not change the output, except that ``beams`` adds the two beams as particles, as
published: then boosts along the beam and rotations about it remain.

Published are 224,072 parameters. Here messages are normalised over their channels and not over the batch, which asks
for a bias more in every block (432 in all); vectors are not cut off at 100 GeV, which was no invariant step; and means
are over the constituents there are.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import Depth, Size
from jetpulse.models.layers import mean_of_existing, working_type

TASKS = ("classification",)
INPUT = "constituents"


def products(vectors: torch.Tensor) -> torch.Tensor:
    """Return the Minkowski products (b, n, n) of all pairs of four-vectors (b, n, 4), float64.

    Collinear vectors of little mass leave few digits of the terms, so these are summed in double precision.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        vectors = vectors.double()
        metric = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64, device=vectors.device)
        return vectors @ (vectors * metric).transpose(1, 2)


def compress(square: torch.Tensor) -> torch.Tensor:
    """Return sign(s) log(1 + |s|) of products s in GeV^2; what rounding leaves of a mass is far below 1 GeV^2."""
    return square.sign() * square.abs().log1p()


class _Block(nn.Module):
    """Messages between all pairs, new descriptions, and unless it is the last one new vectors."""

    def __init__(self, width: int, scalars: int, *, last: bool) -> None:
        super().__init__()
        self.own, self.other = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        # A layer of two inputs, stored the other way round: CPUs find its gradient ten times faster.
        self.pair = nn.Parameter(nn.init.xavier_uniform_(torch.empty(2, width)))
        # In place behind the normalisation alone: behind a layer of more than two axes autograd would copy everything.
        self.message = nn.Sequential(nn.LayerNorm(width), nn.ReLU(inplace=True), nn.Linear(width, width), nn.ReLU())
        self.importance = nn.Linear(width, 1)
        self.describe = nn.Sequential(
            nn.Linear(2 * width + scalars, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width)
        )
        self.last = last
        if not last:
            self.attraction = nn.Sequential(nn.Linear(width, width), nn.ReLU())
            # No layer, so that whatever scheme initialises layers, vectors move little at first.
            self.strength = nn.Parameter(0.001 * torch.randn(width))

    def forward(
        self, h: torch.Tensor, x: torch.Tensor, scalars: torch.Tensor, pairs: torch.Tensor, step: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return new descriptions h (b, n, width) and vectors x (b, n, 4); pairs (b, n, n) is 1 where there are two."""
        # The first layer of a message is a sum of terms of either end and of the pair; logarithms stay exact.
        h = h.to(scalars.dtype)
        precision = working_type(h)
        with torch.autocast(x.device.type, enabled=False):
            message = _pair_scalars(x).to(scalars.dtype) @ self.pair
            message += self.own(h)[:, :, None]
            message += self.other(h)[:, None]
        message = self.message(message.to(precision))
        message = message * (torch.sigmoid(self.importance(message)) * pairs[..., None]).to(message.dtype)
        h = h + self.describe(torch.cat([h, message.sum(2), scalars], -1))
        if not self.last:
            pull = (self.attraction(message) @ self.strength.to(message.dtype)).double() * pairs
            with torch.autocast(x.device.type, enabled=False):
                change = x * pull.sum(-1, keepdim=True) - pull @ x
                x = x + step * change / pairs.sum(-1, keepdim=True).clamp(min=1)
        return h, x


def _pair_scalars(x: torch.Tensor) -> torch.Tensor:
    """Return compressed (x_i - x_j)^2 and x_i x_j of all pairs (b, n, n, 2)."""
    product = products(x)
    square = product.diagonal(dim1=1, dim2=2)
    difference = square[:, :, None] + square[:, None] - 2 * product
    return compress(torch.stack([difference, product], -1))


class Network(nn.Module):
    """Blocks of messages, mean over constituents, one hidden layer; input (batch, n, 4), output logits."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        constituents: Size = 80,
        width: Size = 32,
        blocks: Depth = 3,
        beams: bool = True,
        step: Annotated[float, Field(gt=0)] = 0.005,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        """Build for jets of four-momenta (``shape`` is (4,)); the hardest ``constituents`` are looked at."""
        super().__init__()
        self.constituents, self.step, self.beams = constituents, step, beams
        scalars = 2 if beams else 1
        self.embed = nn.Linear(scalars, width)
        self.blocks = nn.ModuleList(_Block(width, scalars, last=i == blocks - 1) for i in range(blocks))
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, outputs))

    def forward(self, momenta: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes) of momenta (batch, n, 4): E, px, py, pz in GeV, zeros where there is none."""
        x = momenta[:, : self.constituents, :4].double()
        mask = x[..., 0] > 0
        mass = (x[..., 0] ** 2 - x[..., 1:].square().sum(-1))[..., None]
        scalars = compress(mass).to(self.embed.weight.dtype)
        if self.beams:
            x, mask, scalars = _add_beams(x, mask, scalars)
        others = ~torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        pairs = (mask[:, :, None] & mask[:, None] & others).to(scalars.dtype)
        h = self.embed(scalars)
        for block in self.blocks:
            h, x = block(h, x, scalars, pairs, self.step)
        return self.head(mean_of_existing(h, mask))


def _add_beams(x: torch.Tensor, mask: torch.Tensor, scalars: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return vectors, mask and scalars with two particles of mass and momentum 1 GeV along the beam in front."""
    beams = torch.tensor([[2**0.5, 0, 0, 1], [2**0.5, 0, 0, -1]], dtype=x.dtype, device=x.device)
    x = torch.cat([beams.expand(x.shape[0], 2, 4), x], 1)
    mask = torch.cat([mask.new_ones(mask.shape[0], 2), mask], 1)
    # A second column tells beams from constituents.
    known = torch.tensor([[0.0, 1.0]], dtype=scalars.dtype, device=scalars.device).expand(x.shape[0], 2, 2)
    return x, mask, torch.cat([known, nn.functional.pad(scalars, (0, 1))], 1)
