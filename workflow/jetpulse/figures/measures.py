"""The main metric of all experiments on one small problem, by representation and model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.evaluation.transfers import Measured
from jetpulse.figures.numbers import draw_errors, spelled
from jetpulse.figures.style import COLOURS, literal, styled

_MARKERS = "osD^vP"


@dataclass(frozen=True)
class Result:
    """One experiment's main metric: where it belongs, its median, every seed's value and a reference (nan: none)."""

    experiment: str
    representation: str
    model: str
    measured: Measured
    seeds: Sequence[float] = field(default=())
    reference: float = math.nan


@dataclass(frozen=True)
class Panel:
    """Results of one task: the metric's title, the format of its numbers, and what is better."""

    task: str
    title: str
    digits: str
    better: str
    results: Sequence[Result]


@styled
def measures(panels: Sequence[Panel]) -> Figure:
    """Draw a panel for every task: a row for every experiment, grouped by representation, coloured by model.

    Thick bars are the spread over seeds, thin ones the statistical error, small dots the seeds, diamonds references.
    """
    rows = [len(panel.results) + 0.7 * len({one.representation for one in panel.results}) for panel in panels]
    figure = Figure(figsize=(8.0, sum(0.36 * count + 1.0 for count in rows)))
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[count + 2 for count in rows])[:, 0]
    models = list(dict.fromkeys(result.model for panel in panels for result in panel.results))
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, models)
    return figure


def _draw(axis: Axes, panel: Panel, models: Sequence[str]) -> None:
    order = list(dict.fromkeys(result.representation for result in panel.results))
    ordered = sorted(panel.results, key=lambda one: (order.index(one.representation), models.index(one.model)))
    place, places, names = 0.0, [], []
    named: set[str] = set()
    for representation, results in groupby(ordered, key=lambda one: one.representation):
        top = place - 0.6
        for result in results:
            i = models.index(result.model)
            colour, marker = COLOURS[i % len(COLOURS)], _MARKERS[i % len(_MARKERS)]
            label = None if result.model in named else literal(result.model)
            named.add(result.model)
            _point(axis, place, result, colour, marker, label)
            _number(axis, place, result, panel.digits)
            places.append(place)
            names.append(literal(result.experiment))
            place += 1
        if len(order) > 1:
            axis.axhspan(top, place - 0.4, color="0.96", zorder=0, lw=0)
            axis.text(
                0.01, top + 0.05, literal(representation), transform=axis.get_yaxis_transform(), fontsize=8, va="top"
            )
        place += 0.7
    axis.set_yticks(places, names)
    axis.set_ylim(place - 0.7 - 0.4, -0.7)
    axis.grid(axis="y", visible=False)
    axis.margins(x=0.12)
    axis.set_xlabel(f"{panel.title} ({panel.better} is better)")
    if any(math.isfinite(result.reference) for result in panel.results):
        axis.plot([], [], "D", mfc="none", mec="0.15", ms=7, label="reference")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, fontsize=8.5)


def _point(axis: Axes, place: float, result: Result, colour: str, marker: str, label: str | None) -> None:
    measured = result.measured
    axis.plot([], [], marker, color=colour, label=label)
    if math.isfinite(measured.value):
        draw_errors(axis, (measured.value, place), measured, colour, "x")
        axis.plot(measured.value, place, marker, color=colour, ms=6.5)
    seeds = [value for value in result.seeds if math.isfinite(value)]
    if len(seeds) > 1:
        axis.plot(seeds, [place + 0.27] * len(seeds), ".", color=colour, ms=4, alpha=0.7, mew=0)
    if math.isfinite(result.reference):
        axis.plot(result.reference, place, "D", mfc="none", mec="0.15", ms=7)


def _number(axis: Axes, place: float, result: Result, digits: str) -> None:
    text = spelled(result.measured, digits) or "not defined"
    axis.text(1.01, place, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8.5)
