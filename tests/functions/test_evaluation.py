"""Curves, errors and calibration with answers known by hand."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from jetpulse.errors import UserError
from jetpulse.evaluation.classification import (
    auc_interval,
    auc_with_error,
    check_scores,
    measure,
    measure_classification,
    rejection_with_error,
    roc,
)
from jetpulse.evaluation.measures import (
    binomial_interval,
    defined,
    exact_interval,
    expected_calibration_error,
    fraction_with_error,
    mean_with_error,
    reliability,
)
from toy_jets import assert_one_line

TAIL = norm.sf(1)


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels of both classes and scores with many ties, multiples of 1/16 in [0, 1]."""
    signal = draw(st.lists(st.integers(0, 16), min_size=1, max_size=20))
    background = draw(st.lists(st.integers(0, 16), min_size=1, max_size=20))
    label = np.array([1] * len(signal) + [0] * len(background))
    order = np.array(draw(st.permutations(range(len(label)))))
    return label[order], (np.array(signal + background) / 16)[order]


@pytest.mark.parametrize(
    ("signal", "background", "area"),
    [
        ([0.9, 0.8], [0.1, 0.2, 0.3], 1.0),
        ([0.1, 0.2], [0.8, 0.9, 0.7], 0.0),
        ([0.5, 0.5], [0.5, 0.5, 0.5], 0.5),
        ([0.8, 0.4], [0.6, 0.2], 3 / 4),
        ([0.9, 0.5], [0.5, 0.1], 3.5 / 4),
        ([0.3], [0.1, 0.2, 0.3, 0.4], 2.5 / 4),
    ],
)
def test_the_area_is_the_share_of_pairs_in_the_right_order(signal, background, area):
    label = np.array([1] * len(signal) + [0] * len(background))
    assert auc_with_error(label, np.array(signal + background))[0] == pytest.approx(area, abs=1e-15)


def test_the_error_of_the_area_by_hand():
    # Placements of the signal: 1 and 3/4, of the background: 3/4 and 1; each has variance 1/32, over two entries.
    area, error = auc_with_error(np.array([1, 1, 0, 0]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert area == pytest.approx(0.875)
    assert error == pytest.approx(math.sqrt(2 / 64))


@pytest.mark.parametrize("label", [[1, 0, 0], [1, 1, 0]])
def test_the_error_of_the_area_is_undefined_with_a_single_entry_in_a_class(label):
    area, error = auc_with_error(np.array(label), np.array([0.9, 0.4, 0.1]))
    assert area == 1.0
    assert math.isnan(error)


def test_the_error_of_the_area_agrees_with_a_bootstrap():
    rng = np.random.default_rng(1)
    signal, background = rng.normal(1, 1, 300), rng.normal(0, 1, 500)
    label = np.array([1] * 300 + [0] * 500)
    areas = [
        auc_with_error(label, np.concatenate([rng.choice(signal, 300), rng.choice(background, 500)]))[0]
        for _ in range(1000)
    ]
    _, error = auc_with_error(label, np.concatenate([signal, background]))
    # A standard deviation from 1000 repetitions is known to 1 / sqrt(2000) = 2.2 %; allow four times that.
    assert error == pytest.approx(np.std(areas), rel=0.09)


@given(scored())
def test_the_area_equals_the_count_of_pairs(drawn):
    label, score = drawn
    signal, background = score[label == 1][:, None], score[label == 0]
    pairs = (signal > background).sum() + 0.5 * (signal == background).sum()
    assert auc_with_error(label, score)[0] == pytest.approx(pairs / (signal.size * background.size))


@given(scored())
def test_the_area_does_not_change_with_an_increasing_transformation_of_the_score(drawn):
    label, score = drawn
    # Cubes and multiples of sixteenths are exact, so ties stay ties.
    assert auc_with_error(label, 3 * score**3 - 7) == auc_with_error(label, score)


@given(scored())
def test_the_area_of_the_negated_score_is_the_rest(drawn):
    label, score = drawn
    area, error = auc_with_error(label, score)
    negated, same = auc_with_error(label, -score)
    assert area + negated == pytest.approx(1.0, abs=1e-12)
    assert 0.0 <= area <= 1.0
    assert same == pytest.approx(error, abs=1e-12, nan_ok=True)


@given(scored())
def test_the_curve_rises_from_0_to_1_and_holds_the_area(drawn):
    label, score = drawn
    background, signal = roc(label, score)
    assert (background[0], signal[0]) == (0.0, 0.0)
    assert (background[-1], signal[-1]) == (1.0, 1.0)
    assert (np.diff(background) >= 0).all()
    assert (np.diff(signal) >= 0).all()
    assert np.trapezoid(signal, background) == pytest.approx(auc_with_error(label, score)[0])


SIGNAL = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


@pytest.mark.parametrize(
    ("signal", "background", "efficiency", "passed"),
    [
        (SIGNAL, [0.95, 0.85, 0.75, 0.1], 0.3, 2),  # the third hardest signal entry has 0.8
        (SIGNAL, [0.95, 0.85, 0.75, 0.1], 0.31, 3),  # the fourth
        (SIGNAL, [0.95, 0.8, 0.75, 0.1], 0.3, 2),  # background with the score of the cut passes
        (list(np.arange(25, 0, -1) / 25), [0.77, 0.74, 0.1], 0.28, 1),  # 0.28 * 25 is 7.000000000000001
        (SIGNAL, [0.35, 0.4, 0.2, 0.1], 1.0, 4),
        ([0.8, 0.8, 0.8, 0.2], [0.8, 0.9, 0.3], 0.3, 2),  # ties of the signal
        ([0.5, 0.2], [0.6, 0.4], 0.3, 1),  # two entries: the hardest
        ([0.5], [0.6, 0.4, 0.3], 0.3, 1),
        ([0.5], [0.6, 0.4, 0.3], 0.5, 1),
    ],
)
def test_rejection_by_hand(signal, background, efficiency, passed):
    label = np.array([1] * len(signal) + [0] * len(background))
    value, error, low, high = rejection_with_error(label, np.array(signal + background), efficiency)
    assert value == pytest.approx(len(background) / passed)
    assert error == pytest.approx(len(background) / passed / math.sqrt(passed))
    assert low <= value <= high


def test_rejection_is_infinite_when_no_background_passes():
    value, error, low, high = rejection_with_error(np.array([1, 0, 0]), np.array([0.9, 0.2, 0.1]), 0.3)
    assert value == high == math.inf
    assert math.isnan(error)
    # Of two entries none passes with a probability of 15.9 %, if the part that passes is 60 %.
    assert low == pytest.approx(1 / (1 - math.sqrt(TAIL)))


def test_few_background_entries_give_a_rejection_with_two_ends():
    label, score = np.repeat([1, 0], [10, 1000]), np.zeros(1010)
    score[:10], score[10:20] = 1.0, 1.0
    value, error, low, high = rejection_with_error(label, score, 0.5)
    assert (value, error) == (100.0, pytest.approx(100 / math.sqrt(10)))
    # Ten pass at least, or at most, with a probability of 15.9 % at the ends; the upper one is farther away.
    assert binom.sf(9, 1000, 1 / high) == pytest.approx(TAIL)
    assert binom.cdf(10, 1000, 1 / low) == pytest.approx(TAIL)
    assert high - value > 1.3 * (value - low)


@pytest.mark.parametrize(("passed", "total"), [(0, 1), (3, 7), (7, 7), (0, 10**6), (999_990, 10**6)])
def test_exact_intervals_end_where_the_tails_are(passed, total):
    low, high = exact_interval(passed, total)
    assert low <= passed / total <= high
    assert (binom.sf(passed - 1, total, low) if passed else TAIL) == pytest.approx(TAIL)
    assert (binom.cdf(passed, total, high) if passed < total else TAIL) == pytest.approx(TAIL)
    assert (low == 0) == (passed == 0)
    assert (high == 1) == (passed == total)


@pytest.mark.parametrize(
    ("area", "error", "signal", "background"),
    [(1.0, 0.0, 20, 30), (0.0, 0.0, 20, 30), (1.0, math.nan, 1, 1), (0.5, math.nan, 1, 2), (0.9999, 1e-4, 500, 500)],
)
def test_the_interval_of_an_area_lies_between_0_and_1_and_has_a_width(area, error, signal, background):
    low, high = auc_interval(area, error, signal, background)
    assert 0 <= low <= area <= high <= 1
    assert high - low > 1e-5


def test_the_interval_of_a_perfect_area_shrinks_with_the_entries():
    few, many = auc_interval(1.0, 0.0, 20, 20)[0], auc_interval(1.0, 0.0, 2000, 2000)[0]
    assert 0.9 < few < 0.99 < many < 1
    # In the middle it is DeLong's error.
    assert auc_interval(0.5, 0.01, 900, 900) == pytest.approx((0.49, 0.51), abs=1e-4)


@given(scored(), st.floats(0.01, 1.0))
def test_rejection_is_at_least_one_and_falls_with_the_efficiency(drawn, efficiency):
    label, score = drawn
    values = [rejection_with_error(label, score, e)[0] for e in (efficiency / 2, efficiency, 1.0)]
    assert values[0] >= values[1] >= values[2] >= 1.0


def test_reliability_by_hand():
    label, score = np.array([0, 1, 1, 1, 0]), np.array([0.1, 0.2, 0.6, 1.0, 0.5])
    counts, mean, fraction = reliability(label, score, bins=4)
    assert counts.tolist() == [2, 0, 2, 1]  # 0.5 belongs to the bin above it, 1.0 to the last one
    np.testing.assert_allclose(mean, [0.15, np.nan, 0.55, 1.0])
    np.testing.assert_allclose(fraction, [0.5, np.nan, 0.5, 1.0])
    assert expected_calibration_error(label, score, bins=4) == pytest.approx((2 * 0.35 + 2 * 0.05 + 0) / 5)


def test_a_calibrated_score_has_no_calibration_error():
    label, score = np.array([0, 0, 0, 1, 1, 1, 1, 0]), np.array([0.25] * 4 + [0.75] * 4)
    assert expected_calibration_error(label, score) == pytest.approx(0.0)


@given(scored())
def test_the_calibration_error_is_a_distance_of_probabilities(drawn):
    assert 0.0 <= expected_calibration_error(*drawn) <= 1.0


def test_every_metric_of_four_entries_by_hand():
    label, score = np.array([1, 1, 0, 0]), np.array([0.9, 0.5, 0.6, 0.1])
    measured = measure_classification(label, score, "p.h5")
    error, limit = math.sqrt(0.125 / 2 + 0.125 / 2), 1 / (1 - math.sqrt(TAIL))
    assert measured == pytest.approx(
        {
            "entries": 4,
            "signal": 2,
            "background": 2,
            "accuracy": 0.5,  # a score of exactly one half is background
            "accuracy_error": 0.25,
            "accuracy_low": 0.5 - math.sqrt(1 / 16 + 1 / 64) / 1.25,
            "accuracy_high": 0.5 + math.sqrt(1 / 16 + 1 / 64) / 1.25,
            "auc": 0.75,
            "auc_error": error,
            "auc_low": 1 / (1 + math.exp(error / 0.1875) / 3),
            "auc_high": 1 / (1 + math.exp(-error / 0.1875) / 3),
            "rejection_30": None,
            "rejection_30_error": None,
            "rejection_30_low": limit,
            "rejection_30_high": None,
            "rejection_50": None,
            "rejection_50_error": None,
            "rejection_50_low": limit,
            "rejection_50_high": None,
            "ece": (0.1 + 0.5 + 0.6 + 0.1) / 4,
            "log_loss": -math.log(0.9 * 0.5 * 0.4 * 0.9) / 4,
        }
    )
    assert list(measured)[:3] == ["entries", "signal", "background"]
    json.dumps(measured, allow_nan=False)


def test_undefined_errors_become_null():
    measured = measure_classification(np.array([1, 0]), np.array([0.2, 0.7]), "p.h5")
    assert measured["auc_error"] is None
    assert measured["rejection_30"] == 1.0
    json.dumps(measured, allow_nan=False)


def test_a_confident_mistake_has_a_finite_log_loss():
    measured = measure_classification(np.array([1, 0]), np.array([0.0, 1.0]), "p.h5")
    assert measured["log_loss"] == pytest.approx(-math.log(1e-300))


@pytest.mark.parametrize(
    ("label", "score", "fragments"),
    [
        ([1, 0], [0.5, 0.5, 0.5], ["2 labels", "3 scores"]),
        ([1, 2, 0], [0.5, 0.5, 0.5], ["label 2", "expected 0"]),
        ([1, -1, 0], [0.5, 0.5, 0.5], ["label -1"]),
        ([1, 1], [0.5, 0.5], ["2 signal and 0 background", "needs both"]),
        ([0, 0], [0.5, 0.5], ["0 signal and 2 background"]),
        ([], [], ["0 signal and 0 background"]),
        ([1, 0, 1], [0.5, math.nan, 0.5], ["entry 1", "nan", "finite"]),
        ([1, 0, 1], [0.5, 0.5, math.inf], ["entry 2", "inf"]),
    ],
)
def test_scores_that_cannot_be_evaluated_are_refused(label, score, fragments):
    with pytest.raises(UserError) as error:
        check_scores(np.array(label), np.array(score), "p.h5: jets")
    assert_one_line(error, "p.h5: jets", *fragments)


@pytest.mark.parametrize("wrong", [-0.5, 1.5])
def test_scores_that_are_no_probabilities_are_refused(wrong):
    with pytest.raises(UserError) as error:
        measure_classification(np.array([1, 0, 1]), np.array([0.5, wrong, 0.7]), "p.h5: jets")
    assert_one_line(error, "p.h5: jets", "entry 1", wrong)


def test_the_measure_of_predictions_takes_the_second_column():
    label, score = np.array([1, 1, 0, 0]), np.array([0.9, 0.5, 0.6, 0.1])
    predicted = {"label": label, "probability": np.stack([1 - score, score], axis=1)}
    assert measure(predicted, {}, {}, "p.h5") == measure_classification(label, score, "p.h5")


@pytest.mark.parametrize(
    "predicted",
    [
        {"label": np.array([0, 1])},
        {"probability": np.full((2, 2), 0.5)},
        {"label": np.array([0, 1]), "probability": np.full((2, 3), 1 / 3)},
        {"label": np.array([0, 1]), "probability": np.full(2, 0.5)},
    ],
    ids=["no probability", "no label", "three classes", "one column"],
)
def test_predictions_without_two_classes_are_refused(predicted):
    with pytest.raises(UserError) as error:
        measure(predicted, {}, {}, "p.h5: jets")
    assert_one_line(error, "p.h5: jets", "label", "probability (n, 2)")


def test_means_and_fractions_by_hand():
    # Deviations -2, 0, 2: variance 4, over three entries.
    assert mean_with_error(np.array([1.0, 3.0, 5.0])) == (3.0, pytest.approx(2 / math.sqrt(3)))
    found = fraction_with_error(np.array([True, False, False, False]))
    # Wilson: (1/4 + 1/8) / (5/4) -+ sqrt(3/64 + 1/64) / (5/4).
    assert found == pytest.approx((0.25, math.sqrt(0.1875 / 4), 0.1, 0.5))
    assert fraction_with_error(np.ones(9, bool)) == pytest.approx((1.0, 0.0, 0.9, 1.0))
    mean, error = mean_with_error(np.array([7.0]))
    assert mean == 7.0
    assert math.isnan(error)


def test_what_is_not_finite_becomes_none():
    metrics = {"n": 3, "a": 0.5, "b": math.nan, "c": math.inf, "d": -math.inf, "e": None}
    assert defined(metrics) == {"n": 3, "a": 0.5, "b": None, "c": None, "d": None, "e": None}


def test_wilson_intervals_by_hand():
    # For n = 1 the interval is 1/2 +- 1/2 around all or none; for 2 of 4: 1/2 +- sqrt(1/16 + 1/64) / (5/4).
    low, high = binomial_interval(np.array([0, 1, 2, 0]), np.array([1, 1, 4, 0]))
    half = math.sqrt(1 / 16 + 1 / 64) / 1.25
    np.testing.assert_allclose(low, [0.0, 0.5, 0.5 - half, np.nan], atol=1e-15)
    np.testing.assert_allclose(high, [0.5, 1.0, 0.5 + half, np.nan], atol=1e-15)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_fraction_and_stays_between_0_and_1(passed, more):
    total = passed + more
    low, high = binomial_interval(np.array([passed]), np.array([total]))
    assert -1e-12 <= low[0] <= passed / total <= high[0] <= 1 + 1e-12
    assert high[0] > low[0]
