"""The mean of several trainings as one classifier: its metrics, its place in summary and table."""

from pathlib import Path

import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.evaluation.ensemble import mean_scores, measure_ensemble
from jetpulse.evaluation.files import write_combined, write_metrics, write_summary
from jetpulse.figures.table import write_table
from jetpulse.samples import Block, Writer, load_json
from jetpulse.training.descriptions import load_description
from toy_jets import assert_one_line
from toys import experiment, read_rows, reseal, write_predictions_file

LABEL = [0, 0, 1, 1]
FIRST, SECOND = [0.1, 0.6, 0.5, 0.9], [0.45, 0.2, 0.9, 0.4]  # each has one pair in the wrong order, their mean none


def write_seeds(folder: Path, *scores: list[float], other: list[float] | None = None) -> tuple[list[Path], list[Path]]:
    """Write predictions, metrics and descriptions of trainings; return metrics and predictions."""
    metrics, predictions = [], []
    for seed, score in enumerate(scores, 1):
        groups = {"toys": (LABEL, score)} | ({"others": (LABEL, other)} if other else {})
        predictions.append(write_predictions_file(folder / f"seed{seed}" / "predictions.h5", groups))
        metrics.append(folder / f"seed{seed}" / "metrics.json")
        write_metrics(predictions[-1], metrics[-1], "classification")
        described = {"model": "dense", "parameters": 1700, "seed": seed, "best_epoch": 1}
        reseal(folder / f"seed{seed}" / "model.safetensors", **described)
    return metrics, predictions


def combine(folder: Path, *scores: list[float], other: list[float] | None = None) -> Path:
    """Write and combine trainings; return metrics.json of the experiment."""
    metrics, predictions = write_seeds(folder, *scores, other=other)
    models = [path.with_name("model.safetensors") for path in metrics]
    write_combined(metrics, models, folder / "metrics.json", "toys", predictions)
    return folder / "metrics.json"


def test_trainings_are_combined_with_their_own_predictions_and_once(tmp_path):
    metrics, predictions = write_seeds(tmp_path, FIRST, SECOND)
    models = [path.with_name("model.safetensors") for path in metrics]
    for path, model, score in zip(predictions, models, (FIRST, SECOND), strict=True):
        model.write_bytes(f"weights {score}".encode())
        reseal(model)
        spec = {"weights": load_description(model.with_name("model.json"))["checksums"]["weights"]}
        write_predictions_file(path, {"toys": (LABEL, score)}, spec)
    write_combined(metrics, models, tmp_path / "m.json", "toys", predictions)
    with pytest.raises(UserError, match=r"made by other weights than those of .*seed1/model"):
        write_combined(metrics, models, tmp_path / "n.json", "toys", predictions[::-1])
    with pytest.raises(UserError, match="one of two trainings of seed 1"):
        write_combined(metrics, models[:1] * 2, tmp_path / "n.json", "toys", predictions[:1] * 2)


def test_the_mean_of_two_trainings_is_measured_like_one(tmp_path):
    _, predictions = write_seeds(tmp_path, FIRST, SECOND, other=SECOND)
    measured = measure_ensemble(predictions)
    mean = write_predictions_file(tmp_path / "mean.h5", {"toys": (LABEL, np.mean([FIRST, SECOND], axis=0))})
    write_metrics(mean, tmp_path / "mean.json", "classification")
    assert measured["toys"] == load_json(tmp_path / "mean.json")["toys"]
    assert measured["toys"]["auc"] == 1.0  # 0.275, 0.4 below 0.7, 0.65
    assert set(measured) == {"toys", "others"}


def test_one_training_is_its_own_mean(tmp_path):
    metrics, predictions = write_seeds(tmp_path, FIRST)
    assert measure_ensemble(predictions)["toys"] == load_json(metrics[0])["toys"]
    write_combined(metrics, [], tmp_path / "metrics.json", "toys", predictions)
    assert "ensemble" not in load_json(tmp_path / "metrics.json")


def test_the_mean_is_of_probabilities_not_of_logits():
    arrays = [
        {"event": np.arange(2), "label": np.array([0, 1]), "probability": np.array([[1 - p, p], [0.5, 0.5]])}
        for p in (0.5, 1 - 1e-9)
    ]
    _, score = mean_scores(arrays, ["a", "b"])
    assert score[0] == pytest.approx(0.75)  # the mean of logits would be as certain as 0.99997


@pytest.mark.parametrize(
    ("name", "values", "fragment"),
    [
        ("event", [0, 1, 2, 4], "entry 3 has event 4"),
        ("event", [1, 0, 2, 3], "entry 0 has event 1"),
        ("label", [0, 1, 1, 1], "entry 1 has label 1"),
    ],
)
def test_predictions_of_other_events_are_refused(tmp_path, name, values, fragment):
    _, predictions = write_seeds(tmp_path, FIRST, SECOND)
    entries = {"event": np.arange(4), "label": np.array(LABEL, np.int8), "probability": np.full((4, 2), 0.5)}
    with Writer.create(predictions[1], "predictions", spec={}, units={}) as writer:
        writer.append("toys", Block(entries | {name: np.array(values)}))
    with pytest.raises(UserError) as error:
        measure_ensemble(predictions)
    assert_one_line(error, predictions[1], fragment, predictions[0])


def test_predictions_of_another_number_of_events_or_other_datasets_are_refused(tmp_path):
    _, predictions = write_seeds(tmp_path, FIRST, SECOND)
    write_predictions_file(predictions[1], {"toys": (LABEL[:3], SECOND[:3])})
    with pytest.raises(UserError) as error:
        measure_ensemble(predictions)
    assert_one_line(error, "3 entries", "4")
    write_predictions_file(predictions[1], {"toys": (LABEL, SECOND), "more": (LABEL, SECOND)})
    with pytest.raises(UserError) as error:
        measure_ensemble(predictions)
    assert_one_line(error, predictions[1], "more, toys")


def test_scores_that_are_no_probabilities_have_no_mean(tmp_path):
    entries = {"event": np.arange(4), "label": np.array(LABEL, np.int8), "score": np.array([-3.0, 1, 2, 9])}
    for name in "ab":
        with Writer.create(tmp_path / f"{name}.h5", "predictions", spec={}, units={}) as writer:
            writer.append("toys", Block(entries))
    assert measure_ensemble([tmp_path / "a.h5", tmp_path / "b.h5"]) == {}


def test_unequal_numbers_of_metrics_and_predictions_are_refused(tmp_path):
    metrics, predictions = write_seeds(tmp_path, FIRST, SECOND)
    with pytest.raises(UserError) as error:
        write_combined(metrics, [], tmp_path / "m.json", "toys", predictions[:1])
    assert_one_line(error, "2 metrics files", "1 predictions")


def test_the_summary_has_columns_for_the_mean_that_only_ensembles_fill(tmp_path):
    files = {"several": combine(tmp_path / "a", FIRST, SECOND, other=FIRST), "single": combine(tmp_path / "b", FIRST)}
    specs = {"several": experiment(), "single": experiment()}
    write_summary(files, specs, tmp_path / "summary.csv", tmp_path / "transfers.csv")
    rows = {row["experiment"]: row for row in read_rows(tmp_path / "summary.csv")}
    assert rows["several"]["ensemble_auc"] == "1"
    assert rows["several"]["auc"] == "0.75"
    assert rows["several"]["ensemble_rejection_30"] == ""  # infinite
    assert rows["single"]["ensemble_auc"] == ""
    assert [row["ensemble_auc"] for row in read_rows(tmp_path / "transfers.csv")] == ["0.75"]
    write_summary({"single": files["single"]}, specs, tmp_path / "summary.csv", tmp_path / "transfers.csv")
    assert "ensemble_auc" not in read_rows(tmp_path / "summary.csv")[0]


def test_the_table_has_a_row_for_the_mean_below_its_experiment(tmp_path):
    files = {"several": combine(tmp_path / "a", FIRST, SECOND), "single": combine(tmp_path / "b", FIRST)}
    write_table(files, "toys", {"several": experiment(), "single": experiment()}, [], tmp_path / "t.html")
    rows = [line for line in (tmp_path / "t.html").read_text(encoding="utf-8").splitlines() if line.startswith("<tr ")]
    first = [row.split("<td>")[1].removesuffix("</td>") for row in rows]
    assert first == ["several", "several, mean of 2 trainings", "single"]
    assert "2 × 1,700" in rows[1]
    # No pair of the two and two jets is in the wrong order, and no background passes.
    assert "1.00 <small>(−0.20 +0)</small>" in rows[1]
    assert "&gt;&nbsp;1.66" in rows[1]
    assert "test split, 4</td>" in rows[1]
    assert "<td>mean of the probabilities of 2 trainings</td>" in rows[1]
