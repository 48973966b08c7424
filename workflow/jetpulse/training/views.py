"""Predictions that are the mean over turned and mirrored views of a jet; loaded by name where it is wanted.

Physics has no favourite direction in the plane across a jet's axis; a network that has learned so from augmentation has
nearly none. The mean over a group of turns and mirrors has exactly none of that group's, for as many passes.
"""

import math

import torch
from torch import nn

from jetpulse.training.augmentation import directions, jet_axis, transverse, turn_jets

# Below every pT of a constituent in GeV; keeps what is divided by it finite where there is none.
_TINY = 1e-30


def centroid(momenta: torch.Tensor) -> torch.Tensor:
    """Return mean pseudorapidity and azimuth (2, b) of jets (b, n, 4), weighted by pT; 0 for jets without constituents.

    Unlike the axis of a jet's momentum it stays exactly where it is when the jet is turned about it.
    """
    pt, axis = transverse(momenta), jet_axis(momenta)
    eta, phi = directions(momenta)
    phi = torch.remainder(phi - axis[1][:, None] + math.pi, 2 * math.pi) - math.pi
    total = pt.sum(1).clamp(min=_TINY)
    return torch.stack([(pt * eta).sum(1) / total, axis[1] + (pt * phi).sum(1) / total])


class MeanOfViews(nn.Module):
    """A classifier of constituents that answers with the mean of its probabilities over views of a jet."""

    def __init__(self, network: nn.Module, views: int) -> None:
        """Wrap ``network``; ``views`` is even, so that the views form a group."""
        super().__init__()
        self.network, self.views = network, views

    def forward(self, momenta: torch.Tensor) -> torch.Tensor:
        """Return logarithms of probabilities (b, outputs) of jets (b, n, 4): E, px, py, pz in GeV.

        View k is turned about the jet's centroid by k / views of a full turn; every second one is mirrored in phi. The
        first is the jet as it is.
        """
        said = [torch.log_softmax(self.network(momenta), 1)]
        axis = centroid(momenta)
        for k in range(1, self.views):
            angle = torch.full_like(axis[0], 2.0 * math.pi * k / self.views)
            signs = torch.stack([torch.ones_like(angle), torch.full_like(angle, (-1.0) ** k)], 1)
            said.append(torch.log_softmax(self.network(turn_jets(momenta, axis, angle, signs)), 1))
        return torch.logsumexp(torch.stack(said), 0) - math.log(self.views)
