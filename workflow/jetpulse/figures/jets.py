"""Figures of jets: average images after every preprocessing step, single jets, distributions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from jetpulse.figures.style import CLASS_COLOURS, CLASS_NAMES, grid, styled

DECADES = 4  # colour scales of average images span so many powers of ten


@styled
def average_images(images: Mapping[tuple[str, int], np.ndarray], half_width: float, units: Mapping[str, str]) -> Figure:
    """Draw mean images by preprocessing stage (columns) and class (rows), logarithmic colour scale.

    Args:
        images: (stage, label) -> (pixels, pixels), first axis eta, second phi.
        half_width: half the image's side.
        units: stage -> unit of its values.
    """
    stages = list(dict.fromkeys(stage for stage, _ in images))
    labels = sorted({label for _, label in images}, reverse=True)
    figure, axes = grid(len(labels), len(stages), 2.9, 2.2, sharex=True, sharey=True)
    for column, stage in enumerate(stages):
        top = max(images[stage, label].max() for label in labels)
        norm = LogNorm(top / 10**DECADES, top) if top > 0 else None
        for row, label in enumerate(labels):
            axis = axes[row][column]
            shown = axis.imshow(
                np.clip(images[stage, label].T, norm.vmin if norm else None, None),
                origin="lower",
                extent=(-half_width, half_width, -half_width, half_width),
                norm=norm,
                interpolation="nearest",
            )
            axis.grid(False)
            if row == 0:
                axis.set_title(stage)
            if row == len(labels) - 1:
                axis.set_xlabel(r"$\Delta\eta$")
            if column == 0:
                axis.set_ylabel(f"{CLASS_NAMES[label]}\n" + r"$\Delta\phi$")
        unit = units[stage]
        figure.colorbar(shown, ax=[axes[row][column] for row in range(len(labels))], label=f"mean {unit}", shrink=0.8)
    return figure


@styled
def single_jets(images: np.ndarray, labels: Sequence[int], half_width: float, unit: str) -> Figure:
    """Draw single images (n, pixels, pixels) with their classes, half of them in each row; empty pixels are white."""
    columns = max(1, (len(images) + 1) // 2)
    figure, axes = grid(2, columns, 2.4, 2.5, sharex=True, sharey=True)
    top = float(images.max(initial=0.0)) or 1.0
    shown = None
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        axis = axes[i // columns][i % columns]
        shown = axis.imshow(
            np.ma.masked_equal(image.T, 0),
            origin="lower",
            extent=(-half_width, half_width, -half_width, half_width),
            norm=LogNorm(top * 1e-4, top),
            interpolation="nearest",
        )
        axis.grid(False)
        axis.set_title(CLASS_NAMES[label], color=CLASS_COLOURS[label])
    for row in axes:
        row[0].set_ylabel(r"$\Delta\phi$")
    for axis in axes[-1]:
        axis.set_xlabel(r"$\Delta\eta$")
    if shown is not None:
        figure.colorbar(shown, ax=[axis for row in axes for axis in row], label=unit, shrink=0.8)
    return figure


@styled
def distributions(values: Mapping[str, np.ndarray], label: np.ndarray) -> Figure:
    """Draw the density of every quantity (name with unit -> (n,)) for both classes."""
    figure, axes = grid(2, 2, 4.0, 2.8)
    for axis, (name, quantity) in zip([a for row in axes for a in row], values.items(), strict=False):
        edges = _edges(quantity)
        for kind in (1, 0):
            chosen = quantity[label == kind]
            if len(chosen):
                density = np.histogram(chosen, edges)[0] / (len(chosen) * np.diff(edges))
                axis.stairs(density, edges, lw=1.6, color=CLASS_COLOURS[kind], label=CLASS_NAMES[kind])
                axis.axvline(np.median(chosen), color=CLASS_COLOURS[kind], lw=0.8, ls=":")
        axis.set_xlabel(name)
        axis.set_ylabel("density")
    axes[0][0].legend()
    return figure


def _edges(quantity: np.ndarray) -> np.ndarray:
    """Return about 50 bins up to the 99.8 % quantile; whole numbers get bins that hold equally many of them."""
    low, high = np.quantile(quantity, [0.0, 0.998], method="higher") if len(quantity) else (0.0, 1.0)
    if np.array_equal(quantity, np.round(quantity)):
        step = max(1, round((high - low) / 50))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, max(high, low + 1e-9), 51)
