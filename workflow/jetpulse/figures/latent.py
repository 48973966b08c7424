"""Figures of latent spaces: coordinates (n, latent), the lines' fluxes (n, lines) where they are known."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator

from jetpulse.figures.style import COLOURS, styled

CONTAINED = 2.45  # sigma: an ellipse in two dimensions holds 95 %
_RASTER = 200
_ZERO = "#8c8c8c"
_MOST = 5  # latent dimensions in a pair plot
_LINES = 4  # lines that are shown
_ELLIPSES = 500
_SINGLE = 20  # ellipses in the detail


@dataclass(frozen=True)
class Latent:
    """A latent space: ``mean`` (n, latent), ``sigma`` (n, latent) of the posteriors or None.

    ``colour`` (n, any number) with ``names``: what the points are coloured by; 0 is drawn grey where ``lines``.
    """

    mean: np.ndarray
    sigma: np.ndarray | None
    colour: np.ndarray
    names: tuple[str, ...]
    lines: bool


@styled
def latent_space(latent: Latent, flux: np.ndarray | None, fitted: np.ndarray | None) -> Figure:
    """Draw a latent space in colours of the fluxes, and below them fluxes recovered from it against the true ones.

    Args:
        latent: at most five dimensions are shown, those that vary most.
        flux: true ones (n, lines), or None.
        fitted: recovered ones (n, lines), or None.
    """
    dimensions = min(latent.mean.shape[1], _MOST)
    lines = 0 if flux is None or fitted is None else min(flux.shape[1], _LINES)
    shown = np.sort(np.argsort(-latent.mean.std(axis=0), kind="stable")[:dimensions])
    columns = len(latent.names[:_LINES]) + (latent.sigma is not None)
    heights = [5.0 if dimensions == 2 else 3.4 if dimensions == 1 else 2.3 * dimensions] + [4.2] * bool(lines)
    across = 4.2 * columns if dimensions == 2 else 2.6 * dimensions + 1
    figure = Figure(figsize=(max(5.0, across, 4.2 * lines), sum(heights)), dpi=_RASTER)
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    if dimensions == 2:
        _planes(parts[0], latent, shown)
    elif dimensions == 1:
        _one(parts[0].subplots(), latent, shown[0])
    else:
        _matrix(parts[0], latent, shown)
    if lines:
        axes = parts[-1].subplots(2, lines, squeeze=False, sharex="col", height_ratios=(5, 2))
        for line in range(lines):
            _recovered(axes[:, line], flux[:, line], fitted[:, line], line)
        axes[0, 0].set_ylabel("recovered from the latent space")
        axes[1, 0].set_ylabel("difference")
        parts[-1].align_ylabels(axes[:, 0])
    return figure


def _points(panel: Axes, latent: Latent, pair: tuple[int, int], which: int, size: float) -> object:
    """Draw two coordinates in colours of the quantity ``which``; return what a colour bar belongs to."""
    x, y, colour = latent.mean[:, pair[0]], latent.mean[:, pair[1]], latent.colour[:, which]
    there = colour != 0 if latent.lines else np.ones(len(colour), bool)
    panel.scatter(x[~there], y[~there], s=size, color=_ZERO, alpha=0.6, lw=0, rasterized=True)
    limits = (0.0, 1.0)
    if there.any():
        limits = tuple(np.quantile(colour[there], [0.01, 0.99]))
        limits = limits if limits[0] < limits[1] else (limits[0] - 0.5, limits[0] + 0.5)
    return panel.scatter(
        x[there],
        y[there],
        s=size,
        c=colour[there],
        vmin=limits[0],
        vmax=limits[1],
        cmap="plasma",
        alpha=0.8,
        lw=0,
        rasterized=True,
    )


def _size(n: int) -> float:
    return float(np.clip(8000 / max(n, 1), 4, 30))


def _planes(part: SubFigure, latent: Latent, shown: np.ndarray) -> None:
    """Draw a plane once for each quantity, posteriors' ellipses and the prior's circle, and a detail of these."""
    names = latent.names[:_LINES]
    axes = part.subplots(1, len(names) + (latent.sigma is not None), squeeze=False)[0]
    pair = (int(shown[0]), int(shown[1]))
    for which, (panel, name) in enumerate(zip(axes, names, strict=False)):
        points = _points(panel, latent, pair, which, _size(len(latent.mean)) / (1 if latent.sigma is None else 2))
        label = f"{name} (grey: 0)" if latent.lines else name
        ticks = MaxNLocator(4)
        part.colorbar(points, ax=panel, label=label, extend="both", location="top", aspect=25, ticks=ticks)
        if latent.sigma is not None:
            panel.add_patch(Circle((0, 0), CONTAINED, fill=False, color="0.3", lw=1, ls="--"))
            _ellipses(panel, latent, pair, np.arange(min(_ELLIPSES, len(latent.mean))), "0.2", 0.4)
            reach = 1.08 * max(CONTAINED, float(np.quantile(np.abs(latent.mean[:, pair]), 0.999)))
            panel.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        _name_axes(panel, pair)
    if latent.sigma is not None:
        _detail(axes[-1], axes[0], latent, pair)


def _name_axes(panel: Axes, pair: tuple[int, int]) -> None:
    panel.set(xlabel=f"latent {pair[0] + 1}", ylabel=f"latent {pair[1] + 1}")


def _ellipses(
    panel: Axes, latent: Latent, pair: tuple[int, int], chosen: np.ndarray, colour: str, width: float
) -> None:
    """Draw the outlines of chosen posteriors."""
    across, up = 2 * CONTAINED * latent.sigma[chosen][:, pair].T
    offsets = latent.mean[chosen][:, pair]
    panel.add_collection(
        EllipseCollection(
            across,
            up,
            np.zeros(len(chosen)),
            units="xy",
            offsets=offsets,
            offset_transform=panel.transData,
            facecolor="none",
            edgecolor=colour,
            lw=width,
        )
    )


def _detail(panel: Axes, whole: Axes, latent: Latent, pair: tuple[int, int]) -> None:
    """Draw a detail in which some twenty single ellipses can be seen, and where it is."""
    mean, sigma = latent.mean[:, pair], latent.sigma[:, pair]
    half = 12 * CONTAINED * float(np.median(sigma))
    few = mean[:: max(1, len(mean) // 500)]
    inside = (np.abs(few[:, None] - mean[None]) < half).all(axis=2).sum(axis=1)
    centre = few[int(np.abs(inside - _SINGLE).argmin())]
    near = np.flatnonzero((np.abs(mean - centre) < 1.5 * half).all(axis=1))
    panel.scatter(*mean[near].T, s=4, color=COLOURS[0], lw=0)
    _ellipses(panel, latent, pair, near[:_ELLIPSES], COLOURS[0], 0.8)
    limits = [(x - half, x + half) for x in centre]
    panel.set(xlim=limits[0], ylim=limits[1], aspect="equal", title="detail (square in the first panel)")
    panel.locator_params(nbins=5)
    whole.add_patch(Rectangle(centre - half, 2 * half, 2 * half, fill=False, color="black", lw=1.2, zorder=5))
    _name_axes(panel, pair)


def _one(panel: Axes, latent: Latent, which: int) -> None:
    """Draw the distribution of the only coordinate."""
    panel.hist(
        latent.mean[:, which], bins=int(np.clip(np.sqrt(len(latent.mean)), 15, 80)), color=COLOURS[0], alpha=0.75
    )
    panel.set(xlabel=f"latent {which + 1}", ylabel="spectra", title="distribution of the latent coordinate")


def _matrix(part: SubFigure, latent: Latent, shown: np.ndarray) -> None:
    """Draw all pairs of coordinates: below the diagonal in colours of the first quantity, above it of the second."""
    k = len(shown)
    axes = part.subplots(k, k, squeeze=False)
    drawn = {}
    for row, column in np.ndindex(k, k):
        panel, pair = axes[row, column], (int(shown[column]), int(shown[row]))
        if row == column:
            values = latent.mean[:, pair[0]]
            panel.hist(values, bins=int(np.clip(np.sqrt(len(values)), 15, 60)), color="#b8c4d0")
        elif row > column or len(latent.names) > 1:
            which = int(row < column)
            drawn[which] = _points(panel, latent, pair, which, _size(len(latent.mean)) / 2)
        else:
            panel.set_axis_off()
        if row == k - 1:
            panel.set_xlabel(f"latent {pair[0] + 1}")
        if column == 0:
            panel.set_ylabel("spectra" if row == 0 else f"latent {pair[1] + 1}")
    for which, points in drawn.items():
        side = ("below", "above")[which]
        grey = ", grey: 0" if latent.lines else ""
        label = f"{latent.names[which]} ({side} the diagonal{grey})"
        part.colorbar(points, ax=axes, label=label, extend="both", aspect=50, fraction=0.04, pad=0.01)


def _recovered(axes: np.ndarray, flux: np.ndarray, fitted: np.ndarray, line: int) -> None:
    """Draw one line's recovered against true fluxes, and the difference below."""
    upper, lower = axes
    ends = [min(flux.min(), 0.0), flux.max()]
    upper.plot(ends, ends, color="0.3", lw=0.8, ls=":")
    lower.axhline(0, color="0.3", lw=0.8, ls=":")
    for panel, values in ((upper, fitted), (lower, fitted - flux)):
        panel.scatter(flux, values, s=_size(len(flux)), color=COLOURS[line % 2], alpha=0.5, lw=0, rasterized=True)
    rms = np.sqrt(np.mean((fitted - flux) ** 2))
    upper.set_title(f"line {line + 1}: rms difference {rms:.3g}")
    lower.set_xlabel(f"true flux of line {line + 1}")
