"""Figures of saliency: what a classifier's log odds react to."""

from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure

from jetpulse.evaluation.saliency import ConstituentSaliency, ImageSaliency, mean_in_bins, measure_saliency
from jetpulse.figures.style import CLASS_COLOURS, CLASS_NAMES, grid, save_figure, styled

_RANKS = 60


def plot_saliency_figure(model: Path, inputs: Path, path: Path, most: int, *, device: str = "auto") -> int:
    """Draw what a trained jet classifier looks at; return of how many jets.

    Raises:
        UserError: a network of another task, one that has no gradient, or inputs of another representation.
    """
    found = measure_saliency(model, inputs, most, device=device)
    save_figure(image_saliency(found) if isinstance(found, ImageSaliency) else constituent_saliency(found), path)
    return sum(found.jets.values())


@styled
def image_saliency(found: ImageSaliency) -> Figure:
    """Draw mean images (logarithmic) and mean gradients (linear about 0, logarithmic beyond) of both classes."""
    figure, axes = grid(2, 2, 4.4, 3.6)
    side = found.representation["half_width"]
    extent = (-side, side, -side, side)
    brightest = max(float(image.max()) for image in found.image.values()) or 1.0
    steepest = max(float(np.abs(gradient).max()) for gradient in found.gradient.values()) or 1.0
    options = {"origin": "lower", "extent": extent, "interpolation": "nearest"}
    for row, label in zip(axes, CLASS_NAMES, strict=True):
        image = np.ma.masked_less_equal(found.image[label].T, 0)
        left = row[0].imshow(image, norm=LogNorm(brightest * 1e-4, brightest), **options)
        right = row[1].imshow(
            found.gradient[label].T,
            norm=SymLogNorm(steepest / 100, vmin=-steepest, vmax=steepest),
            cmap="RdBu_r",
            **options,
        )
        name = f"{CLASS_NAMES[label]} ({found.jets[label]:,} jets)"
        row[0].set_title(f"{name}, mean image", color=CLASS_COLOURS[label])
        row[1].set_title(f"{name}, mean gradient", color=CLASS_COLOURS[label])
        row[0].set_ylabel(r"$\Delta\phi$")
        for axis in row:
            axis.grid(False)
    for axis in axes[-1]:
        axis.set_xlabel(r"$\Delta\eta$")
    figure.colorbar(left, ax=[row[0] for row in axes], label="mean pixel", shrink=0.7)
    figure.colorbar(right, ax=[row[1] for row in axes], label="d (log odds of top) / d pixel", shrink=0.7)
    return figure


@styled
def constituent_saliency(found: ConstituentSaliency) -> Figure:
    """Draw the mean effect of a constituent against its rank and its transverse momentum, by class."""
    figure, axes = grid(1, 2, 4.8, 3.6)
    last = min(_RANKS, int(found.rank.max()) + 1) if len(found.rank) else 1
    ranks = np.arange(last + 1) - 0.5
    soft = max(float(found.pt.min()), 1e-3) if len(found.pt) else 0.1
    hard = max(float(found.pt.max()), soft * 1.01) if len(found.pt) else 1.0
    momenta = np.geomspace(soft, hard * (1 + 1e-9), 26)
    panels = (
        (found.rank, ranks, np.arange(last) + 1.0, "rank of the constituent, hardest first"),
        (found.pt, momenta, np.sqrt(momenta[1:] * momenta[:-1]), r"$p_T$ of the constituent [GeV]"),
    )
    for axis, (position, edges, middles, xlabel) in zip(axes[0], panels, strict=True):
        for label, name in CLASS_NAMES.items():
            chosen = found.label == label
            mean, error = mean_in_bins(found.effect[chosen], position[chosen], edges)
            told = f"{name} ({found.jets[label]:,} jets)"
            axis.errorbar(middles, mean, error, fmt="o-", ms=3, lw=1.0, color=CLASS_COLOURS[label], label=told)
        axis.set(xlabel=xlabel, ylabel=r"mean |d (log odds of top) / d ln $p$|")
        axis.set_ylim(bottom=0)
    axes[0][1].set_xscale("log")
    axes[0][0].legend()
    return figure
