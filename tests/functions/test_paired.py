"""Differences of two experiments on the same entries, with errors known by hand and from resampling."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.evaluation.paired import Judged, differences, judge
from jetpulse.samples import Block, Writer

LABEL = np.array([1, 1, 1, 0, 0])


def write(path: Path, label: np.ndarray, score: np.ndarray, event: np.ndarray | None = None) -> Path:
    """Write predictions of two classes on ``toys``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    probability = np.stack([1 - score, score], axis=1)
    event = np.arange(len(label)) if event is None else event
    with Writer.create(path, "predictions", spec={}, units={"probability": "1"}) as writer:
        entries = {"event": event, "label": label.astype(np.int8), "probability": probability}
        writer.append("toys", Block(entries))
    return path


def judged(folder: Path, label: np.ndarray, *scores: np.ndarray, event: np.ndarray | None = None) -> Judged:
    files = [write(folder / f"{i}.h5", label, score, event) for i, score in enumerate(scores)]
    return judge(files, "toys", "classification")


def test_the_error_of_an_area_is_that_of_delong_by_hand(tmp_path):
    first = judged(tmp_path / "a", LABEL, np.array([0.9, 0.8, 0.3, 0.4, 0.1]))
    second = judged(tmp_path / "b", LABEL, np.array([0.9, 0.2, 0.8, 0.3, 0.1]))
    found = differences(first, second)["auc"]
    # Parts of the background below each signal: (1, 1, 1/2) and (1, 1/2, 1); of the signal above each background:
    # (2/3, 1) both times. So the areas are the same, and only the signal's scatter is in the error.
    assert found.value == pytest.approx(0.0, abs=1e-15)
    assert found.error == pytest.approx(math.sqrt(np.var([0, 0.5, -0.5], ddof=1) / 3))
    assert math.isnan(found.spread)


def test_the_error_of_an_accuracy_is_that_of_mcnemar(tmp_path):
    label = np.repeat([1, 0], 10)
    right = np.where(label == 1, 0.9, 0.1)
    first, second = right.copy(), right.copy()
    first[[0, 12]], second[[1, 2, 3, 15, 16]] = 1 - first[[0, 12]], 1 - second[[1, 2, 3, 15, 16]]
    found = differences(judged(tmp_path / "a", label, first), judged(tmp_path / "b", label, second))["accuracy"]
    n, b, c = 20, 5, 2
    assert found.value == pytest.approx((b - c) / n)
    assert found.error == pytest.approx(math.sqrt((b + c - (b - c) ** 2 / n) / (n * (n - 1))))


def test_paired_errors_are_those_of_resampled_entries(tmp_path):
    rng = np.random.default_rng(1)
    label = np.repeat([1, 0], 400)
    common = rng.normal(label, 1.0)
    scores = [1 / (1 + np.exp(-(common + rng.normal(0, 0.4, 800) - 0.5))) for _ in range(2)]
    first, second = (judged(tmp_path / str(i), label, score) for i, score in enumerate(scores))
    found = differences(first, second)

    def area(score: np.ndarray, chosen: np.ndarray) -> float:
        signal, background = score[chosen[:400]], np.sort(score[chosen[400:]])
        return float(np.searchsorted(background, signal).mean() / 400)

    drawn = [np.concatenate([rng.integers(0, 400, 400), rng.integers(400, 800, 400)]) for _ in range(1000)]
    areas = [area(scores[0], chosen) - area(scores[1], chosen) for chosen in drawn]
    assert found["auc"].error == pytest.approx(np.std(areas), rel=0.1)
    right = [(score > 0.5) == (label == 1) for score in scores]
    apart = [float(np.mean(right[0][chosen]) - np.mean(right[1][chosen])) for chosen in drawn]
    assert found["accuracy"].error == pytest.approx(np.std(apart), rel=0.1)
    alone = math.hypot(
        *(np.sqrt(400 * one.shares["auc"].share.reshape(2, 400).var(1).sum()) for one in (first, second))
    )
    assert found["auc"].error < 0.7 * alone


@pytest.mark.parametrize("trainings", [1, 3])
def test_equal_predictions_differ_by_nothing(tmp_path, trainings):
    scores = [np.array([0.9, 0.8, 0.3, 0.4, 0.1]) * (1 - 0.1 * i) for i in range(trainings)]
    first, second = (judged(tmp_path / name, LABEL, *scores) for name in "ab")
    for found in differences(first, second).values():
        assert (found.value, found.error) == (0.0, 0.0)
        assert found.spread == 0 or trainings == 1


def test_entries_are_matched_by_event_and_label(tmp_path):
    score, event = np.array([0.9, 0.8, 0.3, 0.4, 0.1]), np.array([7, 7, 3, 7, 2])
    order = np.array([3, 4, 0, 2, 1])
    first = judged(tmp_path / "a", LABEL, score, event=event)
    moved = judged(tmp_path / "b", LABEL[order], score[order], event=event[order])
    assert all((found.value, found.error) == (0.0, 0.0) for found in differences(first, moved).values())
    others = judged(tmp_path / "c", LABEL, score, event=event + 1)
    assert differences(first, others) is None
    assert differences(first, judged(tmp_path / "d", LABEL[1:], score[1:], event=event[1:])) is None


def test_the_scatter_of_trainings_has_an_error_of_its_own(tmp_path):
    label = np.repeat([1, 0], 50)
    rng = np.random.default_rng(2)
    scores = [np.clip(0.5 + 0.3 * (label - 0.5) + rng.normal(0, 0.2, 100), 0, 1) for _ in range(5)]
    first, second = judged(tmp_path / "a", label, *scores[:3]), judged(tmp_path / "b", label, *scores[3:])
    found = differences(first, second)["accuracy"]
    values = [np.mean((score > 0.5) == (label == 1)) for score in scores]
    assert found.value == pytest.approx(np.mean(values[:3]) - np.mean(values[3:]))
    expected = math.sqrt(np.var(values[:3], ddof=1) / 3 + np.var(values[3:], ddof=1) / 2)
    assert found.spread == pytest.approx(expected)


def test_numbers_and_bins_are_compared_too(tmp_path):
    target, rng = np.arange(50.0), np.random.default_rng(3)
    residual = rng.normal(0, 1, (2, 50))
    for i, row in enumerate(residual):
        with Writer.create(tmp_path / f"{i}.h5", "predictions", spec={}, units={}) as writer:
            writer.append("toys", Block({"event": np.arange(50), "target": target, "prediction": target + row}))
    first, second = (judge([tmp_path / f"{i}.h5"], "toys", "regression") for i in range(2))
    found = differences(first, second)["rmse"]
    rmse = np.sqrt(np.mean(residual**2, axis=1))
    assert found.value == pytest.approx(rmse[0] - rmse[1])
    linear = residual[0] ** 2 / (2 * rmse[0]) - residual[1] ** 2 / (2 * rmse[1])
    assert found.error == pytest.approx(linear.std(ddof=1) / math.sqrt(50))
    assert judge([], "toys", "adversarial") is None


def test_the_table_compares_with_the_first_experiment(tmp_path):
    label = np.repeat([1, 0], 20)
    scores = {"b": np.where(label == 1, 0.9, 0.1), "a": np.where(np.arange(40) < 22, 0.9, 0.1)}
    spec, results, predictions = {}, [], []
    for name, score in scores.items():
        path = write(tmp_path / name / "p.h5", label, score)
        metrics = tmp_path / name / "m.json"
        assert main(["evaluate", str(path), str(metrics), "--task", "classification"]) == 0
        assert main(["combine", str(tmp_path / f"{name}.json"), "--dataset", "toys", "--metrics", str(metrics)]) == 0
        spec[name] = {"dataset": "toys", "scores": {"files": [str(path)]}}
        results.append(f"{name}={tmp_path / name}.json")
        predictions.append(f"{name}={path}")
    command = ["tabulate", "--dataset", "toys", "--spec", json.dumps(spec), "--results", *results]
    table = tmp_path / "t.html"
    assert main([*command, "--predictions", *predictions, "--table", str(table)]) == 0
    text = table.read_text(encoding="utf-8").replace("&nbsp;", " ")
    assert "<th>less b</th>" in text
    # Two of forty answers are wrong.
    assert "accuracy −0.050 <small>(0.035)</small>" in text
    assert main([*command, "--table", str(table)]) == 0
    assert "less b" not in table.read_text(encoding="utf-8")
