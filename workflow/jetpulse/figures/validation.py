"""Figures of samples of jets: the kinematics of one, the agreement of two; histograms are ``Binned``."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from jetpulse.figures.style import CLASS_COLOURS, CLASS_NAMES, grid, literal, styled
from jetpulse.jets.distributions import Binned

TITLES = {
    "mass": "jet mass [GeV]",
    "multiplicity": "number of constituents",
    "pt": r"jet $p_T$ [GeV]",
    "eta": r"jet $\eta$",
    "leading_fraction": r"leading constituent's $p_T$ / jet $p_T$",
    "constituent_pt": r"constituent $p_T$ [GeV]",
}
RATIOS = (0.5, 1.5)  # shown
_POINTS = "0.15"


def poisson_interval(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends (m,) of the central 68.3 % intervals of Poisson means, given counts (m,).

    Garwood, doi:10.1093/biomet/28.3-4.437; the lower end is 0 where nothing was counted.
    """
    tail = 0.158655
    counts = np.asarray(counts)
    low = np.where(counts > 0, chi2.ppf(tail, 2 * np.maximum(counts, 1)) / 2, 0.0)
    return low, chi2.ppf(1 - tail, 2 * (counts + 1)) / 2


@styled
def kinematics(
    quantities: Mapping[str, Mapping[int, Binned]], constituent_pt: Mapping[int, tuple[Binned, int]]
) -> Figure:
    """Draw the density of every quantity and the constituents' pT spectrum by class.

    Args:
        quantities: name in ``TITLES`` -> label -> histogram of jets.
        constituent_pt: label -> histogram of constituents in bins of log10 pT, and the number of their jets.
    """
    figure, axes = grid(2, 3, 4.0, 2.9)
    panels = [axis for row in axes for axis in row]
    for axis, (name, classes) in zip(panels, quantities.items(), strict=False):
        for label, histogram in classes.items():
            if histogram.entries:
                widths = np.diff(histogram.edges)
                draw_band(axis, histogram, 1 / (histogram.entries * widths), label)
        axis.set(xlabel=TITLES[name], ylabel="density")
        axis.set_ylim(bottom=0)
    spectrum = panels[len(quantities)]
    for label, (histogram, jets) in constituent_pt.items():
        if jets:
            draw_band(spectrum, histogram, 1 / (jets * np.diff(np.log10(histogram.edges))), label)
    spectrum.set(xlabel=TITLES["constituent_pt"], ylabel="constituents per jet and decade", xscale="log", yscale="log")
    if panels[0].has_data():
        panels[0].legend()
    return figure


def draw_band(axis: Axes, histogram: Binned, scale: np.ndarray, label: int, name: str | None = None) -> None:
    """Draw scaled counts (m,) of a class as a line with the band of their Poisson errors; empty bins have neither."""
    low, high = (np.where(histogram.counts > 0, end, 0) for end in poisson_interval(histogram.counts))
    colour, name = CLASS_COLOURS[label], literal(name or CLASS_NAMES[label])
    axis.stairs(high * scale, histogram.edges, baseline=low * scale, fill=True, color=colour, alpha=0.25, lw=0)
    axis.stairs(histogram.counts * scale, histogram.edges, color=colour, label=name, lw=1.4)


@styled
def agreement(
    first: Mapping[str, Mapping[int, Binned]], second: Mapping[str, Mapping[int, Binned]], names: tuple[str, str]
) -> Figure:
    """Draw distributions of two samples over one another, a row per class, with their ratio below.

    Args:
        first: name in ``TITLES`` -> label -> histogram, drawn as lines with bands.
        second: the same quantities and labels in the same bins, drawn as points.
        names: of both samples.
    """
    figure = Figure(figsize=(3.6 * len(first), 7.6))
    labels = list(next(iter(first.values())))
    parts = figure.subfigures(len(labels), 1, squeeze=False)
    for part, label in zip(parts[:, 0], labels, strict=True):
        panels = part.subplots(2, len(first), sharex="col", squeeze=False, height_ratios=[2.2, 1])
        for column, name in enumerate(first):
            upper, lower = panels[:, column]
            _overlay(upper, first[name][label], second[name][label], label, names)
            _ratio(lower, first[name][label], second[name][label], label)
            lower.set_xlabel(TITLES[name])
            lower.set_xlim(first[name][label].edges[[0, -1]])
        panels[0, 0].set_ylabel(f"{CLASS_NAMES[label]} jets: density")
        panels[1, 0].set_ylabel("ratio")
        if panels[0, 0].get_legend_handles_labels()[0]:
            panels[0, 0].legend(fontsize=8)
    return figure


def _overlay(axis: Axes, first: Binned, second: Binned, label: int, names: tuple[str, str]) -> None:
    widths = np.diff(first.edges)
    if first.entries:
        draw_band(axis, first, 1 / (first.entries * widths), label, names[0])
    shown = second.counts > 0
    if shown.any():
        scale = 1 / (second.entries * widths[shown])
        _points(axis, second, shown, scale, literal(names[1]))
    axis.set_ylim(bottom=0)


def _points(axis: Axes, histogram: Binned, shown: np.ndarray, scale: np.ndarray, name: str | None = None) -> np.ndarray:
    """Draw scaled counts of the bins ``shown`` as points with Poisson errors; return their heights."""
    value = histogram.counts[shown] * scale
    low, high = (end * scale for end in poisson_interval(histogram.counts[shown]))
    centres = _centres(histogram)[shown]
    axis.errorbar(centres, value, (value - low, high - value), fmt="o", ms=3, lw=0.9, color=_POINTS, label=name)
    return value


def _centres(histogram: Binned) -> np.ndarray:
    return (histogram.edges[:-1] + histogram.edges[1:]) / 2


def _ratio(axis: Axes, first: Binned, second: Binned, label: int) -> None:
    """Draw second over first where both have entries: the second's error as bars, the first's as a band around 1.

    Points beyond the axis are marked by triangles at its ends.
    """
    axis.axhline(1, color="grey", lw=0.8)
    filled = first.counts > 0
    low, high = (np.where(filled, end / np.maximum(first.counts, 1), 1) for end in poisson_interval(first.counts))
    axis.stairs(high, first.edges, baseline=low, fill=True, color=CLASS_COLOURS[label], alpha=0.25, lw=0)
    axis.set_ylim(*RATIOS)
    shown = filled & (second.counts > 0)
    if not shown.any():
        return
    value = _points(axis, second, shown, first.entries / (first.counts[shown] * second.entries))
    for end, marker, beyond in ((RATIOS[0], "v", value < RATIOS[0]), (RATIOS[1], "^", value > RATIOS[1])):
        if beyond.any():  # an empty line that is not clipped spoils the layout
            places = _centres(second)[shown][beyond]
            axis.plot(places, np.full(len(places), end), marker, ms=4, color=_POINTS, clip_on=False)
