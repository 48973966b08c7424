"""Scans: the results of all points, in order, and as a table for other programs."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jetpulse.config import ScanPlan
from jetpulse.config.scans import Point
from jetpulse.errors import UserError
from jetpulse.evaluation.files import columns_of, measures_of
from jetpulse.evaluation.transfers import Measured, read_measured
from jetpulse.samples import publish
from jetpulse.samples.metrics import read_combined

OWN = ""  # stands for the dataset of each point, which may be another for every point
# What figures show; tables have all metrics.
SHOWN = {
    "classification": ("auc", "accuracy", "rejection_30"),
    "classes": ("accuracy", "log_loss", "auc"),
    "localisation": ("accuracy", "rmse", "log_loss"),
    "reconstruction": ("chi_square", "flux_correlation", "flux_resolution"),
    "variational": ("chi_square", "flux_correlation", "two_sample_auc_neighbours"),
    "adversarial": ("two_sample_auc_neighbours", "density", "coverage"),
    "regression": ("rmse", "mae", "r2"),
    "control": ("return", "advantage", "ahead"),
}


@dataclass(frozen=True)
class Result:
    """What the networks of one point reached on one dataset.

    ``values``: metric -> median over seeds, with spread and statistical error; ``seeds``: metric -> value of each seed,
    without those that are infinite; ``entries``: of the test split.
    """

    point: Point
    tested_on: str
    parameters: int | None
    trainings: int
    entries: int
    values: dict[str, Measured]
    seeds: dict[str, list[float]]


def read_scan(plan: ScanPlan, results: Mapping[str, Path]) -> dict[str, list[Result]]:
    """Return the results of every point on its own test split (key ``OWN``) and on every further dataset.

    Args:
        plan: a scan.
        results: metrics.json of every experiment of the scan.

    Raises:
        UserError: an experiment of the scan is missing, one is too many, or a file is about another dataset.
    """
    wanted = plan.experiments()
    for name in wanted:
        if name not in results:
            raise UserError(f"--results: lacks {name!r}, a point of the scan; give {name}=FILE")
    for name in results:
        if name not in wanted:
            raise UserError(f"--results {name}: is no point of the scan; it has {', '.join(wanted)}")
    found: dict[str, list[Result]] = {OWN: []}
    for point in plan.points:
        file = results[point.experiment]
        combined = read_combined(file)
        if point.dataset not in combined["tested"]:
            raise UserError(f"{file}: is not of an experiment on {point.dataset!r}; combine its seeds again")
        for dataset, metrics in combined["tested"].items():
            columns = columns_of(measures_of(plan.task, metrics))
            measured = {name: metrics[name] for name in columns if isinstance(metrics.get(name), dict)}
            result = Result(
                point,
                dataset,
                combined["parameters"],
                len(combined["seeds"]),
                metrics["entries"],
                {name: read_measured(metric) for name, metric in measured.items()},
                {name: [v for v in metric["values"] if v is not None] for name, metric in measured.items()},
            )
            found.setdefault(OWN if dataset == point.dataset else dataset, []).append(result)
    return found


def measures_in(plan: ScanPlan, results: Mapping[str, Sequence[Result]]) -> str:
    """Return what the results of a scan were measured as, see ``measures_of``."""
    return measures_of(plan.task, {name for rows in results.values() for row in rows for name in row.values})


def write_scan(plan: ScanPlan, results: Mapping[str, list[Result]], path: Path) -> None:
    """Write scan.csv: a row for every point and dataset tested on, in the order of the points.

    Columns: experiment, the keys that are varied (values as JSON, texts plain), label, dataset, tested_on, parameters,
    seeds, entries, and every metric with spread over seeds, statistical error and, where there are such, the ends of
    its interval; what is not known stays empty.
    """
    keys, metrics = [axis.key for axis in plan.axes], list(columns_of(measures_in(plan, results)))
    every = [row.values[name] for rows in results.values() for row in rows for name in row.values]
    parts = ["value", "spread", "error"] + ["low", "high"] * any(not math.isnan(value.low) for value in every)
    measured = [name + (f"_{part}" if part != "value" else "") for name in metrics for part in parts]
    fixed = ["experiment", *keys, "label", "dataset", "tested_on", "parameters", "seeds", "entries"]
    with publish(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*fixed, *measured])
        for point in plan.points:
            for rows in results.values():
                for row in (row for row in rows if row.point == point):
                    values = [axis.values[i] for axis, i in zip(plan.axes, point.place, strict=True)]
                    cells = [value if isinstance(value, str) else json.dumps(value, sort_keys=True) for value in values]
                    numbers = [row.values.get(name, Measured()) for name in metrics]
                    writer.writerow(
                        [point.experiment, *cells, plan.label(point), point.dataset, row.tested_on]
                        + [row.parameters, row.trainings, row.entries]
                        + [_cell(getattr(number, part)) for number in numbers for part in parts]
                    )


def _cell(value: float) -> str:
    return "" if value != value else f"{value:.6g}"  # nan
