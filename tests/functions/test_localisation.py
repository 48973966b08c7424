"""Measures of pulse finders with answers known by hand."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.evaluation.localisation import (
    COLUMNS,
    LEVELS,
    bin_index,
    bins_of,
    correct,
    count_correct,
    coverage,
    lump_rare,
    measure,
    quantile_edges,
    read_bins,
    residual,
)
from jetpulse.evaluation.measures import rmse_with_error
from jetpulse.samples import Block, Writer
from toy_jets import assert_one_line

LABEL = np.array([0, 1, 2, 3])
PROBABILITY = np.array(
    [
        [0.7, 0.2, 0.1, 0.0],  # right, mean bin 0.4
        [0.5, 0.3, 0.2, 0.0],  # wrong, mean bin 0.7
        [0.0, 0.0, 1.0, 0.0],  # right, mean bin 2
        [0.4, 0.0, 0.2, 0.4],  # of equally good bins the first counts: wrong, mean bin 1.6
    ]
)


def predicted(label: Any = LABEL, probability: Any = PROBABILITY) -> dict[str, np.ndarray]:
    return {"event": np.arange(len(label)), "label": np.asarray(label), "probability": np.asarray(probability)}


@st.composite
def predictions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels (n,) and probabilities (n, bins), many of them equal or zero."""
    n, bins = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    weights = draw(st.lists(st.lists(st.integers(0, 4), min_size=bins, max_size=bins), min_size=n, max_size=n))
    weights = np.array(weights, float) + (np.sum(weights, axis=1) == 0)[:, None]
    label = np.array(draw(st.lists(st.integers(0, bins - 1), min_size=n, max_size=n)))
    return label, weights / weights.sum(axis=1, keepdims=True)


def wilson(passed: int, total: int) -> tuple[float, float]:
    middle, part = (passed + 0.5) / (total + 1), passed / total
    half = math.sqrt(part * (1 - part) / total + 0.25 / total**2) * total / (total + 1)
    return middle - half, middle + half


def test_every_metric_of_four_entries_by_hand():
    measured = measure(predicted(), {}, {}, "p.h5")
    squares = np.array([0.16, 0.09, 0.0, 1.96])
    losses = -np.log([0.7, 0.3, 1.0, 0.4])
    rmse = math.sqrt(squares.mean())
    # Sets of at least 68.3 %: {0}, {0, 1}, {2}, {0, 3}; of at least 95.4 %: {0, 1, 2}, {0, 1, 2}, {2}, {0, 3, 2}.
    assert measured == pytest.approx(
        {
            "entries": 4,
            "accuracy": 0.5,
            "accuracy_error": 0.25,
            **dict(zip(("accuracy_low", "accuracy_high"), wilson(2, 4), strict=True)),
            "rmse": rmse,
            "rmse_error": squares.std(ddof=1) / 2 / (2 * rmse),
            "log_loss": losses.mean(),
            "log_loss_error": losses.std(ddof=1) / 2,
            "bias": (0.4 - 0.3 + 0.0 - 1.4) / 4,
            "bias_error": np.std([0.4, -0.3, 0.0, -1.4], ddof=1) / 2,
            "coverage_68": 1.0,
            "coverage_68_error": 0.0,
            **dict(zip(("coverage_68_low", "coverage_68_high"), wilson(4, 4), strict=True)),
            "coverage_68_expected": (0.7 + 0.8 + 1.0 + 0.8) / 4,
            "coverage_95": 1.0,
            "coverage_95_error": 0.0,
            **dict(zip(("coverage_95_low", "coverage_95_high"), wilson(4, 4), strict=True)),
            "coverage_95_expected": 1.0,
            "ece": (0.3 + 0.5 + 0.0 + 0.4) / 4,
        }
    )
    assert set(COLUMNS) <= set(measured)
    assert type(measured["entries"]) is int
    json.dumps(measured, allow_nan=False)


def test_one_entry_has_no_errors_of_means():
    measured = measure(predicted([1], [[0.25, 0.75]]), {}, {}, "p.h5")
    assert [measured[f"{name}_error"] for name in ("rmse", "log_loss", "bias")] == [None, None, None]
    assert (measured["accuracy"], measured["rmse"]) == (1.0, 0.25)


def test_a_perfect_prediction_is_perfect():
    measured = measure(predicted([0, 3], np.eye(4)[[0, 3]]), {}, {}, "p.h5")
    perfect = {"accuracy": 1.0, "rmse": 0.0, "rmse_error": 0.0, "log_loss": 0.0, "bias": 0.0, "ece": 0.0}
    assert {name: measured[name] for name in perfect} == perfect
    assert measured["coverage_68_expected"] == measured["coverage_68"] == 1.0


def test_a_confident_mistake_has_a_finite_log_loss():
    assert measure(predicted([0], [[0.0, 1.0]]), {}, {}, "p.h5")["log_loss"] == pytest.approx(-math.log(1e-300))


def test_rows_may_miss_one_by_rounding():
    measured = measure(predicted([0, 1], [[1 + 4e-7, 0.0], [0.0, 1 - 4e-7]]), {}, {}, "p.h5")
    assert measured["accuracy"] == 1.0
    assert measured["coverage_95"] == 1.0


def test_an_empty_test_split_is_refused():
    with pytest.raises(UserError) as error:
        measure(predicted([], np.zeros((0, 4))), {}, {}, "p.h5: waves")
    assert_one_line(error, "p.h5: waves", "no entries")


@pytest.mark.parametrize("name", ["label", "probability"])
def test_missing_arrays_are_named(name):
    arrays = predicted()
    del arrays[name]
    with pytest.raises(UserError) as error:
        bins_of(arrays, "p.h5: waves")
    assert_one_line(error, "p.h5: waves", "lacks", name)


def test_residuals_and_right_answers_by_hand():
    np.testing.assert_allclose(residual(LABEL, PROBABILITY), [0.4, -0.3, 0.0, -1.4])
    assert correct(LABEL, PROBABILITY).tolist() == [True, False, True, False]
    assert rmse_with_error(np.array([3.0, -3.0])) == (3.0, 0.0)


def test_the_error_of_the_rmse_agrees_with_repetitions():
    rng = np.random.default_rng(3)
    repeated = [rmse_with_error(rng.normal(0.1, 1.0, 400)) for _ in range(1000)]
    # A standard deviation from 1000 repetitions is known to 2.2 %; allow four times that.
    assert np.mean([error for _, error in repeated]) == pytest.approx(
        np.std([value for value, _ in repeated]), rel=0.09
    )


def test_coverage_by_hand():
    label = np.array([1, 2, 0])
    probability = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])
    covered, content = coverage(label, probability, np.array([0.5, 0.51, 0.8, 0.9]))
    assert covered.tolist() == [
        [False, False, False],
        [True, False, False],
        [True, False, False],  # 0.5 + 0.3 is enough for 0.8
        [True, True, False],
    ]
    np.testing.assert_allclose(content, [[0.5, 0.5, 1.0], [0.8, 0.8, 1.0], [0.8, 0.8, 1.0], [1.0, 1.0, 1.0]])


def test_calibrated_predictions_are_covered_as_often_as_expected():
    rng = np.random.default_rng(1)
    probability = rng.dirichlet(np.full(20, 0.3), 4000)
    label = (probability.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    measured = measure(predicted(label, probability), {}, {}, "p.h5")
    for name in LEVELS:
        pull = (measured[name] - measured[f"{name}_expected"]) / measured[f"{name}_error"]
        assert abs(pull) < 4
        assert measured[f"{name}_expected"] >= LEVELS[name]


@given(predictions(), st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5))
def test_sets_grow_with_the_level_and_hold_what_is_asked_for(drawn, levels):
    label, probability = drawn
    covered, content = coverage(label, probability, np.sort(levels))
    assert (np.diff(content, axis=0) >= 0).all()
    assert (np.diff(covered.astype(int), axis=0) >= 0).all()
    assert (content >= np.sort(levels)[:, None] - 1e-9).all()


@given(predictions(), st.floats(0.01, 1.0))
def test_the_best_bins_alone_cover(drawn, level):
    label, probability = drawn
    covered, content = coverage(label, probability, np.array([level]))
    for i in range(len(label)):
        order = sorted(range(probability.shape[1]), key=lambda k, i=i: -probability[i, k])
        chosen = next(m for m in range(1, len(order) + 1) if probability[i, order[:m]].sum() > level - 1e-9)
        assert content[0, i] == pytest.approx(probability[i, order[:chosen]].sum())
        assert covered[0, i] == (label[i] in order[:chosen])


@given(predictions())
def test_metrics_do_not_depend_on_the_order_of_the_entries(drawn):
    label, probability = drawn
    forwards = measure(predicted(label, probability), {}, {}, "p.h5")
    backwards = measure(predicted(label[::-1], probability[::-1]), {}, {}, "p.h5")
    assert backwards == pytest.approx(forwards, abs=1e-9)


@given(predictions())
def test_mirrored_bins_change_the_sign_of_the_bias_only(drawn):
    label, probability = drawn
    here = measure(predicted(label, probability), {}, {}, "p.h5")
    there = measure(predicted(probability.shape[1] - 1 - label, probability[:, ::-1]), {}, {}, "p.h5")
    assert there["bias"] == pytest.approx(-here["bias"], abs=1e-9)
    for name in ("rmse", "log_loss", "coverage_68_expected"):
        assert there[name] == pytest.approx(here[name], abs=1e-9)


def test_arguments_stay_as_they_were():
    label, probability = LABEL.copy(), PROBABILITY.copy()
    measure(predicted(label, probability), {"label": label}, {}, "p.h5")
    assert (label == LABEL).all()
    assert (probability == PROBABILITY).all()


def test_equal_values_have_one_bin():
    edges = quantile_edges(np.full(7, 5.0), 4)
    assert edges.tolist() == [4.5, 5.5]
    assert bin_index(np.full(7, 5.0), edges).tolist() == [0] * 7


def test_quantile_bins_by_hand():
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    edges = quantile_edges(values, 2)
    assert edges.tolist() == [0.0, 2.0, 4.0]
    assert bin_index(values, edges).tolist() == [0, 0, 1, 1, 1]
    assert bin_index(np.array([-1.0, 9.0]), edges).tolist() == [0, 1]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.integers(1, 8))
def test_every_value_has_its_bin(values, bins):
    edges = quantile_edges(np.array(values), bins)
    index = bin_index(np.array(values), edges)
    assert (np.diff(edges) > 0).all()
    assert (edges[index] <= values).all()
    assert (np.array(values) <= edges[index + 1]).all()


def test_rare_numbers_are_lumped_by_hand():
    assert lump_rare(np.array([0, 0, 1, 1, 2, 7]), 2).tolist() == [0, 0, 1, 1, 2, 2]
    assert lump_rare(np.array([3, 1]), 20).tolist() == [1, 1]


def test_right_answers_are_counted_by_cell():
    right = np.array([True, False, True, True])
    passed, total = count_correct(right, np.array([0, 0, 1, 1]), np.array([2, 2, 0, 0]), shape=(2, 3))
    assert passed.tolist() == [[0, 0, 1], [2, 0, 0]]
    assert total.tolist() == [[0, 0, 2], [2, 0, 0]]


def write(path: Path, name: str = "waves") -> Path:
    with Writer.create(path, "predictions", spec={}, units={}) as writer:
        writer.append(name, Block(predicted()))
    return path


def test_predictions_are_read_from_a_file(tmp_path):
    label, probability = read_bins(write(tmp_path / "p.h5"), "waves")
    assert label.tolist() == LABEL.tolist()
    assert probability.tolist() == PROBABILITY.tolist()


def test_a_dataset_that_was_not_predicted_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        read_bins(write(tmp_path / "p.h5"), "wave")
    assert_one_line(error, tmp_path / "p.h5", "'wave'", "waves")
