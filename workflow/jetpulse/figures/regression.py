"""Figures of networks that learn a number: their line over points, or predicted against true; residuals."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.figures.problem_style import RASTER, Entries, inner_range, padded, thinned
from jetpulse.figures.problems import plane_axes
from jetpulse.figures.style import COLOURS, grid, styled

_BINS = 40
_GROUPS = 12  # points of a profile
_LEARNED = 0  # number of the split train


@dataclass(frozen=True)
class Lines:
    """What every training predicts along the only feature: at ``x`` (m,), ``values`` (seeds, m).

    ``error`` (m,) is the standard error of the first one, ``truth`` (m,) what is to be found; None: not known.
    """

    x: np.ndarray
    values: np.ndarray
    error: np.ndarray | None = None
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class Plane:
    """What the first training predicts in the plane of two features: at ``x`` (columns,), ``y`` (rows,)."""

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray


@styled
def line(entries: Entries, lines: Lines, residuals: np.ndarray) -> Figure:
    """Draw what was learned over the points of all splits, and below it the residuals of the test split.

    Args:
        entries: points of all splits, features (n, 1) and target.
        lines: what every training predicts.
        residuals: prediction minus target of the test entries, which are the last of ``entries``, (seeds, tested).
    """
    figure = Figure(figsize=(7.0, 5.4))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    x = entries.features[:, 0]
    # The last split is that of the test.
    tested = np.arange(len(x)) >= len(x) - residuals.shape[1]
    for chosen, colour, name in ((~tested, "0.65", "trained on or validated"), (tested, "black", "test")):
        places = np.flatnonzero(chosen)[thinned(int(chosen.sum()))]
        upper.plot(x[places], entries.target[places], "o", ms=4, mew=0, color=colour, label=name)
    if lines.truth is not None:
        upper.plot(lines.x, lines.truth, color="0.3", lw=1.2, ls="--", label="truth")
    for number, values in enumerate(lines.values):
        colour = COLOURS[number % len(COLOURS)]
        upper.plot(lines.x, values, color=colour, lw=1.5, label=f"training {number + 1}" if number < 6 else None)
    if lines.error is not None:
        low, high = lines.values[0] - lines.error, lines.values[0] + lines.error
        upper.fill_between(lines.x, low, high, color=COLOURS[0], alpha=0.3, lw=0, label="its standard error")
    lower.axhline(0, color="0.5", lw=0.8)
    shown = thinned(residuals.shape[1])
    lower.plot(x[tested][shown], residuals[0][shown], "o", ms=3, mew=0, color="black")
    upper.set(ylabel=entries.names.number(), ylim=padded(*inner_range(entries.target, 20.0)))
    lower.set(xlabel=entries.names.column(0), ylabel=f"residual{entries.names.unit()}")
    lower.set(xlim=(lines.x[0], lines.x[-1]), ylim=_around_zero(residuals[0], entries.target))
    upper.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.align_ylabels()
    return figure


@styled
def predicted(entries: Entries, predictions: np.ndarray, plane: Plane | None = None) -> Figure:
    """Draw predicted against true numbers, the distribution of residuals, and residuals against the true number.

    Args:
        entries: test entries.
        predictions: of every training, (seeds, n).
        plane: what the first training predicts in the plane of two features, if there are two.
    """
    figure, axes = grid(1, 3 + (plane is not None), 4.2, 3.7)
    figure.set_dpi(RASTER)
    panels = axes[0]
    if plane is not None:
        _draw_plane(figure, panels[0], entries, plane)
    _against(panels[-3], entries, predictions[0])
    residuals = predictions - entries.target
    _distribution(panels[-2], entries, residuals)
    _profile(panels[-1], entries, residuals)
    return figure


def _around_zero(residuals: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Return limits of residuals, at least a millionth of what is learned: smaller ones are rounding errors."""
    low, high = inner_range(residuals, 6.0)
    scale = float(np.ptp(target)) or float(np.abs(target).max()) or 1.0
    most = max(1.08 * max(abs(low), abs(high)), 1e-6 * scale)
    return -most, most


def _draw_plane(figure: Figure, panel: Axes, entries: Entries, plane: Plane) -> None:
    low, high = inner_range(np.concatenate([plane.values.ravel(), entries.target]), 20.0)
    step = (plane.x[1] - plane.x[0]) / 2, (plane.y[1] - plane.y[0]) / 2
    extent = (plane.x[0] - step[0], plane.x[-1] + step[0], plane.y[0] - step[1], plane.y[-1] + step[1])
    kept = {"cmap": "viridis", "vmin": low, "vmax": high}
    panel.imshow(plane.values, origin="lower", extent=extent, aspect="auto", interpolation="nearest", **kept)
    shown = thinned(len(entries))
    points = panel.scatter(
        *entries.features[shown].T, c=entries.target[shown], s=22, edgecolors="white", linewidths=0.7, zorder=3, **kept
    )
    panel.grid(False)
    plane_axes(panel, entries.features, entries)
    figure.colorbar(points, ax=panel, label=f"{entries.names.number()}: predicted, points: true", shrink=0.85)


def _against(panel: Axes, entries: Entries, predictions: np.ndarray) -> None:
    both = np.concatenate([entries.target, predictions])
    ends = padded(*inner_range(both, 20.0))
    few = len(entries) <= 300
    panel.plot(ends, ends, color="0.4", lw=0.9, ls="--", zorder=1)
    shown = thinned(len(entries))
    marks = {"ms": 4 if few else 2, "mew": 0, "alpha": 0.8 if few else 0.4, "rasterized": not few}
    panel.plot(entries.target[shown], predictions[shown], "o", color=COLOURS[0], **marks)
    name = entries.names.number()
    panel.set(xlabel=f"true {name}", ylabel=f"predicted {name}", xlim=ends, ylim=ends, aspect="equal")
    outside = int(np.sum(~((both >= ends[0]) & (both <= ends[1])).reshape(2, -1).all(axis=0)))
    rmse = float(np.sqrt(np.mean((predictions - entries.target) ** 2)))
    far = f", {outside} outside" if outside else ""
    panel.set_title(f"RMSE {rmse:.4g}{entries.names.unit()}{far}", fontsize=9)


def _distribution(panel: Axes, entries: Entries, residuals: np.ndarray) -> None:
    bins = int(np.clip(2 * np.sqrt(residuals.shape[1]), 8, _BINS))
    edges = np.linspace(*_around_zero(residuals, entries.target), bins + 1)
    for number, row in enumerate(residuals):
        name = f"training {number + 1}, mean {row.mean():.3g}" if number < 6 else None
        colour = COLOURS[number % len(COLOURS)]
        panel.stairs(np.histogram(row, edges)[0], edges, color=colour, lw=1.3, label=name)
    panel.axvline(0, color="0.5", lw=0.8)
    panel.set(xlabel=f"residual{entries.names.unit()}", ylabel="entries")
    top = panel.get_ylim()[1]
    panel.set_ylim(0, top * (1.15 + 0.09 * min(len(residuals), 6)))
    panel.legend(loc="upper right", fontsize=7.5)


def _profile(panel: Axes, entries: Entries, residuals: np.ndarray) -> None:
    """Draw residuals of the first training, and medians with the middle 68 % in groups of equally many entries."""
    few = len(entries) <= 300
    shown = thinned(len(entries))
    marks = {"ms": 3 if few else 1.5, "mew": 0, "alpha": 0.6 if few else 0.25, "rasterized": not few}
    panel.plot(entries.target[shown], residuals[0][shown], "o", color=COLOURS[0], **marks)
    groups = min(_GROUPS, len(entries) // 20)
    if groups >= 3 and len(np.unique(entries.target)) > groups:
        parts = np.array_split(np.argsort(entries.target, kind="stable"), groups)
        middle = [np.median(entries.target[part]) for part in parts]
        low, half, high = np.array([np.quantile(residuals[0][part], (0.16, 0.5, 0.84)) for part in parts]).T
        error = [half - low, high - half]
        panel.errorbar(middle, half, error, fmt="s", ms=4, color="black", elinewidth=1.2, label="median, 68 %")
        panel.legend(loc="upper left", fontsize=8)
    panel.axhline(0, color="0.5", lw=0.8)
    panel.set(xlabel=f"true {entries.names.number()}", ylabel=f"residual{entries.names.unit()}")
    panel.set(xlim=padded(*inner_range(entries.target, 20.0)), ylim=_around_zero(residuals[0], entries.target))
