"""Classes and numbers of small problems in metrics.json, the summary, tables and scans."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.config import Experiment, ScanPlan
from jetpulse.errors import UserError
from jetpulse.evaluation.files import (
    columns_of,
    measures_of,
    write_combined,
    write_medians,
    write_metrics,
    write_summary,
)
from jetpulse.evaluation.scans import OWN, read_scan
from jetpulse.figures.scan_files import plot_scan_files
from jetpulse.figures.scans import scan_figure
from jetpulse.figures.table import tables_of
from jetpulse.samples import dump_json, load_json, read_block
from toy_jets import assert_one_line, edited
from toy_problems import problem_experiment, write_predicted, write_problem
from toys import experiment, read_rows, reseal, write_images, write_predictions_file


def written(folder: Path, classes: int | None = 3) -> tuple[Path, Path]:
    """Return samples and predictions of them that are nearly right."""
    samples = write_problem(folder / "s.h5", classes=classes)
    known = read_block(samples, "test").entries
    if classes is None:
        arrays = {"target": known["target"], "prediction": known["target"] + 3}
    else:
        probability = np.full((len(known["label"]), classes), 0.1 / (classes - 1))
        probability[np.arange(len(probability)), known["label"]] = 0.9
        arrays = {"label": known["label"], "probability": probability}
    return samples, write_predicted(folder / "p.h5", {"toys": {"event": known["event"], **arrays}})


def evaluate(task: str, predictions: Path, samples: Path | None, out: Path) -> int:
    options = ["--samples", f"toys={samples}"] if samples else []
    return main(["evaluate", str(predictions), str(out), "--task", task, *options])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_classes_are_measured_with_their_samples(tmp_path, classes):
    samples, predictions = written(tmp_path, classes)
    assert evaluate("classification", predictions, samples, tmp_path / "m.json") == 0
    metrics = load_json(tmp_path / "m.json")["toys"]
    assert metrics["accuracy"] == 1
    assert metrics["log_loss"] == pytest.approx(-np.log(0.9))
    label = read_block(samples, "test").entries["label"]
    assert metrics["baseline"] == np.bincount(label).max() / len(label)
    assert (metrics.get("auc"), metrics.get("average_precision")) == ((1, 1) if classes == 2 else (None, None))
    assert evaluate("classification", predictions, samples, tmp_path / "again.json") == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "m.json").read_bytes()


def test_numbers_are_measured_with_their_samples(tmp_path):
    samples, predictions = written(tmp_path, None)
    assert evaluate("regression", predictions, samples, tmp_path / "m.json") == 0
    metrics = load_json(tmp_path / "m.json")["toys"]
    assert (metrics["rmse"], metrics["mae"]) == (pytest.approx(3), pytest.approx(3))
    assert 0.99 < metrics["r2"] < 1


def test_jets_need_no_samples_and_are_measured_alike_with_them(tmp_path):
    predictions = write_predictions_file(tmp_path / "p.h5", {"toys": ([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.7])})
    write_metrics(predictions, tmp_path / "m.json", "classification")
    assert "rejection_30" in load_json(tmp_path / "m.json")["toys"]
    images = write_images(tmp_path / "i.h5")
    with pytest.raises(UserError) as error:
        write_metrics(predictions, tmp_path / "n.json", "classification", {"toys": images})
    assert_one_line(error, images, "'jet-image'", "'jets' or 'problems'")


@pytest.mark.parametrize(
    ("task", "classes", "change", "fragments"),
    [
        ("classification", 3, None, ["--samples: lacks 'toys'"]),
        ("regression", None, None, ["--samples: lacks 'toys'"]),
        ("regression", 3, {}, ["lacks target"]),
        ("classification", None, {}, ["lacks label"]),
        ("classification", 3, {"event": 77}, ["event 2000", "77", "predict again"]),
        ("classification", 3, {"label": 1}, ["in the sample", "predict again"]),
        ("regression", None, {"target": 1.5}, ["in the sample 1.5", "predict again"]),
    ],
)
def test_samples_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path, capsys, task, classes, change, fragments):
    samples, predictions = written(tmp_path, classes)
    with edited(samples) as handle:
        for name, value in (change or {}).items():
            handle["test"][name][:] = value
    assert evaluate(task, predictions, None if change is None else samples, tmp_path / "m.json") == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    for fragment in fragments:
        assert fragment in err.splitlines()[-1]
    assert not (tmp_path / "m.json").exists()


CLASSES = {"entries": 20, "accuracy": 0.9, "accuracy_error": 0.05, "baseline": 0.53, "log_loss": 0.2}
NUMBERS = {"entries": 30, "rmse": 3.0, "rmse_error": 0.1, "mae": 2.0, "mae_error": 0.1, "r2": 0.8}
JETS = {"entries": 10, "accuracy": 0.7, "accuracy_error": 0.1, "auc": 0.8, "auc_error": 0.1}
JETS |= {"rejection_30": 9.0, "rejection_30_error": 1.0, "rejection_50": 5.0, "rejection_50_error": 0.5}
JETS |= {"ece": 0.1, "log_loss": 0.5}


def result(folder: Path, name: str, measured: dict[str, Any]) -> Path:
    """Write and combine two trainings of the same metrics."""
    metrics = []
    for seed in (1, 2):
        metrics.append(folder / name / f"seed{seed}" / "metrics.json")
        dump_json(metrics[-1], {"toys": measured})
        described = {"model": "dense", "parameters": 17, "seed": seed, "best_epoch": 1}
        reseal(metrics[-1].with_name("model.safetensors"), **described)
    models = [path.with_name("model.safetensors") for path in metrics]
    write_combined(metrics, models, folder / name / "metrics.json", "toys")
    return folder / name / "metrics.json"


def all_results(folder: Path) -> tuple[dict[str, Path], dict[str, Experiment]]:
    measured = {"houses": NUMBERS, "circles": CLASSES | {"auc": 0.95, "auc_error": 0.01, "average_precision": 0.9}}
    measured |= {"digits": CLASSES, "jets": JETS}
    experiments = {"houses": problem_experiment("regression"), "circles": problem_experiment("classification")}
    experiments |= {"digits": problem_experiment("classification"), "jets": experiment()}
    return {name: result(folder, name, row) for name, row in measured.items()}, experiments


def test_what_was_measured_follows_from_the_metrics():
    assert measures_of("classification", JETS) == "classification"
    assert measures_of("classification", CLASSES) == "classes"
    assert measures_of("regression", NUMBERS) == "regression"
    assert "rejection_30" not in columns_of("classes")
    assert "baseline" not in columns_of("classification")


def test_the_summary_keeps_the_columns_of_jets_in_front(tmp_path):
    results, experiments = all_results(tmp_path)
    write_summary(results, experiments, tmp_path / "s.csv", tmp_path / "t.csv")
    rows = {row["experiment"]: row for row in read_rows(tmp_path / "s.csv")}
    write_summary({"jets": results["jets"]}, experiments, tmp_path / "j.csv", tmp_path / "t.csv")
    (alone,) = read_rows(tmp_path / "j.csv")
    header = list(rows["jets"])
    assert [name for name in header if name in alone] == list(alone)
    assert {name: rows["jets"][name] for name in alone} == alone
    assert "log_loss" not in alone
    assert (rows["jets"]["log_loss"], rows["jets"]["baseline"]) == ("", "")
    assert (rows["circles"]["baseline"], rows["circles"]["average_precision"]) == ("0.53", "0.9")
    assert (rows["digits"]["accuracy"], rows["digits"]["accuracy_error"], rows["digits"]["auc"]) == ("0.9", "0.05", "")
    assert (rows["houses"]["rmse"], rows["houses"]["mae"], rows["houses"]["r2"]) == ("3", "2", "0.8")
    assert rows["houses"]["accuracy"] == ""


def test_medians_are_those_of_the_measures(tmp_path):
    results, experiments = all_results(tmp_path)
    write_medians(results, experiments, tmp_path / "m.json")
    medians = load_json(tmp_path / "m.json")
    assert medians["digits"] == {"accuracy": 0.9, "baseline": 0.53, "log_loss": 0.2}
    assert medians["houses"] == {"rmse": 3.0, "mae": 2.0, "r2": 0.8}
    assert list(medians["jets"]) == ["accuracy", "auc", "rejection_30", "rejection_50", "ece"]


def test_tables_show_what_some_row_has(tmp_path):
    results, experiments = all_results(tmp_path)
    tables = tables_of(results, "toys", experiments, [])
    jets, classes, numbers = tables
    assert "calibration error" in jets
    assert "baseline" not in jets
    assert "log loss" not in jets
    for title in ("accuracy", "baseline accuracy", "log loss", "AUC", "average precision"):
        assert f"<th>{title}</th>" in classes
    assert "rejection" not in classes
    assert classes.count("class='ours'") == 2
    assert "root mean square error" in numbers
    (digits,) = tables_of({"digits": results["digits"]}, "toys", experiments, [])
    assert "AUC" not in digits
    assert "<td>0.5300 ±&nbsp;0<" in digits
    assert tables_of({"jets": results["jets"]}, "toys", experiments, []) == [jets]


def plan_of(task: str, names: list[str]) -> ScanPlan:
    axis = {"key": "model.hidden", "values": [[4], [8]], "labels": ["[4]", "[8]"], "scale": "category"}
    points = [{"experiment": name, "dataset": "toys", "place": [i]} for i, name in enumerate(names)]
    return ScanPlan.model_validate({"base": names[0], "task": task, "axes": [axis], "points": points})


@pytest.mark.parametrize(
    ("task", "measured", "shown"),
    [
        ("classification", CLASSES, ["accuracy", "log loss"]),
        ("regression", NUMBERS, ["root mean square error", "mean absolute error", "R²"]),
    ],
)
def test_a_scan_of_a_problem_shows_its_measures(tmp_path, task, measured, shown):
    plan = plan_of(task, ["a", "b"])
    results = {name: result(tmp_path, name, measured) for name in ("a", "b")}
    found = read_scan(plan, results)
    assert set(found[OWN][0].values) == set(measured) - {"entries"} - {f"{name}_error" for name in measured}
    figure = scan_figure(plan, found)
    assert [axis.get_xlabel() for axis in figure.axes] == shown
    plot_scan_files(plan, results, *(tmp_path / name for name in ("s.svg", "t.html", "s.csv")))
    row = read_rows(tmp_path / "s.csv")[1]
    for name in set(measured) - {"entries"}:
        assert float(row[name]) == measured[name]
    assert "rejection_30" not in row
    assert json.loads(row["model.hidden"]) == [8]
