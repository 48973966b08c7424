"""The file of the comparison of experiments on one small problem: metrics in, SVG out."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.transfers import read_measured
from jetpulse.figures.boundaries_files import model_label
from jetpulse.figures.measures import Panel, Result, measures
from jetpulse.figures.style import save_figure
from jetpulse.samples.metrics import read_combined

# Task -> metrics of which the first that is defined is shown.
_MAIN = {"classification": ("auc", "accuracy"), "regression": ("rmse",), "control": ("advantage",)}
# Metric -> title, format of the number, what is better.
_TITLES = {
    "auc": ("area under the ROC curve", ".4f", "more"),
    "accuracy": ("accuracy", ".4f", "more"),
    "rmse": ("root mean square error", ".4g", "less"),
    "advantage": ("return per episode, less that of the best fixed threshold", "+.4g", "more"),
}


def plot_measures_figure(
    results: Mapping[str, Path], dataset: str, experiments: Mapping[str, Experiment], out: Path
) -> list[str]:
    """Draw the main metric of all experiments that were tested on one problem; return a line about each.

    Args:
        results: metrics.json of every experiment.
        dataset: what all of them were tested on.
        experiments: definitions of at least these experiments.
        out: figure to write.

    Raises:
        UserError: an experiment that is not defined, has another task, or was not tested on the dataset.
    """
    by_task: dict[str, dict[str, dict[str, Any]]] = {}
    for name, file in results.items():
        if name not in experiments:
            raise UserError(f"--results {name}: the spec has no such experiment; it has {', '.join(experiments)}")
        task = experiments[name].task
        if task not in _MAIN:
            raise UserError(f"--results {name}: task {task!r} is not one of small problems: {', '.join(_MAIN)}")
        tested = read_combined(file)["tested"]
        if dataset not in tested:
            raise UserError(f"{file}: experiment {name!r} was not tested on {dataset!r}; name those that were")
        by_task.setdefault(task, {})[name] = tested[dataset]
    panels = [_panel(task, by_task[task], experiments) for task in _MAIN if task in by_task]
    save_figure(measures(panels), out)
    return [f"{one.experiment}: {panel.title} {one.measured.value:.5g}" for panel in panels for one in panel.results]


def _panel(task: str, metrics: Mapping[str, dict[str, Any]], experiments: Mapping[str, Experiment]) -> Panel:
    def defined(metric: str) -> bool:
        return any(math.isfinite(read_measured(values.get(metric)).value) for values in metrics.values())

    main = next((metric for metric in _MAIN[task] if defined(metric)), _MAIN[task][-1])
    title, digits, better = _TITLES[main]
    rows = [
        Result(
            name,
            experiments[name].representation,
            model_label(experiments[name]).removesuffix(", regression"),
            read_measured(values.get(main)),
            [math.nan if value is None else value for value in (values.get(main) or {}).get("values", ())],
            _reference(experiments[name], main),
        )
        for name, values in metrics.items()
    ]
    return Panel(task, title, digits, better, rows)


def _reference(experiment: Experiment, metric: str) -> float:
    value = getattr(experiment.reference, metric, None)
    return math.nan if value is None else float(value)
