"""Layers that several networks are made of; no network itself."""

from itertools import pairwise

from torch import nn


def dense_layers(widths: list[int], activation: nn.Module) -> nn.Sequential:
    """Return linear layers of these widths, input and output included, with ``activation`` between them."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), activation]
    return nn.Sequential(*layers[:-1])
