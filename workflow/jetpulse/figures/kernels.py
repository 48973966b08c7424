"""Learned kernels of the reference network for pulses beside the derivative kernels that one would choose by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from safetensors import SafetensorError
from safetensors.numpy import load_file

from jetpulse.errors import UserError
from jetpulse.figures.style import COLOURS, save_figure, styled

# Convolution kernels, orthogonal to each other.
DERIVATIVES = {"first derivative": np.array([0.5, 0.0, -0.5]), "second derivative": np.array([1.0, -2.0, 1.0])}
_SHAPES = {"first.weight": (2, 1, 1, 3), "second.weight": (1, 2, 3, 7)}
Kernels = tuple[np.ndarray, np.ndarray]


def read_kernels(model: Path) -> Kernels:
    """Return the convolution kernels of both layers, (filters, 3) and (filters, traces, 7).

    torch computes correlations; kernels are flipped in time to be those of a convolution.

    Raises:
        UserError: no such file, or the weights of another network.
    """
    if not model.exists():
        raise UserError(f"{model}: no such file; check the path")
    try:
        tensors = load_file(model)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{model}: not a model in safetensors format ({str(error).splitlines()[0]})") from error
    for name, shape in _SHAPES.items():
        if name not in tensors or tensors[name].shape != shape:
            found = tensors[name].shape if name in tensors else "none"
            raise UserError(f"{model}: needs a tensor {name} {shape}, found {found}; only 'pulse-reference' has both")
    return tensors["first.weight"][:, 0, 0, ::-1], tensors["second.weight"][0, :, :, ::-1]


def shares(kernel: np.ndarray) -> dict[str, float]:
    """Return which part of a kernel (3,) is a smoothing, a first and a second derivative; the parts add up to 1."""
    parts = {"mean": np.ones(3), **DERIVATIVES}
    square = float(kernel @ kernel) or 1.0
    return {name: float(kernel @ part) ** 2 / float(part @ part) / square for name, part in parts.items()}


@styled
def kernels(models: Sequence[Kernels]) -> Figure:
    """Draw a row for every training: first-layer kernels beside derivatives of equal norm, then the second layer's."""
    figure = Figure(figsize=(13.5, 2.6 * len(models) + 0.6))
    axes = figure.subplots(len(models), 4, squeeze=False, width_ratios=[1.15, 1.15, 1, 1])
    for row, (first, second) in zip(axes, models, strict=True):
        # Filters come in any order: the one with more of the first derivative stands first.
        order = np.argsort([-shares(kernel)["first derivative"] for kernel in first], kind="stable")
        limit = float(np.abs(second).max()) or 1.0
        for position, (index, name) in enumerate(zip(order, "AB", strict=True)):
            _first_layer(row[position], first[index], name)
            shown = _second_layer(row[2 + position], second[index], limit, name)
        figure.colorbar(shown, ax=row[2:].tolist(), label="weight")
    for number, row in enumerate(axes, 1):
        row[0].set_ylabel(f"training {number}\nweight")
        row[2].set_ylabel("trace")
    for axis in axes[-1]:
        axis.set_xlabel("lag [bins]")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _first_layer(axis: Axes, kernel: np.ndarray, filter_name: str) -> None:
    lag = np.arange(3) - 1
    axis.axhline(0, color="0.6", lw=0.6)
    axis.bar(lag, kernel, 0.5, color="#b8c4d0", label="learned")
    for colour, marker, (name, ideal) in zip(COLOURS[:2], "os", DERIVATIVES.items(), strict=True):
        scaled = ideal * np.linalg.norm(kernel) / np.linalg.norm(ideal) * (-1 if kernel @ ideal < 0 else 1)
        axis.plot(lag, scaled, marker + "--", color=colour, ms=4, lw=1.0, label=f"{name}, same norm")
    part = shares(kernel)
    text = f"{part['first derivative']:.0%} first, {part['second derivative']:.0%} second derivative"
    axis.set_title(f"filter {filter_name}: {text}".replace("%", " %"))
    axis.set_xticks(lag)


def _second_layer(axis: Axes, kernel: np.ndarray, limit: float, filter_name: str) -> AxesImage:
    half = kernel.shape[1] // 2
    extent = (-half - 0.5, half + 0.5, kernel.shape[0] + 0.5, 0.5)
    axis.set_title(f"second layer, filter {filter_name}")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(False)
    return axis.imshow(
        kernel, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent, aspect="auto", interpolation="nearest"
    )


def plot_kernels_figure(models: Sequence[Path], path: Path) -> None:
    """Draw the kernels of an experiment's trainings."""
    save_figure(kernels([read_kernels(model) for model in models]), path)
