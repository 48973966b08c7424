"""Learned kernels of the reference network for pulses beside the derivative kernels that one would choose by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from safetensors import SafetensorError
from safetensors.numpy import load

from jetpulse.errors import UserError, first_line
from jetpulse.figures.style import COLOURS, save_figure, styled
from jetpulse.training.descriptions import load_description, read_weights

_MOST_FILTERS = 4  # of a training that are shown
Kernels = tuple[np.ndarray, np.ndarray]


def derivatives(width: int) -> dict[str, np.ndarray]:
    """Return kernels (width,) of a convolution that give first and second derivative, those that so few samples have.

    They are orthogonal to each other and to a mean: least-squares fits of a parabola (Savitzky, Golay,
    doi:10.1021/ac60214a047), of three samples (1/2, 0, -1/2) and (1, -2, 1).
    """
    x = np.arange(width) - width // 2
    first, second = -x.astype(float), x**2 - np.mean(x**2)
    return {
        name: kernel * factor / float(kernel @ kernel)
        for name, kernel, factor in (("first derivative", first, 1), ("second derivative", second, 2))
        if kernel.any()
    }


def read_kernels(model: Path) -> Kernels:
    """Return the convolution kernels of both layers, (filters, width) and (filters, traces, window).

    torch computes correlations; kernels are flipped in time to be those of a convolution.

    Raises:
        UserError: no such file, or the weights of another network.
    """
    content = read_weights(model, load_description(model.with_name("model.json")))
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise UserError(f"{model}: not a model in safetensors format ({first_line(error)})") from error
    shapes = [tensors[name].shape if name in tensors else () for name in ("first.weight", "second.weight")]
    if shapes[0] != (*shapes[0][:1], 1, 1, *shapes[0][3:4]) or shapes[1] != (1, *shapes[0][:1], *shapes[1][2:4]):
        told = ", ".join("none" if not shape else str(shape) for shape in shapes)
        raise UserError(
            f"{model}: needs tensors first.weight (filters, 1, 1, width) and second.weight (1, filters, traces, "
            f"window), found {told}; only 'pulse-reference' has both"
        )
    return tensors["first.weight"][:, 0, 0, ::-1], tensors["second.weight"][0, :, :, ::-1]


def shares(kernel: np.ndarray) -> dict[str, float]:
    """Return which part of a kernel (width,) is a mean, a first and a second derivative; of three samples all is."""
    parts = {"mean": np.ones(len(kernel)), **derivatives(len(kernel))}
    square = float(kernel @ kernel) or 1.0
    return {name: float(kernel @ part) ** 2 / float(part @ part) / square for name, part in parts.items()}


@styled
def kernels(models: Sequence[Kernels]) -> Figure:
    """Draw a row for every training: first-layer kernels beside derivatives of equal norm, then the second layer's.

    Of many filters those with the largest weights in the second layer are shown.
    """
    filters, traces = models[0][1].shape[:2]
    shown = min(filters, _MOST_FILTERS)
    height = max(2.6, 0.28 * traces + 1.0)
    figure = Figure(figsize=(6.7 * shown + 0.4, height * len(models) + 0.6))
    axes = figure.subplots(len(models), 2 * shown, squeeze=False, width_ratios=[1.15] * shown + [1] * shown)
    for row, (first, second) in zip(axes, models, strict=True):
        strongest = np.argsort(-np.linalg.norm(second, axis=(1, 2)), kind="stable")[:shown]
        # Filters come in any order: those with more of the first derivative stand first.
        order = sorted(np.sort(strongest), key=lambda i: -shares(first[i]).get("first derivative", 0.0))
        limit = float(np.abs(second).max()) or 1.0
        for position, index in enumerate(order):
            name = chr(ord("A") + position)
            _first_layer(row[position], first[index], name)
            drawn = _second_layer(row[shown + position], second[index], limit, name)
        figure.colorbar(drawn, ax=row[shown:].tolist(), label="weight")
    for number, row in enumerate(axes, 1):
        row[0].set_ylabel(f"training {number}\nweight")
        row[shown].set_ylabel("trace")
    for axis in axes[-1]:
        axis.set_xlabel("lag [bins]")
    title = f"{shown} of {filters} filters, those with the largest weights" if shown < filters else None
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, title=title)
    return figure


def _first_layer(axis: Axes, kernel: np.ndarray, filter_name: str) -> None:
    lag = np.arange(len(kernel)) - len(kernel) // 2
    axis.axhline(0, color="0.6", lw=0.6)
    axis.bar(lag, kernel, 0.5, color="#b8c4d0", label="learned")
    for colour, marker, (name, ideal) in zip(COLOURS[:2], "os", derivatives(len(kernel)).items(), strict=False):
        scaled = ideal * np.linalg.norm(kernel) / np.linalg.norm(ideal) * (-1 if kernel @ ideal < 0 else 1)
        axis.plot(lag, scaled, marker + "--", color=colour, ms=4, lw=1.0, label=f"{name}, same norm")
    part = shares(kernel)
    told = [f"{part[name]:.0%} {name.split()[0]}" for name in derivatives(len(kernel))]
    text = f": {', '.join(told)} derivative".replace("%", " %") if told else ""
    axis.set_title(f"filter {filter_name}{text}")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _second_layer(axis: Axes, kernel: np.ndarray, limit: float, filter_name: str) -> AxesImage:
    half = kernel.shape[1] // 2
    extent = (-half - 0.5, half + 0.5, kernel.shape[0] + 0.5, 0.5)
    axis.set_title(f"second layer, filter {filter_name}")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axis.grid(False)
    return axis.imshow(
        kernel, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent, aspect="auto", interpolation="nearest"
    )


def plot_kernels_figure(models: Sequence[Path], path: Path) -> None:
    """Draw the kernels of an experiment's trainings."""
    save_figure(kernels([read_kernels(model) for model in models]), path)
