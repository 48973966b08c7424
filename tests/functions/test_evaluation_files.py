"""Metrics of trainings, experiments and the summary as files."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jetpulse.config import Experiment
from jetpulse.config.models import TASKS
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import read_scores
from jetpulse.evaluation.files import columns_of, write_combined, write_metrics, write_summary
from jetpulse.samples import dump_json, load_json
from toy_jets import assert_one_line
from toys import experiment, read_rows, reseal, write_images, write_predictions_file

COUNTS = {"entries": 10, "signal": 4, "background": 6}


def row(accuracy: float, rejection: float | None = 20.0) -> dict[str, Any]:
    """Return metrics of one training whose errors are a tenth of their values."""
    metrics: dict[str, Any] = dict(COUNTS)
    for name, value in {"accuracy": accuracy, "auc": accuracy, "rejection_30": rejection, "rejection_50": 9.0}.items():
        metrics |= {name: value, f"{name}_error": None if value is None else value / 10}
    return metrics | {"ece": 0.1, "log_loss": 0.5}


def combine(folder: Path, per_seed: list[dict[str, Any]], dataset: str = "toys") -> dict[str, Any]:
    """Write metrics and models of some seeds, combine them and return the result."""
    metrics, models = [], []
    for seed, tested in enumerate(per_seed, 1):
        dump_json(folder / f"seed{seed}" / "metrics.json", tested)
        described = {"model": "dense", "parameters": 170, "seed": seed, "best_epoch": 10 + seed}
        described |= {"training_size": 14000}
        reseal(folder / f"seed{seed}" / "model.safetensors", **described)
        metrics.append(folder / f"seed{seed}" / "metrics.json")
        models.append(folder / f"seed{seed}" / "model.safetensors")
    write_combined(metrics, models, folder / "metrics.json", dataset)
    return load_json(folder / "metrics.json")


def test_scores_are_read_by_dataset(tmp_path):
    path = write_predictions_file(tmp_path / "p.h5", {"a": ([0, 1], [0.25, 0.5]), "b": ([1, 0], [0.75, 0.5])})
    scores = read_scores(path)
    assert list(scores) == ["a", "b"]
    assert [part.tolist() for part in scores["a"]] == [[0, 1], [0.25, 0.5]]


def test_a_file_that_holds_no_predictions_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5")
    with pytest.raises(UserError) as error:
        read_scores(path)
    assert_one_line(error, path, "jet-image", "predictions")


def test_metrics_are_written_by_dataset(tmp_path):
    groups = {"toys": ([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.7]), "others": ([0, 1], [0.9, 0.1])}
    write_metrics(write_predictions_file(tmp_path / "p.h5", groups), tmp_path / "m.json", "classification")
    metrics = json.loads((tmp_path / "m.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert {name: values["auc"] for name, values in metrics.items()} == {"toys": 1.0, "others": 0.0}
    assert metrics["toys"]["accuracy"] == 0.75
    assert metrics["toys"]["rejection_30"] is None


def test_an_unknown_task_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        write_metrics(tmp_path / "p.h5", tmp_path / "m.json", "clasification")
    assert_one_line(error, "clasification", *TASKS)


def test_a_dataset_of_one_class_is_refused_with_its_name_and_nothing_is_left(tmp_path):
    path = write_predictions_file(tmp_path / "p.h5", {"toys": ([0, 1], [0.1, 0.9]), "others": ([1, 1], [0.9, 0.1])})
    with pytest.raises(UserError) as error:
        write_metrics(path, tmp_path / "m.json", "classification")
    assert_one_line(error, path, "others", "needs both")
    assert [file.name for file in tmp_path.iterdir()] == ["p.h5"]


def test_one_seed_has_no_spread(tmp_path):
    combined = combine(tmp_path, [{"toys": row(0.8)}])
    assert combined["tested"]["toys"]["accuracy"] == {
        "median": 0.8,
        "spread": None,
        "error": pytest.approx(0.08),
        "values": [0.8],
    }
    assert combined["seeds"] == [1]


def test_two_seeds_have_their_mean_as_median(tmp_path):
    accuracy = combine(tmp_path, [{"toys": row(0.8)}, {"toys": row(0.9)}])["tested"]["toys"]["accuracy"]
    assert accuracy["median"] == pytest.approx(0.85)
    assert accuracy["spread"] == pytest.approx(0.1 / math.sqrt(2))
    assert accuracy["values"] == [0.8, 0.9]
    assert accuracy["error"] in (pytest.approx(0.08), pytest.approx(0.09))


def test_three_seeds_have_the_error_of_the_one_in_the_middle(tmp_path):
    combined = combine(tmp_path, [{"toys": row(0.9)}, {"toys": row(0.5)}, {"toys": row(0.8)}])
    accuracy = combined["tested"]["toys"]["accuracy"]
    assert accuracy["median"] == 0.8
    assert accuracy["error"] == pytest.approx(0.08)
    assert accuracy["spread"] == pytest.approx(np.std([0.9, 0.5, 0.8], ddof=1))


def test_a_combination_describes_the_experiment(tmp_path):
    combined = combine(tmp_path, [{"others": row(0.6), "toys": row(0.8)}, {"others": row(0.6), "toys": row(0.9)}])
    tested = combined.pop("tested")
    assert list(tested) == ["toys", "others"]  # the dataset that was trained on comes first
    assert combined == {
        "dataset": "toys",
        "model": "dense",
        "parameters": 170,
        "seeds": [1, 2],
        "training_size": 14000,
        "best_epochs": [11, 12],
    }
    assert set(tested["toys"]) == {*COUNTS, "accuracy", "auc", "rejection_30", "rejection_50", "ece", "log_loss"}
    assert {name: tested["toys"][name] for name in COUNTS} == COUNTS
    assert "error" not in tested["toys"]["ece"]


@pytest.mark.parametrize(
    ("values", "median", "error"),
    [
        ([None], None, None),
        ([20.0, None], None, None),
        ([None, 20.0, 30.0], 30.0, 3.0),
        ([None, 20.0, None], None, None),
        ([None, None, None], None, None),
    ],
)
def test_a_seed_without_background_above_the_cut_counts_as_infinitely_good(tmp_path, values, median, error):
    combined = combine(tmp_path, [{"toys": row(0.9, value)} for value in values])
    rejection = combined["tested"]["toys"]["rejection_30"]
    assert rejection == {"median": median, "spread": None, "error": error, "values": values}


@pytest.mark.parametrize(
    ("lows", "highs", "low", "high"),
    [
        ([8.0], [13.0], 8.0, 13.0),
        ([8.0, 9.0, 30.0], [13.0, None, 90.0], 9.0, 90.0),
        ([8.0, 9.0], [None, 13.0], 8.5, None),
    ],
)
def test_the_ends_of_an_interval_are_medians_over_seeds(tmp_path, lows, highs, low, high):
    ends = [{"rejection_30_low": a, "rejection_30_high": b} for a, b in zip(lows, highs, strict=True)]
    combined = combine(tmp_path, [{"toys": row(0.9, 10.0) | end} for end in ends])["tested"]["toys"]
    assert (combined["rejection_30"]["low"], combined["rejection_30"]["high"]) == (low, high)
    assert "rejection_30_low" not in combined


def test_unequal_numbers_of_metrics_and_models_are_refused(tmp_path):
    with pytest.raises(UserError) as error:
        write_combined([tmp_path / "a.json", tmp_path / "b.json"], [tmp_path / "a"], tmp_path / "m.json", "toys")
    assert_one_line(error, "2 metrics files", "1 models")


def test_a_dataset_that_was_not_tested_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        combine(tmp_path, [{"toys": row(0.9)}], dataset="toy")
    assert_one_line(error, "toy", "toys")


def test_seeds_that_were_tested_on_different_datasets_are_refused(tmp_path):
    with pytest.raises(UserError) as error:
        combine(tmp_path, [{"toys": row(0.9), "others": row(0.8)}, {"toys": row(0.9)}])
    assert_one_line(error, "others")


def test_seeds_with_other_metrics_are_refused(tmp_path):
    with pytest.raises(UserError) as error:
        combine(tmp_path, [{"toys": row(0.9)}, {"toys": row(0.9) | {"f1": 0.5}}])
    assert_one_line(error, tmp_path / "seed2/metrics.json", "toys", tmp_path / "seed1/metrics.json", "evaluate")


def test_whole_numbers_are_counts_whatever_they_are_called(tmp_path):
    measured = {"entries": 7, "lines": 2, "rmse": 0.5, "rmse_error": None, "calibration_error": 0.25}
    combined = combine(tmp_path, [{"toys": measured}, {"toys": measured | {"rmse": 1.5}}])["tested"]["toys"]
    assert (combined["entries"], combined["lines"]) == (7, 2)
    assert combined["rmse"]["median"] == 1.0
    assert combined["rmse"]["error"] is None  # there is one, but not for these entries
    assert combined["calibration_error"]["median"] == 0.25  # not the error of anything
    assert "error" not in combined["calibration_error"]


@pytest.fixture
def experiments() -> dict[str, Experiment]:
    reference = {"accuracy": 0.9, "auc": 0.95, "source": "a paper, with a comma"}
    reference |= {"sample": "theirs", "split": "val, 6,000", "training_size": 14000}
    with_reference = Experiment.model_validate(experiment().model_dump() | {"reference": reference})
    return {"first": with_reference, "second": experiment()}


def summarise(folder: Path, results: dict[str, dict], experiments: dict[str, Experiment]) -> tuple[list, list]:
    files = {}
    for name, tested in results.items():
        combine(folder / name, tested)
        files[name] = folder / name / "metrics.json"
    write_summary(files, experiments, folder / "summary.csv", folder / "transfers.csv")
    return read_rows(folder / "summary.csv"), read_rows(folder / "transfers.csv")


def test_the_summary_has_one_row_per_experiment_and_transfers_of_their_own(tmp_path, experiments):
    results = {
        "first": [{"toys": row(0.8), "others": row(0.7, None)}, {"toys": row(0.9), "others": row(0.6, None)}],
        "second": [{"toys": row(0.5)}],
    }
    summary, transfers = summarise(tmp_path, results, experiments)
    assert [entry["experiment"] for entry in summary] == ["first", "second"]
    first, second = summary
    assert (first["accuracy"], first["accuracy_spread"], first["seeds"]) == ("0.85", "0.0707107", "2")
    assert (first["reference"], first["reference_source"]) == ("accuracy 0.9; auc 0.95", "a paper, with a comma")
    assert (second["accuracy"], second["accuracy_spread"], second["accuracy_error"]) == ("0.5", "", "0.05")
    origin = [f"reference_{name}" for name in ("sample", "split", "training_size")]
    assert [first[name] for name in origin] == ["theirs", "val, 6,000", "14000"]
    assert {second[name] for name in ("reference", "reference_source", *origin)} == {""}
    described = ("task", "dataset", "representation", "model", "parameters", "training_size", "entries")
    assert [first[key] for key in described] == ["classification", "toys", "images", "dense", "170", "14000", "10"]
    (transfer,) = transfers
    assert (transfer["experiment"], transfer["dataset"], transfer["tested_on"]) == ("first", "toys", "others")
    assert (transfer["accuracy"], transfer["rejection_30"]) == ("0.65", "")


MEASURED = {"entries": 5, "accuracy": 0.75, "accuracy_error": 0.1, "rmse": 2.0, "rmse_error": None, "ece": 0.1}


def test_the_summary_of_several_tasks_has_the_columns_of_all(tmp_path, experiments):
    reference = {"rmse": 0.405, "log_loss": 0.15, "source": "a notebook"}
    finder = {"task": "localisation", "dataset": "toys", "model": {"name": "dense"}, "reference": reference}
    experiments = {"finder": Experiment.model_validate(finder)} | experiments
    summary, _ = summarise(tmp_path, {"finder": [{"toys": MEASURED}], "first": [{"toys": row(0.8)}]}, experiments)
    header = list(summary[0])
    # Tasks in the order of TASKS, not of the experiments; what tasks share stands once.
    shared = dict.fromkeys([*columns_of("classification"), *columns_of("localisation")])
    assert [name for name in header if name in shared] == list(shared)
    assert len(header) == len(set(header))
    finder, first = summary
    measured = [finder[key] for key in ("task", "accuracy", "accuracy_error", "rmse", "rmse_error")]
    assert measured == ["localisation", "0.75", "0.1", "2", ""]
    assert (finder["auc"], finder["bias"], first["rmse"], first["auc"]) == ("", "", "", "0.8")
    assert (finder["reference"], finder["reference_source"]) == ("rmse 0.405; log_loss 0.15", "a notebook")
    assert "ece_error" not in header


def test_the_summary_of_one_task_has_no_columns_of_others(tmp_path, experiments):
    summary, _ = summarise(tmp_path, {"first": [{"toys": row(0.8)}]}, experiments)
    measured = ["accuracy", "auc", "rejection_30", "rejection_50"]
    columns = [name + suffix for name in measured for suffix in ("", "_spread", "_error")] + ["ece", "ece_spread"]
    assert list(summary[0]) == [
        *("experiment", "task", "dataset", "representation", "model", "parameters", "seeds"),
        *("training_size", "entries"),
        *columns,
        *(f"reference{name}" for name in ("", "_sample", "_split", "_training_size", "_source")),
    ]


def test_the_header_of_transfers_does_not_depend_on_whether_there_are_any(tmp_path, experiments):
    tested = [{"toys": row(0.8), "others": row(0.7)}]
    summarise(tmp_path / "with", {"first": tested}, experiments)
    summarise(tmp_path / "without", {"first": [{"toys": row(0.8)}]}, experiments)
    headers = [(tmp_path / name / "transfers.csv").read_text().splitlines()[0] for name in ("with", "without")]
    assert headers[0] == headers[1]


def test_results_of_an_experiment_that_the_spec_does_not_know_are_refused(tmp_path, experiments):
    with pytest.raises(UserError) as error:
        summarise(tmp_path, {"third": [{"toys": row(0.8)}]}, experiments)
    assert_one_line(error, "third", "first, second")


def test_predictions_of_nothing_are_refused(tmp_path):
    path = write_predictions_file(tmp_path / "p.h5", {})
    with pytest.raises(UserError) as error:
        write_metrics(path, tmp_path / "m.json", "classification")
    assert_one_line(error, path, "no predictions")
