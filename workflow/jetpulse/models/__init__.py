"""Networks, one file each: ``NAME.py`` holds a ``Network`` whose keyword arguments are its config keys."""

from importlib import import_module
from typing import Any

from torch import nn

from jetpulse.config.networks import check_model


def build_network(name: str, shape: tuple[int, ...], outputs: int, arguments: dict[str, Any]) -> nn.Module:
    """Return the network called ``name`` for inputs of ``shape`` (without the batch axis) and ``outputs`` outputs.

    Raises:
        ValueError: no such network, or arguments that it does not take.
    """
    complete = check_model(name, arguments)
    module = import_module(f"jetpulse.models.{name.replace('-', '_')}")
    return module.Network(shape, outputs, **complete)


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; a network that learns otherwise, as trees do, counts itself."""
    if hasattr(network, "count_parameters"):
        return network.count_parameters()
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
