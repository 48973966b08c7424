"""The figure of a search: how it went, and what each setting does."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jetpulse.config.models import SearchPlan
from jetpulse.config.scan_names import text_of
from jetpulse.figures.style import COLOURS, grid, literal, save_figure, styled
from jetpulse.training.search import Trial, best_trial

_COLUMNS = 3  # at most in one row
_ROOM = 4.0  # times the distance of median and best that a panel shows


def plot_search(trials: Sequence[Trial], plan: SearchPlan, path: Path) -> None:
    """Draw a search and write the figure."""
    save_figure(search_figure(trials, plan), path)


@styled
def search_figure(trials: Sequence[Trial], plan: SearchPlan) -> Figure:
    """Draw the metric of every trial in order, and against each setting; crosses were stopped early.

    Args:
        trials: all trials, at least one that came to its end.
        plan: what was searched for.
    """
    keys = sorted(plan.space)
    rows = math.ceil((len(keys) + 1) / _COLUMNS)
    figure, panels = grid(rows, math.ceil((len(keys) + 1) / rows), 3.6, 3.0)
    flat = [panel for line in panels for panel in line]
    for panel in flat[len(keys) + 1 :]:
        panel.set_visible(False)
    values = np.array([trial.value for trial in trials])
    _points(flat[0], np.arange(1, len(trials) + 1), values, trials, plan)
    ended = np.where([trial.state == "complete" for trial in trials], values, np.nan)
    so_far = np.fmin.accumulate(ended) if plan.metric == "val_loss" else np.fmax.accumulate(ended)
    flat[0].step(np.arange(1, len(trials) + 1), so_far, where="post", color="grey", lw=1.0, label="best so far")
    flat[0].set_xlabel("trial")
    flat[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    flat[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    for panel, key in zip(flat[1:], keys, strict=False):
        _slice(panel, key, values, trials, plan)
    for panel in flat[: len(keys) + 1]:
        panel.set_ylabel(plan.metric.replace("val_", "validation "))
        _limit(panel, ended, plan.metric == "val_loss")
    return figure


def _slice(panel: Axes, key: str, values: np.ndarray, trials: Sequence[Trial], plan: SearchPlan) -> None:
    """Draw the metric against one setting."""
    span, settings = plan.space[key], [trial.settings[key] for trial in trials]
    if span.choices is None:
        _points(panel, np.array(settings, float), values, trials, plan)
        panel.set_xscale("log" if span.log else "linear")
    else:
        known = [json.dumps(choice) for choice in span.choices]
        places = np.array([known.index(json.dumps(value)) for value in settings], float)
        _points(panel, places, values, trials, plan)
        panel.set_xticks(range(len(known)), [literal(text_of(choice)) for choice in span.choices])
        panel.set_xlim(-0.5, len(known) - 0.5)
    panel.set_xlabel(literal(key.rpartition(".")[2].replace("_", " ")))


def _points(panel: Axes, x: np.ndarray, y: np.ndarray, trials: Sequence[Trial], plan: SearchPlan) -> None:
    for state, marker, colour in (("pruned", "x", "0.6"), ("complete", "o", COLOURS[0])):
        chosen = np.array([trial.state == state for trial in trials])
        if chosen.any():
            panel.plot(x[chosen], y[chosen], marker, color=colour, ms=4, label=state)
    best = trials.index(best_trial(list(trials), plan))
    panel.plot(x[best], y[best], "o", color=COLOURS[1], ms=7, label="best")


def _limit(panel: Axes, ended: np.ndarray, falls: bool) -> None:
    """Leave out what is far worse than the median, so that differences of good trials can be seen."""
    finite = ended[np.isfinite(ended)]
    best = finite.min() if falls else finite.max()
    room = _ROOM * abs(float(np.median(finite)) - best)
    low, high = panel.get_ylim()
    if room > 0:
        panel.set_ylim(*((low, min(high, best + room)) if falls else (max(low, best - room), high)))
