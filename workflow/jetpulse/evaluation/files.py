"""The evaluation's files: metrics of one training, of one experiment over its seeds, and the summary of all."""

import csv
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from jetpulse.config import Experiment
from jetpulse.config.models import TASKS
from jetpulse.errors import UserError
from jetpulse.evaluation.predictions import read_predictions, read_training, read_truth
from jetpulse.samples import dump_json, publish
from jetpulse.samples.metrics import read_combined, read_metrics
from jetpulse.training.descriptions import load_description

Columns = dict[str, tuple[str, str]]
# In which order tables show what was measured.
ORDER = tuple(name for task in TASKS for name in (task, *(("classes",) if task == "classification" else ())))
# What the summary shows of the mean of an experiment's trainings.
_ENSEMBLE = ("auc", "rejection_30")
# Endings of what belongs to a metric: its statistical error and the ends of its 68 % interval.
_REFERENCE = ("reference", *(f"reference_{name}" for name in ("sample", "split", "training_size", "source")))
_PARTS = ("_error", "_low", "_high")


def _module(task: str) -> ModuleType:
    # By name, so that the hash of what one task's evaluation uses does not contain the others.
    if task not in TASKS:
        raise UserError(f"--task {task}: unknown, expected one of {', '.join(TASKS)}")
    return import_module(f"jetpulse.evaluation.{task}")


def columns_of(measures: str) -> Columns:
    """Return a task's metrics for tables, or those of "classes": name -> title (HTML) and format of the number.

    Raises:
        UserError: no such task.
    """
    if measures == "classes":
        from jetpulse.evaluation.classes import COLUMNS

        return COLUMNS
    return _module(measures).COLUMNS


def measures_of(task: str, metrics: Collection[str]) -> str:
    """Return what a task's result was measured as: the task, or "classes" where it has the ``metrics`` of these.

    Jets are judged by how much background passes; the classes of problems by how often the answer is right.
    """
    return "classes" if task == "classification" and "baseline" in metrics else task


def write_metrics(
    predictions: Path, path: Path, task: str, samples: Mapping[str, Path] = {}, calibration: Path | None = None
) -> None:
    """Evaluate one training's predictions on every dataset it was tested on.

    Args:
        predictions: predictions.h5.
        path: JSON to write: dataset -> metric -> value.
        task: the experiment's task.
        samples: samples.h5 of every dataset tested on; classification of jets needs none.
        calibration: what `calibrate` wrote about a classifier; its metrics then tell what calibration changes.

    Raises:
        UserError: unknown task, unusable predictions, samples that are missing or not those predicted, or a calibration
            of something else than a classifier.
    """
    measure, training = _module(task).measure, getattr(_module(task), "TRAINING", 0)
    if calibration is not None and task != "classification":
        raise UserError(f"--calibration: there is none of task {task!r}, only of classification; leave it out")
    metrics = {}
    for name, predicted in _with_samples(predictions, task, samples).items():
        where = f"{predictions}: {name}"
        truth, attributes = read_truth(samples[name], TASKS[task], predicted, where) if samples else ({}, {})
        if training:
            truth |= read_training(samples[name], training)
        metrics[name] = measure(predicted, truth, attributes, where)
        if calibration is not None:
            # By name: part of the code of classifiers' measures alone.
            module = import_module("jetpulse.evaluation.calibration")
            metrics[name] |= module.measure_calibrated(predicted, calibration, where)
    dump_json(path, metrics)


def _with_samples(predictions: Path, task: str, samples: Mapping[str, Path]) -> dict[str, dict[str, np.ndarray]]:
    """Return the predictions by dataset if the samples that the task needs are given.

    Raises:
        UserError: too few samples or too many.
    """
    predicted = read_predictions(predictions)
    needed = set(predicted)
    if task == "classification" and not samples:  # predictions hold the labels, which is enough for jets
        needed = {name for name, arrays in predicted.items() if arrays.get("probability", np.zeros(0)).shape[1:] > (2,)}
    for name in sorted(needed - set(samples)):
        raise UserError(f"--samples: lacks {name!r}, which {predictions} was tested on; give {name}=FILE")
    for name in sorted(set(samples) - needed):
        raise UserError(f"--samples {name}: {predictions} was tested on {', '.join(predicted)}; leave it out")
    return predicted


def write_combined(
    metrics: Sequence[Path], models: Sequence[Path], path: Path, dataset: str, predictions: Sequence[Path] = ()
) -> None:
    """Combine one experiment's seeds: for every metric its median, spread over seeds, statistical error and values.

    The spread is the standard deviation over seeds; the error that of the seed with the median value. A metric with an
    interval has its ends, ``low`` and ``high``: where no background passes a rejection's ``low`` is a limit. Without
    ``models`` these are files of scores, numbered from 1. With the ``predictions`` of classifiers, ``ensemble`` holds
    the metrics of the mean of their probabilities.

    Raises:
        UserError: seeds that were tested on different datasets or measured differently, or predictions of other events
            or by other weights than those of their model.
    """
    if models and len(metrics) != len(models):
        raise UserError(f"{path}: {len(metrics)} metrics files but {len(models)} models; give one each per seed")
    if predictions and len(metrics) != len(predictions):
        raise UserError(f"{path}: {len(metrics)} metrics files but {len(predictions)} predictions; give one each")
    per_seed = [read_metrics(file) for file in metrics]
    for file, seed in zip(metrics, per_seed, strict=True):
        if set(seed) != set(per_seed[0]) or dataset not in seed:
            expected = ", ".join(dict.fromkeys([dataset, *per_seed[0]]))
            raise UserError(f"{file}: tested on {', '.join(seed)}, expected {expected}; predict and evaluate it again")
        for name, measured in seed.items():
            if set(measured) != set(per_seed[0][name]):
                raise UserError(f"{file}: {name}: has other metrics than {metrics[0]}; evaluate both again")
    described = [load_description(file.with_name("model.json")) for file in models]
    seeds = [model["seed"] for model in described]
    if twice := [seed for seed in seeds if seeds.count(seed) > 1]:
        raise UserError(
            f"{path}: {models[seeds.index(twice[0])]} is one of two trainings of seed {twice[0]}; give each once"
        )
    tested = {name: _combine([seed[name] for seed in per_seed]) for name in per_seed[0]}
    combined = {
        "dataset": dataset,
        "model": described[0]["model"] if models else None,
        "parameters": described[0]["parameters"] if models else None,
        "seeds": seeds if models else list(range(1, len(metrics) + 1)),
        "training_size": described[0].get("training_size") if models else None,
        "best_epochs": [model["best_epoch"] for model in described],
        "tested": {dataset: tested.pop(dataset), **tested},
    }
    # By name: part of the code of classifiers' results alone.
    mean = import_module("jetpulse.evaluation.ensemble") if predictions else None
    for file, model, description in zip(predictions, models, described, strict=False):
        mean.check_made_by(file, model, description)
    if len(predictions) > 1:
        ensemble = mean.measure_ensemble(predictions)
        combined |= {"ensemble": {name: ensemble[name] for name in combined["tested"]}} if ensemble else {}
    dump_json(path, combined)


def _combine(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Combine one dataset's metrics of every seed; whole numbers are counts, the same in all of them.

    The error is that of the seed with the median value; the ends of an interval are medians over seeds, as the value.
    """
    combined: dict[str, Any] = {name: rows[0][name] for name in rows[0] if all(type(row[name]) is int for row in rows)}
    for name in rows[0]:
        if name in combined or _is_part(name, rows[0]):
            continue
        values = _values_of(rows, name)
        median = float(np.median(values))
        nearest = min(range(len(rows)), key=lambda i, v=values, m=median: abs(v[i] - m) if v[i] != m else 0.0)
        finite = all(map(math.isfinite, values))
        combined[name] = {
            "median": _median(rows, name),
            "spread": float(np.std(values, ddof=1)) if finite and len(values) > 1 else None,
            # Only where there is such an error at all, even if it is not defined for these entries.
            **({"error": rows[nearest][f"{name}_error"]} if f"{name}_error" in rows[0] else {}),
            **{end: _median(rows, f"{name}_{end}") for end in ("low", "high") if f"{name}_{end}" in rows[0]},
            "values": [row[name] for row in rows],
        }
    return combined


def _is_part(name: str, metrics: Collection[str]) -> bool:
    """Return whether a name is that of another metric's error or of an end of its interval."""
    return any(name.removesuffix(ending) in metrics for ending in _PARTS if name.endswith(ending))


def _values_of(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [math.inf if row[name] is None else row[name] for row in rows]


def _median(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    median = float(np.median(_values_of(rows, name)))
    return median if math.isfinite(median) else None


def write_summary(
    results: dict[str, Path],
    experiments: dict[str, Experiment],
    summary: Path,
    transfers: Path,
    scans: Mapping[str, Sequence[str]] = {},
) -> None:
    """Write summary.csv (one row per experiment) and transfers.csv (one row per further dataset tested on).

    Columns are the metrics of all tasks that there are; a cell that means nothing for a task is empty. Where a result
    has an ensemble, its metrics have columns ``ensemble_...``, which no other result fills. With ``scans``, the
    experiments of each scan, a column names those that an experiment is a point of.

    Raises:
        UserError: results of an experiment that ``experiments`` lack.
    """
    unknown = set(results) - set(experiments)
    if unknown:
        raise UserError(f"--results {min(unknown)}: the spec has no such experiment; it has {', '.join(experiments)}")
    combined = {name: read_combined(file) for name, file in results.items()}
    columns = _columns((experiments[name].task, combined[name]["tested"].values()) for name in combined)
    rows, further = [], []
    for name, result in combined.items():
        for tested, metrics in result["tested"].items():
            own = tested == experiments[name].dataset
            task = experiments[name].task
            known = columns_of(measures_of(task, metrics))
            row = _row(name, experiments[name], result) | _values(columns, known, metrics)
            row |= _ensemble_values(result, tested)
            row |= {"scans": "; ".join(scan for scan, points in scans.items() if name in points)} if scans else {}
            (rows if own else further).append(row | (_reference(experiments[name]) if own else {"tested_on": tested}))
    fixed = ["experiment", "task", "dataset", "representation", "model", "parameters", "seeds", "training_size"]
    fixed += ["entries"]
    fixed += ["scans"] if scans else []
    measured = [metric + suffix for metric, suffixes in columns.items() for suffix in suffixes]
    if any("ensemble" in result for result in combined.values()):
        measured += [f"ensemble_{metric}" for metric in _ENSEMBLE]
    _write_csv(summary, rows, [*fixed, *measured, *_REFERENCE])
    _write_csv(transfers, further, [*fixed[:3], "tested_on", *fixed[3:], *measured])


def write_medians(results: dict[str, Path], experiments: dict[str, Experiment], out: Path) -> None:
    """Write JSON: experiment -> metric of its task -> median on its own test split, six digits, as in summary.csv."""
    found: dict[str, dict[str, float]] = {}
    for name, file in results.items():
        metrics = read_combined(file)["tested"][experiments[name].dataset]
        known = {key: metrics.get(key) for key in columns_of(measures_of(experiments[name].task, metrics))}
        medians = {key: value.get("median") if isinstance(value, dict) else value for key, value in known.items()}
        found[name] = {key: float(_cell(value)) for key, value in medians.items() if value is not None}
    dump_json(out, found)


def _columns(tested: Iterable[tuple[str, Iterable[dict[str, Any]]]]) -> dict[str, tuple[str, ...]]:
    """Return the summary's metrics and the endings of their columns, for pairs of a task and its metrics."""
    measured: dict[str, list[dict[str, Any]]] = {}
    for task, rows in tested:
        for row in rows:
            measured.setdefault(measures_of(task, row), []).append(row)
    found: dict[str, set[str]] = {}
    for measures in (name for name in ORDER if name in measured):
        for name in columns_of(measures):
            known = [row[name] for row in measured[measures] if isinstance(row.get(name), dict)]
            parts = {part for part in _PARTS if any(part[1:] in metric for metric in known)}
            found[name] = found.get(name, {"", "_spread"}) | parts
    return {name: tuple(suffix for suffix in ("", "_spread", *_PARTS) if suffix in found[name]) for name in found}


def _row(name: str, experiment: Experiment, combined: dict[str, Any]) -> dict[str, Any]:
    return {
        "experiment": name,
        "task": experiment.task,
        "dataset": experiment.dataset,
        "representation": "" if experiment.model is None else experiment.representation,
        "model": "scores" if experiment.model is None else experiment.model.name,
        "parameters": combined["parameters"],
        "seeds": len(combined["seeds"]),
        "training_size": combined.get("training_size"),
    }


def _values(columns: Mapping[str, Sequence[str]], own: Iterable[str], metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of one row, those of the task's ``own`` columns: others may mean another thing by a name."""
    row = {"entries": metrics["entries"]}
    for name, suffixes in columns.items():
        metric = metrics.get(name) if name in own else None
        metric = metric if isinstance(metric, dict) else {"median": metric}
        row |= {name + suffix: _cell(metric.get(suffix.lstrip("_") or "median")) for suffix in suffixes}
    return row


def _ensemble_values(result: dict[str, Any], tested: str) -> dict[str, str]:
    """Return the cells about the mean of the trainings; none where there is no such mean."""
    metrics = result.get("ensemble", {}).get(tested, {})
    return {f"ensemble_{metric}": _cell(metrics[metric]) for metric in _ENSEMBLE if metric in metrics}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _reference(experiment: Experiment) -> dict[str, str]:
    reference = experiment.reference
    if reference is None:
        return {}
    text = "; ".join(f"{metric} {value:g}" for metric, value in reference.metrics().items())
    return {"reference": text} | {f"reference_{name}": value for name, value in reference.origin().items()}


def _write_csv(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    with publish(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
