"""The figure of mass sculpting: mass of background jets before and after cuts, score against mass."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.evaluation.sculpting import (
    EFFICIENCIES,
    Sculpting,
    measure_sculpting,
    read_sculpting,
    score_error,
    score_profile,
)
from jetpulse.figures.style import CLASS_COLOURS, CLASS_NAMES, COLOURS, grid, save_figure, styled
from jetpulse.figures.validation import poisson_interval
from jetpulse.samples import dump_json

_FULL = 8  # entries that a bin is to hold on average


def write_sculpting(
    predictions: Sequence[Path], samples: Path, dataset: str, figure: Path, numbers: Path
) -> dict[str, Any]:
    """Draw a classifier's mass sculpting on one dataset and write the divergences as JSON; return these.

    Raises:
        UserError: unusable predictions, or not of the test split of ``samples``.
    """
    jets = read_sculpting(predictions, samples, dataset)
    measured = {"dataset": dataset, **measure_sculpting(jets)}
    save_figure(sculpting(jets, measured["cuts"]), figure)
    dump_json(numbers, measured)
    return measured


@styled
def sculpting(jets: Sculpting, cuts: dict[str, dict[str, Any]]) -> Figure:
    """Draw densities of the background's mass without and with cuts, and mean scores against mass by class.

    Lines are medians over trainings, bands run from the lowest to the highest.
    """
    figure, axes = grid(1, 2, 5.2, 3.9)
    _masses(axes[0][0], jets, cuts)
    _scores(axes[0][1], jets)
    return figure


def _masses(axis: Axes, jets: Sculpting, cuts: dict[str, dict[str, Any]]) -> None:
    edges, background = jets.edges(), jets.label == 0
    width = edges[1] - edges[0]
    everything = jets.histogram(background)
    name = f"no cut: {everything.sum():,.0f} jets"
    axis.stairs(everything / (everything.sum() * width), edges, fill=True, color="0.85", label=name)
    for number, (colour, efficiency) in enumerate(zip(COLOURS[1:], EFFICIENCIES, strict=False)):
        name = f"{efficiency:.0%}"
        counts = np.array([jets.histogram(passed & background) for passed in jets.passing(efficiency)])
        value, chance = cuts[name]["inverse_jsd"], cuts[name]["inverse_jsd_chance"]
        passed = f"{np.median(counts.sum(axis=1)):,.0f} jets"
        told = "no background passes" if value is None else f"{passed}, 1/JSD {value:.3g}"
        told += "" if chance is None or value is None else f" (chance: {chance:.3g})"
        _cut(axis, edges, counts, colour, f"{name} of the signal: {told}", 0.3 + 0.4 * number)
    signal = jets.histogram(jets.label == 1)
    label = f"{CLASS_NAMES[1]}, no cut"
    axis.stairs(signal / max(signal.sum(), 1) / width, edges, color="0.4", lw=1.0, ls=":", label=label)
    axis.set(xlabel="jet mass [GeV]", ylabel=f"density of {CLASS_NAMES[0]} jets [1/GeV]", xlim=(0, edges[-1]))
    axis.set_ylim(0, 1.45 * axis.get_ylim()[1])  # room for the legend
    axis.legend(loc="upper left", fontsize=8)


def _cut(axis: Axes, edges: np.ndarray, counts: np.ndarray, colour: str, name: str, place: float) -> None:
    """Draw the density of the jets that pass, (trainings, bins) counts, in bins that so many jets can fill.

    Bars are Poisson errors of the median, at a ``place`` of each bin from 0 to 1.
    """
    joined = joined_bins(float(np.median(counts.sum(axis=1))), len(edges) - 1)
    edges, counts = edges[::joined], counts.reshape(len(counts), -1, joined).sum(axis=2)
    widths = np.diff(edges)
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    density, middle = counts / total / widths, np.median(counts, axis=0)
    axis.stairs(np.median(density, 0), edges, color=colour, lw=1.6, label=name)
    if len(density) > 1:
        axis.stairs(density.max(0), edges, baseline=density.min(0), fill=True, color=colour, alpha=0.25)
    shown = middle > 0
    scale = 1 / np.median(total) / widths[shown]
    low, high = (end * scale for end in poisson_interval(middle[shown]))
    value = np.median(density, 0)[shown]
    sizes = [np.maximum(value - low, 0), np.maximum(high - value, 0)]
    axis.errorbar(edges[:-1][shown] + place * widths[shown], value, sizes, fmt="none", ecolor=colour, elinewidth=1.0)


def joined_bins(entries: float, bins: int) -> int:
    """Return how many of so many bins are drawn as one so that eight entries fall into each of them on average."""
    factors = [factor for factor in range(1, bins // 4 + 1) if bins % factor == 0]
    return next((factor for factor in factors if entries * factor >= _FULL * bins), factors[-1])


def _scores(axis: Axes, jets: Sculpting) -> None:
    for label in CLASS_NAMES:
        middles, means = score_profile(jets, label)
        shown = np.isfinite(means).all(axis=0)
        colour = CLASS_COLOURS[label]
        axis.plot(
            middles[shown], np.median(means[:, shown], axis=0), "o-", ms=3, color=colour, label=CLASS_NAMES[label]
        )
        axis.fill_between(
            middles[shown], means[:, shown].min(0), means[:, shown].max(0), color=colour, alpha=0.25, lw=0
        )
        middle, error = np.median(means[:, shown], axis=0), score_error(jets, label)[shown]
        axis.errorbar(middles[shown], middle, error, fmt="none", ecolor=colour, elinewidth=0.9)
    what = "mean score: probability of signal" if jets.probability else "mean score, no probability"
    axis.set(xlabel="jet mass [GeV]", ylabel=what, xlim=(0, jets.edges()[-1]))
    if jets.probability:
        axis.set_ylim(-0.02, 1.02)
    axis.legend(loc="best")
