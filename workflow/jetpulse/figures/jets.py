"""Figures of jets: average images after every preprocessing step, single jets."""

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
