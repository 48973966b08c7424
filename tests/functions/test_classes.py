"""Measures of classes and of predicted numbers by hand, and one line for what cannot be measured."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error

from jetpulse.errors import UserError
from jetpulse.evaluation import classes, classification, regression
from toy_jets import assert_one_line

PROBLEM = {"kind": "problems", "outputs": 3}


def row(best: int, probability: float, k: int = 3) -> list[float]:
    """Return probabilities of k classes, the best one given and the others equal."""
    return [probability if i == best else (1 - probability) / (k - 1) for i in range(k)]


def predicted(label, probability) -> dict[str, np.ndarray]:
    return {
        "event": np.arange(len(label)),
        "label": np.array(label, np.int64),
        "probability": np.array(probability, np.float64).reshape(len(label), -1),
    }


def measured(label, probability, **attributes) -> dict:
    truth = {"label": np.array(label, np.int64)}
    return classes.measure(predicted(label, probability), truth, PROBLEM | attributes, "toys")


def test_three_classes_by_hand():
    found = measured([0, 1, 1, 2], [row(0, 0.8), row(1, 0.5), row(2, 0.6), row(2, 0.7)])
    assert found["entries"] == 4
    assert found["accuracy"] == 0.75
    assert found["accuracy_error"] == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert found["baseline"] == 0.5  # class 1 is the most frequent
    losses = -np.log([0.8, 0.5, 0.2, 0.7])
    assert found["log_loss"] == pytest.approx(losses.mean())
    assert found["log_loss_error"] == pytest.approx(losses.std(ddof=1) / 2)
    accuracy = {"accuracy", "accuracy_error", "accuracy_low", "accuracy_high"}
    assert set(found) == {"entries", *accuracy, "baseline", "log_loss", "log_loss_error"}


def test_two_classes_by_hand():
    score = np.array([0.1, 0.6, 0.5, 0.9])
    found = measured([0, 0, 1, 1], np.stack([1 - score, score], 1), outputs=2)
    assert found["auc"] == 0.75  # one of four pairs is in the wrong order
    assert found["auc_error"] > 0
    # Above the entries of class 1, from the highest score: 1 of 1, then 2 of 3 are of class 1.
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["baseline"] == 0.5
    assert found["accuracy"] == 0.5  # a tie goes to class 0
    assert set(classes.COLUMNS) <= set(found)


def test_a_certain_answer_that_is_wrong_costs_a_finite_loss():
    found = measured([0, 1], [[0.0, 1.0], [0.0, 1.0]], outputs=2)
    assert found["log_loss"] == pytest.approx(-math.log(1e-300) / 2)


@given(st.integers(1, 30), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_measures_agree_with_those_of_scikit_learn(n, k, seed):
    rng = np.random.default_rng(seed)
    label, probability = rng.integers(0, k, n), rng.dirichlet(np.ones(k), n)
    found = measured(label, probability, outputs=k)
    assert found["accuracy"] == np.mean(probability.argmax(1) == label)
    assert found["baseline"] == max(np.mean(label == i) for i in range(k))
    assert found["log_loss"] == pytest.approx(log_loss(label, probability, labels=range(k)))
    assert ("auc" in found) == (k == 2)
    if k == 2 and 0 < label.sum() < n:
        assert found["auc"] == pytest.approx(roc_auc_score(label, probability[:, 1]))
        assert 0 < found["average_precision"] <= 1


@pytest.mark.parametrize("label", [[0], [1], [1, 1, 1]])
def test_one_class_alone_has_an_accuracy_but_no_curves(label):
    found = measured(label, [[0.25, 0.75]] * len(label), outputs=2)
    assert found["accuracy"] == float(label[0])
    assert found["baseline"] == 1
    assert found["auc"] is found["auc_error"] is found["average_precision"] is None
    assert (found["log_loss_error"] is None) == (len(label) == 1)


GOOD = predicted([0, 1, 2], [row(0, 0.8)] * 3)
TRUTH = {"label": np.array([0, 1, 2])}


@pytest.mark.parametrize(
    ("arrays", "truth", "attributes", "fragments"),
    [
        ({"event": GOOD["event"]}, TRUTH, {}, ["lacks label, found event", "check the task"]),
        ({key: values[:0] for key, values in GOOD.items()}, TRUTH, {}, ["has no entries"]),
        (GOOD, {"label": np.array([0, 1, 1])}, {}, ["entry 2: label is 2, in the sample 1; predict again"]),
        (GOOD, {}, {}, ["lacks test/label", "check the task"]),
        (GOOD, TRUTH, {"outputs": 4}, ["probabilities of 3 classes, the sample has 4"]),
    ],
)
def test_predictions_that_cannot_be_measured_are_refused(arrays, truth, attributes, fragments):
    with pytest.raises(UserError) as error:
        classification.measure(arrays, truth, PROBLEM | attributes, "p.h5: toys")
    assert_one_line(error, "p.h5: toys", *fragments)


def test_jets_are_measured_as_jets():
    two = predicted([0, 1], [[0.75, 0.25], [0.25, 0.75]])
    jets = classification.measure(two, {}, {}, "toys")
    assert {"signal", "rejection_50", "ece"} <= set(jets)
    assert classification.measure(two, {}, {"kind": "jets"}, "toys") == jets
    assert "baseline" not in jets
    problem = classification.measure(two, {"label": two["label"]}, {"kind": "problems", "outputs": 2}, "toys")
    assert "rejection_50" not in problem
    assert problem["auc"] == jets["auc"] == 1


def numbers(target, prediction) -> dict[str, np.ndarray]:
    return {"target": np.array(target, np.float64), "prediction": np.array(prediction, np.float64)}


def test_numbers_by_hand():
    found = regression.measure(numbers([1, 2, 3, 6], [1, 4, 3, 5]), {}, {}, "toys")
    assert found["entries"] == 4
    assert found["rmse"] == pytest.approx(math.sqrt(5 / 4))
    squares = np.array([0, 4, 0, 1])
    assert found["rmse_error"] == pytest.approx(squares.std(ddof=1) / 2 / (2 * math.sqrt(5 / 4)))
    assert found["mae"] == pytest.approx(3 / 4)
    assert found["mae_error"] == pytest.approx(np.std([0, 2, 0, 1], ddof=1) / 2)
    assert found["r2"] == pytest.approx(1 - 5 / 14)
    assert set(regression.COLUMNS) <= set(found)


@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_measures_of_numbers_agree_with_those_of_scikit_learn(n, seed):
    rng = np.random.default_rng(seed)
    target, prediction = 10 + rng.standard_normal((2, n))
    found = regression.measure(numbers(target, prediction), {"target": target}, {}, "toys")
    assert found["rmse"] == pytest.approx(root_mean_squared_error(target, prediction))
    assert found["mae"] == pytest.approx(mean_absolute_error(target, prediction))
    assert found["r2"] == pytest.approx(r2_score(target, prediction))


def test_perfect_single_and_constant_numbers():
    perfect = regression.measure(numbers([1, 2], [1, 2]), {}, {}, "toys")
    assert (perfect["rmse"], perfect["mae"], perfect["r2"]) == (0, 0, 1)
    single = regression.measure(numbers([1], [3]), {}, {}, "toys")
    assert (single["rmse"], single["rmse_error"], single["mae_error"], single["r2"]) == (2, None, None, None)
    assert regression.measure(numbers([4, 4], [4, 5]), {}, {}, "toys")["r2"] is None


@pytest.mark.parametrize(
    ("arrays", "truth", "fragments"),
    [
        ({"target": np.zeros(2)}, {}, ["lacks prediction, found target"]),
        (numbers([], []), {}, ["has no entries"]),
        (numbers([1, 2], [1, 2]), {"target": np.array([1.0, 3.0])}, ["entry 1: target is 2.0, in the sample 3.0"]),
    ],
)
def test_numbers_that_cannot_be_measured_are_refused(arrays, truth, fragments):
    with pytest.raises(UserError) as error:
        regression.measure(arrays, truth, {}, "p.h5: toys")
    assert_one_line(error, "p.h5: toys", *fragments)
