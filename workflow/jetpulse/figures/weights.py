"""Figures of what small networks have learned: weights, biases, filters; slopes and offset of a linear one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.figures.numbers import with_error
from jetpulse.figures.style import COLOURS, literal, styled

FEW = 120  # numbers of one training that are printed one by one
_MOST_TRAININGS = 6
_MOST_FILTERS = 64
_MOST_TICKS = 30


@dataclass(frozen=True)
class Layer:
    """One layer: ``weight`` (outputs, inputs) or, of a convolution, (filters, channels, rows, columns); ``bias``.

    ``inputs`` and ``outputs`` are names, or empty.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def count(self) -> int:
        """Return the number of parameters."""
        return self.weight.size + (0 if self.bias is None else self.bias.size)


@dataclass(frozen=True)
class Linear:
    """Slopes and, last, the offset of a linear network in the units of the data, (d + 1,), with their covariance."""

    values: np.ndarray
    covariance: np.ndarray

    def errors(self) -> np.ndarray:
        """Return standard errors (d + 1,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0))


@styled
def weights(trainings: Sequence[Sequence[Layer]]) -> Figure:
    """Draw every layer's weights with the biases as a last column; numbers are printed where they are few.

    Of networks with many numbers only the first training is shown, of others at most six.
    """
    few = sum(layer.count() for layer in trainings[0]) <= FEW
    shown = trainings[: _MOST_TRAININGS if few else 1]
    sizes = [_size(layer, few) for layer in trainings[0]]
    figure = Figure(figsize=(sum(wide for wide, _ in sizes) + 0.9, len(shown) * max(high for _, high in sizes) + 0.3))
    axes = figure.subplots(len(shown), len(sizes), squeeze=False, width_ratios=[wide for wide, _ in sizes])
    for number, (row, layers) in enumerate(zip(axes, shown, strict=True), 1):
        for panel, layer in zip(row, layers, strict=True):
            limit = _limit([layer])
            drawn = _filters(panel, layer, limit) if layer.weight.ndim == 4 else _matrix(panel, layer, limit, few)
            if not few:
                figure.colorbar(drawn, ax=panel, shrink=0.8)
            if number == 1:
                # Above a convolution's first kernels are their biases.
                pad = 16 if layer.weight.ndim == 4 else 6
                panel.set_title(f"{layer.name}, {layer.count():,} parameters", fontsize=9, pad=pad)
        if len(shown) > 1:
            row[0].annotate(
                *(f"training {number}", (0, 0.5)),
                (-62, 0),
                xycoords="axes fraction",
                textcoords="offset points",
                rotation=90,
                ha="center",
                va="center",
            )
    return figure


def _limit(layers: Sequence[Layer]) -> float:
    values = [values for layer in layers for values in (layer.weight, layer.bias) if values is not None]
    return max((float(np.abs(part).max()) for part in values if part.size), default=0.0) or 1.0


def _size(layer: Layer, few: bool) -> tuple[float, float]:
    """Return width and height of a layer's panel in inches."""
    if layer.weight.ndim == 4:
        return 4.6, 3.2
    outputs, inputs = layer.weight.shape
    if few:
        return max(2.4, 0.66 * (inputs + 1.4) + 0.9), max(1.5, 0.42 * outputs + 1.0)
    return float(np.clip(0.15 * inputs + 1.6, 2.8, 6.5)), float(np.clip(0.13 * outputs + 1.4, 2.4, 4.5))


def _matrix(panel: Axes, layer: Layer, limit: float, few: bool) -> object:
    """Draw weights (outputs, inputs) and, one column apart, biases."""
    outputs, inputs = layer.weight.shape
    colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit, "interpolation": "nearest", "aspect": "auto"}
    gap = 0.4 if few else max(0.5, 0.02 * inputs)
    wide = 1.0 if few else max(1.0, 0.03 * inputs)
    drawn = panel.imshow(layer.weight, extent=(-0.5, inputs - 0.5, outputs - 0.5, -0.5), **colours)
    places, names = list(range(inputs)), [_named(layer.inputs, i) for i in range(inputs)]
    if inputs > _MOST_TICKS:
        places, names = [], []
    end = inputs - 0.5
    if layer.bias is not None:
        left = end + gap
        end = left + wide
        panel.imshow(layer.bias[:, None], extent=(left, end, outputs - 0.5, -0.5), **colours)
        places, names = [*places, (left + end) / 2], [*names, "bias"]
    panel.set(xlim=(-0.5, end), ylim=(outputs - 0.5, -0.5))
    for i, row in enumerate(layer.weight if few else ()):
        for j, value in enumerate(row):
            _print(panel, j, i, value, limit)
        if layer.bias is not None:
            _print(panel, places[-1], i, layer.bias[i], limit)
    small = 8 if few else 6.5
    turned = 90 if inputs > 10 else (25 if max(map(len, names)) > 7 else 0)
    panel.set_xticks(places, names, fontsize=small, rotation=turned)
    down = range(outputs) if outputs <= _MOST_TICKS else ()
    panel.set_yticks(list(down), [_named(layer.outputs, i) for i in down], fontsize=small)
    panel.set(xlabel="input" if inputs <= _MOST_TICKS else f"{inputs:,} inputs", ylabel="output")
    panel.spines[:].set_visible(False)
    panel.grid(False)
    return drawn


def _named(names: Sequence[str], i: int) -> str:
    return literal(names[i]) if i < len(names) else str(i + 1)


def _print(panel: Axes, x: float, y: float, value: float, limit: float) -> None:
    digits = 2 if abs(value) < 100 else 0
    colour = "white" if abs(value) > 0.65 * limit else "black"
    text = f"{value:z.{digits}f}".replace("-", "−")
    panel.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)


def _filters(panel: Axes, layer: Layer, limit: float) -> object:
    """Draw the kernels of a convolution beside each other, one channel's in a column if there are several."""
    filters, channels, high, wide = layer.weight.shape
    kernels = layer.weight.reshape(filters * channels, high, wide)[:_MOST_FILTERS]
    across = channels if 1 < channels <= 16 else min(len(kernels), max(4, int(np.ceil(np.sqrt(len(kernels))))))
    down = -(-len(kernels) // across)
    sheet = np.full((down * (high + 1) - 1, across * (wide + 1) - 1), np.nan)
    for number, kernel in enumerate(kernels):
        i, j = number // across * (high + 1), number % across * (wide + 1)
        sheet[i : i + high, j : j + wide] = kernel
        if channels == 1 and layer.bias is not None:
            text = f"bias {layer.bias[number]:.2f}".replace("-", "−")
            panel.text(j + (wide - 1) / 2, i - 0.55, text, ha="center", va="bottom", fontsize=7)
    drawn = panel.imshow(sheet, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    left_out = filters * channels - len(kernels)
    what = f"{filters} filters of {high} × {wide}" + (f" for {channels} channels" if channels > 1 else "")
    panel.set_xlabel(what + (f", {left_out} of their kernels not shown" if left_out else ""), fontsize=8)
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(False)
    panel.grid(False)
    return drawn


@styled
def coefficients(trainings: Sequence[Linear], names: Sequence[str], truth: Sequence[float] | None = None) -> Figure:
    """Draw slopes and offset of linear networks, a panel for each, with standard errors; values printed.

    Args:
        trainings: what each training found.
        names: of the slopes and, last, of the offset.
        truth: their true values, if known.
    """
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)
    height = 0.34 * len(trainings) + 1.1
    figure = Figure(figsize=(2.9 * columns + 0.6, rows * height))
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for i, panel in enumerate(axes.flat):
        if i >= len(names):
            panel.set_axis_off()
            continue
        told = []
        if truth is not None:
            panel.axvline(truth[i], color="0.3", lw=1.2, ls="--", zorder=1)
        for place, found in enumerate(trainings):
            value, error = float(found.values[i]), float(found.errors()[i])
            panel.errorbar(value, place, xerr=error, fmt="o", ms=5, color=COLOURS[place % len(COLOURS)])
            told.append(with_error(value, error))
        panel.set_title("\n".join(dict.fromkeys(told)), fontsize=9)
        panel.set_xlabel(names[i] if truth is None else f"{names[i]} (dashed: truth, {truth[i]:g})")
        panel.locator_params(axis="x", nbins=4)
        panel.margins(x=0.25)
    for row in axes:
        row[0].set_yticks(range(len(trainings)), [f"training {number + 1}" for number in range(len(trainings))])
        row[0].set_ylim(len(trainings) - 0.5, -0.5)
    return figure
