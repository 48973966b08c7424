"""The evaluation's files: metrics of one training, of one experiment over its seeds, and the summary of all."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import check_scores, measure_classification
from jetpulse.samples import dump_json, load_json, open_hdf5, publish, read_attributes

_WITH_ERROR = ("", "_spread", "_error")
SUMMARY_METRICS = {
    "accuracy": _WITH_ERROR,
    "auc": _WITH_ERROR,
    "rejection_30": _WITH_ERROR,
    "rejection_50": _WITH_ERROR,
    "ece": ("", "_spread"),
}


def read_scores(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return labels and signal probabilities (n,) of every dataset in a predictions file.

    Raises:
        UserError: not a predictions file, or scores that cannot be evaluated.
    """
    read_attributes(path, "predictions")
    with open_hdf5(path) as handle:
        for name, group in handle.items():
            if "label" not in group or "probability" not in group or group["probability"].shape[1:] != (2,):
                raise UserError(f"{path}: {name}: lacks label or probability (n, 2); predict again")
        scores = {name: (group["label"][:], group["probability"][:, 1]) for name, group in handle.items()}
    for name, (label, score) in scores.items():
        check_scores(label, score, f"{path}: {name}")
    return scores


def write_metrics(predictions: Path, path: Path, task: str) -> None:
    """Evaluate one training's predictions on every dataset it was tested on."""
    if task != "classification":
        raise UserError(f"--task {task}: unknown, expected classification")
    scores = read_scores(predictions)
    dump_json(
        path, {name: measure_classification(*values, f"{predictions}: {name}") for name, values in scores.items()}
    )


def write_combined(metrics: Sequence[Path], models: Sequence[Path], path: Path, dataset: str) -> None:
    """Combine one experiment's seeds: for every metric its median, spread over seeds, statistical error and values.

    The spread is the standard deviation over seeds; the error that of the seed with the median value.
    """
    if len(metrics) != len(models):
        raise UserError(f"{path}: {len(metrics)} metrics files but {len(models)} models; give one each per seed")
    per_seed = [load_json(file) for file in metrics]
    for file, seed in zip(metrics, per_seed, strict=True):
        if set(seed) != set(per_seed[0]) or dataset not in seed:
            expected = ", ".join(dict.fromkeys([dataset, *per_seed[0]]))
            raise UserError(f"{file}: tested on {', '.join(seed)}, expected {expected}; predict and evaluate it again")
    described = [load_json(file.with_name("model.json")) for file in models]
    tested = {name: _combine([seed[name] for seed in per_seed]) for name in per_seed[0]}
    combined = {
        "dataset": dataset,
        "model": described[0]["model"],
        "parameters": described[0]["parameters"],
        "seeds": [model["seed"] for model in described],
        "best_epochs": [model["best_epoch"] for model in described],
        "tested": {dataset: tested.pop(dataset), **tested},
    }
    dump_json(path, combined)


def _combine(rows: list[dict[str, Any]]) -> dict[str, Any]:
    combined: dict[str, Any] = {name: rows[0][name] for name in ("entries", "signal", "background")}
    for name in rows[0]:
        if name in combined or (name.endswith("_error") and name != "ece"):
            continue
        values = [math.inf if row[name] is None else row[name] for row in rows]
        median = float(np.median(values))
        nearest = min(range(len(rows)), key=lambda i, v=values, m=median: abs(v[i] - m) if v[i] != m else 0.0)
        finite = all(map(math.isfinite, values))
        combined[name] = {
            "median": median if math.isfinite(median) else None,
            "spread": float(np.std(values, ddof=1)) if finite and len(values) > 1 else None,
            "error": rows[nearest].get(f"{name}_error"),
            "values": [row[name] for row in rows],
        }
    return combined


def write_summary(results: dict[str, Path], experiments: dict[str, Experiment], summary: Path, transfers: Path) -> None:
    """Write summary.csv (one row per experiment) and transfers.csv (one row per further dataset tested on)."""
    unknown = set(results) - set(experiments)
    if unknown:
        raise UserError(f"--results {min(unknown)}: the spec has no such experiment; it has {', '.join(experiments)}")
    rows, further = [], []
    for name, file in results.items():
        combined = load_json(file)
        for tested, metrics in combined["tested"].items():
            own = tested == experiments[name].dataset
            row = _row(name, experiments[name], combined, tested, metrics)
            (rows if own else further).append(row | (_reference(experiments[name]) if own else {"tested_on": tested}))
    columns = ["experiment", "task", "dataset", "representation", "model", "parameters", "seeds", "entries"]
    columns += [metric + suffix for metric, suffixes in SUMMARY_METRICS.items() for suffix in suffixes]
    _write_csv(summary, rows, [*columns, "reference", "reference_source"])
    _write_csv(transfers, further, [*columns[:3], "tested_on", *columns[3:]])


def _row(
    name: str, experiment: Experiment, combined: dict[str, Any], tested: str, metrics: dict[str, Any]
) -> dict[str, Any]:
    row = {
        "experiment": name,
        "task": experiment.task,
        "dataset": experiment.dataset,
        "representation": experiment.representation,
        "model": experiment.model.name,
        "parameters": combined["parameters"],
        "seeds": len(combined["seeds"]),
        "entries": metrics["entries"],
    }
    for metric, suffixes in SUMMARY_METRICS.items():
        row |= {metric + suffix: _cell(metrics[metric][suffix.lstrip("_") or "median"]) for suffix in suffixes}
    return row


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _reference(experiment: Experiment) -> dict[str, str]:
    reference = experiment.reference
    given = reference.model_dump(exclude={"source"}, exclude_none=True) if reference else {}
    text = "; ".join(f"{metric} {value:g}" for metric, value in given.items())
    return {"reference": text, "reference_source": reference.source if reference else ""}


def _write_csv(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    with publish(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
