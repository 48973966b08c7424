"""Layers that several networks are made of; no network itself."""

from itertools import pairwise

import torch
from torch import nn


def dense_layers(widths: list[int], activation: nn.Module) -> nn.Sequential:
    """Return linear layers of these widths, input and output included, with ``activation`` between them."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), activation]
    return nn.Sequential(*layers[:-1])


def mean_of_existing(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean (batch, d) of those rows of x (batch, n, d) that ``mask`` (batch, n) says exist, 0 of none."""
    weight = mask / mask.sum(1, keepdim=True).clamp(min=1)
    return (x * weight[..., None].to(x.dtype)).sum(1)


def working_type(x: torch.Tensor) -> torch.dtype:
    """Return the type in which layers compute here: autocast's, or that of ``x`` where it is off."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
