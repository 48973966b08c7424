"""The evaluation's files: metrics of one training, of one experiment over its seeds, and the summary of all."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import measure_classification
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
        UserError: not a predictions file.
    """
    read_attributes(path, "predictions")
    with open_hdf5(path) as handle:
        return {name: (group["label"][:], group["probability"][:, 1]) for name, group in handle.items()}


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
    rows, further = [], []
    for name, file in results.items():
        experiment, combined = experiments[name], load_json(file)
        for i, (tested, metrics) in enumerate(combined["tested"].items()):
            row = {
                "experiment": name,
                "task": experiment.task,
                "dataset": experiment.dataset,
                **({"tested_on": tested} if i else {}),
                "representation": experiment.representation,
                "model": experiment.model.name,
                "parameters": combined["parameters"],
                "seeds": len(combined["seeds"]),
                "entries": metrics["entries"],
            }
            for metric, suffixes in SUMMARY_METRICS.items():
                row |= {metric + suffix: _cell(metrics[metric][suffix.lstrip("_") or "median"]) for suffix in suffixes}
            if not i:
                row |= _reference(experiment)
            (further if i else rows).append(row)
    _write_csv(summary, rows, [])
    _write_csv(transfers, further, ["experiment", "task", "dataset", "tested_on"])


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _reference(experiment: Experiment) -> dict[str, str]:
    reference = experiment.reference
    given = reference.model_dump(exclude={"source"}, exclude_none=True) if reference else {}
    text = "; ".join(f"{metric} {value:g}" for metric, value in given.items())
    return {"reference": text, "reference_source": reference.source if reference else ""}


def _write_csv(path: Path, rows: list[dict[str, Any]], header: list[str]) -> None:
    with publish(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]) if rows else header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
