"""Networks, one file each: ``NAME.py`` holds a ``Network`` whose keyword arguments are its config keys."""

import os
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jetpulse.config.networks import check_model
from jetpulse.errors import StoppedError, UserError, first_line

# Weights, gradients and the two moments of Adam.
_COPIES = 4
# What is no mistake of a network's file.
_PASSED_ON = (UserError, StoppedError, MemoryError)


def build_network(name: str, shape: tuple[int, ...], outputs: int, arguments: dict[str, Any]) -> nn.Module:
    """Return the network called ``name`` for inputs of ``shape`` (without the batch axis) and ``outputs`` outputs.

    Raises:
        ValueError: no such network, or arguments that it does not take.
        UserError: its file cannot be imported, it cannot be built, or it needs more memory than there is.
    """
    complete = check_model(name, arguments)
    file = f"{name.replace('-', '_')}.py"
    try:
        module = import_module(f"jetpulse.models.{file.removesuffix('.py')}")
    except _PASSED_ON:
        raise
    except Exception as error:  # anything, in somebody's own file
        raise UserError(f"models/{file}: cannot be imported: {_reason(error, file)}") from error

    def make() -> nn.Module:
        return module.Network(shape, outputs, **complete)

    _check_memory(name, make)
    try:
        network = make()
    except _PASSED_ON:
        raise
    except Exception as error:
        size = " x ".join(map(str, shape))
        raise UserError(f"{name}: cannot be built for inputs of {size}: {_reason(error, file)}") from error
    if not isinstance(network, nn.Module):
        raise UserError(f"models/{file}: Network is not a torch.nn.Module; derive it from one")
    return network


def _check_memory(name: str, make: Callable[[], nn.Module]) -> None:
    """Refuse a network that is larger than the memory, before it is built.

    Raises:
        UserError: such a network.
    """
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            network = make()
            tensors = [*network.parameters(), *network.buffers()]
    except (
        Exception
    ):  # what is wrong is said where it is built; without memory for its numbers not every network can be
        return
    needed = _COPIES * sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory:
        raise UserError(
            f"{name}: weights, gradients and the optimiser's state take {needed / 2**30:.3g} GiB, this machine has "
            f"{memory / 2**30:.3g} GiB; choose smaller arguments"
        )


def try_network(name: str, network: nn.Module, features: torch.Tensor, expected: tuple[int, ...]) -> None:
    """Refuse a network that cannot be trained, or whose answer to ``features`` (b, ...) is not (b, *expected).

    Raises:
        UserError: such a network.
    """
    file = f"{name.replace('-', '_')}.py"
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UserError(f"models/{file}: Network has no parameters that could be trained")
    shape = tuple(features.shape)
    try:
        with torch.inference_mode():
            found = network(features)
    except _PASSED_ON:
        raise
    except Exception as error:
        raise UserError(f"models/{file}: fails for inputs of shape {shape}: {_reason(error, file)}") from error
    wanted = (len(features), *expected)
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != wanted or not found.is_floating_point():
        what = (
            f"{found.dtype} of shape {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
        )
        raise UserError(
            f"models/{file}: returns {what} for inputs of shape {shape}, must return floats of shape {wanted}"
        )


def _reason(error: Exception, file: str) -> str:
    """Return an exception in one line, with the line of the network's file that raised it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == file]
    at = f" (line {lines[-1]})" if lines else ""
    name, words = type(error).__name__, first_line(error)
    return (name if words == name else f"{name}: {words}") + at


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; a network that learns otherwise, as trees do, counts itself."""
    if hasattr(network, "count_parameters"):
        return network.count_parameters()
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
