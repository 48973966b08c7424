"""Transfers: what networks that were trained on one sample do on others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.samples.metrics import read_combined

# What is tabulated, and how it changes from a network's own test set: by a difference or by a factor.
CHANGES = {"auc": "difference", "accuracy": "difference", "rejection_50": "ratio", "rejection_30": "ratio"}


@dataclass(frozen=True)
class Measured:
    """A median over seeds, the standard deviation over seeds and the statistical error; what is not known is nan.

    ``low`` and ``high`` are the ends of the 68 % interval where the error has two ends. A rejection without a value but
    with ``low`` is larger than that: no background passed.
    """

    value: float = math.nan
    spread: float = math.nan
    error: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def errors(self) -> tuple[float, float]:
        """Return the statistical error downwards and upwards."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return max(self.value - self.low, 0.0), max(self.high - self.value, 0.0)
        return self.error, self.error


@dataclass(frozen=True)
class Row:
    """What one experiment reached on its own test set and on others.

    ``values`` and ``changes``: metric -> dataset -> number; own test set first, it has no change.
    """

    experiment: str
    model: str
    trained_on: str
    entries: dict[str, int]
    values: dict[str, dict[str, Measured]]
    changes: dict[str, dict[str, Measured]]


def read_transfers(results: Mapping[str, Path], experiments: Mapping[str, Experiment]) -> list[Row]:
    """Return a row for every experiment, those of the same network and representation together.

    Within a network rows follow the order in which datasets are first trained on.

    Args:
        results: metrics.json of every experiment.
        experiments: definitions of at least these experiments.

    Raises:
        UserError: an experiment that is not defined or that is no classification by a network, or results of
            something else.
    """
    rows = []
    for name, file in results.items():
        if name not in experiments:
            raise UserError(f"--results {name}: the spec has no such experiment; it has {', '.join(experiments)}")
        experiment = experiments[name]
        if experiment.task != "classification" or experiment.model is None:
            raise UserError(f"--results {name}: transfers are of networks that classify; leave it out")
        combined = read_combined(file)
        if experiment.dataset not in combined["tested"]:
            raise UserError(f"{file}: is not of an experiment on {experiment.dataset!r}; combine its seeds again")
        rows.append((_network(experiment), _row(name, experiment, combined["tested"])))
    networks = list(dict.fromkeys(network for network, _ in rows))
    datasets = list(dict.fromkeys(row.trained_on for _, row in rows))
    rows.sort(key=lambda item: (networks.index(item[0]), datasets.index(item[1].trained_on)))
    return [row for _, row in rows]


def _network(experiment: Experiment) -> str:
    return f"{experiment.model.name} {experiment.model.arguments()} {experiment.representation}"


def datasets_of(rows: list[Row]) -> list[str]:
    """Return all datasets that were tested on: those that are trained on first, in the order of the rows."""
    trained = [row.trained_on for row in rows]
    return list(dict.fromkeys([*trained, *(dataset for row in rows for dataset in row.entries)]))


def _row(name: str, experiment: Experiment, tested: Mapping[str, dict[str, Any]]) -> Row:
    own = experiment.dataset
    order = [own, *(dataset for dataset in tested if dataset != own)]
    values = {metric: {dataset: read_measured(tested[dataset].get(metric)) for dataset in order} for metric in CHANGES}
    changes = {
        metric: {dataset: _change(tested[own].get(metric), tested[dataset].get(metric), kind) for dataset in order[1:]}
        for metric, kind in CHANGES.items()
    }
    entries = {dataset: tested[dataset]["entries"] for dataset in order}
    return Row(name, experiment.model.name, own, entries, values, changes)


def read_measured(metric: dict[str, Any] | None) -> Measured:
    """Return a metric of an experiment's metrics.json; what is missing or infinite there is nan."""
    given = metric or {}
    return Measured(*(_number(given.get(key)) for key in ("median", "spread", "error", "low", "high")))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _change(own: dict[str, Any] | None, other: dict[str, Any] | None, kind: str) -> Measured:
    """Return the change of a metric from the own test set to another one, median and spread over seeds.

    Each seed is compared with itself, so that what its training has reached by chance drops out. The statistical
    error is that of independent test sets.
    """
    if not own or not other:
        return Measured()
    pairs = [(_number(a), _number(b)) for a, b in zip(own["values"], other["values"], strict=True)]
    before, after = read_measured(own), read_measured(other)
    (down, up), (further_down, further_up) = before.errors(), after.errors()
    if kind == "difference":
        changes = [b - a for a, b in pairs]
        change = float(np.median(changes))
        error = math.hypot(before.error, after.error)
        low, high = change - math.hypot(further_down, up), change + math.hypot(further_up, down)
    else:
        changes = [b / a if a else math.nan for a, b in pairs]
        change = float(np.median(changes))
        relative = [m.error / m.value if m.value else math.nan for m in (before, after)]
        error = abs(change) * math.hypot(*relative)
        low, high = _ends_of_ratio(change, before, after)
    spread = float(np.std(changes, ddof=1)) if len(changes) > 1 else math.nan
    return Measured(change, spread, error, low, high)


def _ends_of_ratio(ratio: float, before: Measured, after: Measured) -> tuple[float, float]:
    """Return the ends of the interval of ``after`` / ``before``, whose errors are independent: their logarithms add."""
    values = (before.low, before.value, before.high, after.low, after.value, after.high)
    if not all(0 < value < math.inf for value in values):
        return math.nan, math.nan
    down = math.hypot(math.log(after.value / after.low), math.log(before.high / before.value))
    up = math.hypot(math.log(after.high / after.value), math.log(before.value / before.low))
    return ratio * math.exp(-down), ratio * math.exp(up)
