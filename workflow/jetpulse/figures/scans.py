"""Figures of scans: metrics against one value, or as a map over two."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from jetpulse.config import ScanPlan
from jetpulse.config.scans import Axis
from jetpulse.evaluation.files import columns_of
from jetpulse.evaluation.scans import OWN, SHOWN, Result, measures_in
from jetpulse.evaluation.transfers import Measured
from jetpulse.figures.numbers import draw_errors, pieces
from jetpulse.figures.style import COLOURS, grid, literal, styled

Results = Mapping[str, Sequence[Result]]
_MARKERS = "oDsv^P"
_MOST_TICKS = 9
# A metric whose values differ by more than this factor is shown on a logarithmic scale.
_WIDE = 30.0
# What a key is called on an axis, where its own name does not say it.
_TITLES = {"training.max_train": "training entries"}


@styled
def scan_figure(plan: ScanPlan, results: Results) -> Figure:
    """Draw a scan: points with errors over one value, a map over two, and all combinations below one another else.

    Args:
        plan: the scan.
        results: dataset tested on -> results of the points; key ``OWN`` for each point's own dataset.
    """
    metrics = [
        name
        for name in SHOWN[measures_in(plan, results)]
        if any(row.values.get(name) for rows in results.values() for row in rows)
    ]
    if len(plan.axes) == 2:
        return _maps(plan, results, metrics)
    scale = plan.axes[0].scale if len(plan.axes) == 1 else "category"
    return _list(plan, results, metrics) if scale == "category" else _curves(plan, results, metrics)


def metric_title(measures: str, metric: str) -> str:
    """Return a metric's title for figures: HTML's small letters as mathtext."""
    title, _ = columns_of(measures)[metric]
    return re.sub(r"<sub>(.*?)</sub>", r"$_{\\mathrm{\1}}$", title)


def axis_title(axis: Axis) -> str:
    """Return the name of what is varied, for people."""
    return _TITLES.get(axis.key, axis.key.rpartition(".")[2].replace("_", " "))


def _labels(axis: Axis) -> list[str]:
    return [literal(label) for label in axis.labels]


def _series_label(plan: ScanPlan, dataset: str) -> str:
    own = list(dict.fromkeys(point.dataset for point in plan.points))
    return literal(dataset if dataset != OWN else own[0] if len(own) == 1 else "own test split")


def _curves(plan: ScanPlan, results: Results, metrics: Sequence[str]) -> Figure:
    """Draw every metric against one number: medians joined, seeds as dots, spread thick, statistical error thin."""
    (axis,) = plan.axes
    figure, panels = grid(1, len(metrics), 4.0, 3.4)
    for panel, metric in zip(panels[0], metrics, strict=True):
        for number, (dataset, rows) in enumerate(results.items()):
            ordered = sorted(rows, key=lambda row: axis.values[row.point.place[0]])
            x = [axis.values[row.point.place[0]] for row in ordered]
            values = [row.values.get(metric, Measured()) for row in ordered]
            colour = COLOURS[number % len(COLOURS)]
            panel.plot(x, [value.value for value in values], color=colour, lw=1.2, alpha=0.8)
            for place, row, value in zip(x, ordered, values, strict=True):
                draw_errors(panel, (place, value.value), value, colour, "y")
                _seeds(panel, place, row, metric, colour, "y")
            panel.plot(
                x,
                [value.value for value in values],
                _MARKERS[number % len(_MARKERS)],
                color=colour,
                ms=5,
                label=_series_label(plan, dataset),
            )
        _mark_base(plan, panel)
        panel.set_xscale("log" if axis.scale == "log" else "linear")
        _ticks(panel, axis)
        panel.set_xlabel(literal(axis_title(axis)))
        panel.set_ylabel(metric_title(measures_in(plan, results), metric))
        _scale(panel, results, metric, "y")
    _legend(panels[0][0], results)
    return figure


def _list(plan: ScanPlan, results: Results, metrics: Sequence[str]) -> Figure:
    """Draw the points below one another, in their order, every metric beside the other."""
    names = [literal(plan.label(point)) for point in plan.points]
    longest = max(map(len, names))
    width = 0.075 * longest + 3.2 * len(metrics)
    figure = Figure(figsize=(width, 0.36 * len(names) * max(1.0, 0.55 * len(results)) + 1.3))
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for panel, metric in zip(panels, metrics, strict=True):
        for number, (dataset, rows) in enumerate(results.items()):
            offset = 0.5 * ((number + 0.5) / len(results) - 0.5)
            colour, label = COLOURS[number % len(COLOURS)], _series_label(plan, dataset)
            for row in rows:
                place, value = plan.points.index(row.point) + offset, row.values.get(metric, Measured())
                draw_errors(panel, (value.value, place), value, colour, "x")
                _seeds(panel, place, row, metric, colour, "x")
                panel.plot(value.value, place, _MARKERS[number % len(_MARKERS)], color=colour, ms=5, label=label)
                label = None
        for i, point in enumerate(plan.points):
            if point.experiment == plan.base:
                panel.axhspan(i - 0.5, i + 0.5, color="0.93", zorder=0)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_yticks(range(len(names)), names)
        panel.grid(axis="y", visible=False)
        panel.set_xlabel(metric_title(measures_in(plan, results), metric))
        panel.locator_params(axis="x", nbins=5)
        _scale(panel, results, metric, "x")
    panels[0].set_ylabel(literal(", ".join(map(axis_title, plan.axes))))
    _legend(panels[0], results)
    return figure


def _maps(plan: ScanPlan, results: Results, metrics: Sequence[str]) -> Figure:
    """Draw a map of every metric over two values, a row of maps for every dataset tested on."""
    down, across = plan.axes
    width = max(0.85 * len(across.values) + 1.0, 2.6)
    figure, panels = grid(len(results), len(metrics), width, 0.55 * len(down.values) + 1.4)
    for line, (dataset, rows) in zip(panels, results.items(), strict=True):
        for panel, metric in zip(line, metrics, strict=True):
            shown = np.ma.masked_all((len(down.values), len(across.values)))
            for row in rows:
                value = row.values.get(metric, Measured())
                i, j = row.point.place
                if math.isfinite(value.value):
                    shown[i, j] = value.value
                text = _cell(measures_in(plan, results), metric, value)
                weight = "bold" if row.point.experiment == plan.base else "normal"
                panel.text(j, i, text, ha="center", va="center", fontsize=8, weight=weight)
            # The lighter half of the colours, so that the numbers can be read.
            least, most = (shown.min(), shown.max()) if shown.count() else (0.0, 1.0)
            # Differences within twice the statistical error stay pale.
            errors = [
                size for row in rows for size in row.values.get(metric, Measured()).errors() if math.isfinite(size)
            ]
            most = max(most, least + 2 * float(np.median(errors))) if errors else most
            panel.imshow(shown, cmap="Blues", vmin=least, vmax=most + max(most - least, 1e-9), aspect="auto")
            panel.grid(False)
            panel.spines[:].set_visible(False)
            panel.tick_params(length=0)
            panel.set_xticks(range(len(across.values)), _labels(across))
            panel.set_yticks(range(len(down.values)), _labels(down))
            panel.set_xlabel(literal(axis_title(across)))
            panel.set_ylabel(literal(axis_title(down)))
            panel.set_title(
                f"{metric_title(measures_in(plan, results), metric)}, {_series_label(plan, dataset)}", fontsize=9
            )
    return figure


def _cell(measures: str, metric: str, value: Measured) -> str:
    if not math.isfinite(value.value):
        return "not\ndefined"
    number, spread, error = pieces(value, columns_of(measures)[metric][1])
    return number + (f"\n±{spread}" if spread else f"\n({error})" if error else "")


def _seeds(panel: Axes, place: float, row: Result, metric: str, colour: str, along: str) -> None:
    values = row.seeds.get(metric, [])
    if len(values) > 1:
        places = [place] * len(values)
        panel.plot(*((places, values) if along == "y" else (values, places)), ".", color=colour, ms=3, alpha=0.6)


def _mark_base(plan: ScanPlan, panel: Axes) -> None:
    """Mark the value that the experiment itself has, if it is one of the points."""
    for point in plan.points:
        if point.experiment == plan.base:
            panel.axvline(plan.axes[0].values[point.place[0]], color="0.3", lw=1.2, ls=":", zorder=0)


def _ticks(panel: Axes, axis: Axis) -> None:
    """Put a tick at every value if there are few."""
    if len(axis.values) <= _MOST_TICKS:
        panel.set_xticks(axis.values, _labels(axis))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_minor_formatter(NullFormatter())
        if sum(map(len, axis.labels)) > 30:
            panel.tick_params(axis="x", labelrotation=35)


def _scale(panel: Axes, results: Results, metric: str, along: str) -> None:
    values = [row.values[metric].value for rows in results.values() for row in rows if metric in row.values]
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) > _WIDE * min(finite):
        (panel.set_yscale if along == "y" else panel.set_xscale)("log")


def _legend(panel: Axes, results: Results) -> None:
    """Name the datasets if there are several; above the panel, where no points are."""
    if len(results) > 1:
        panel.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, title="tested on")
