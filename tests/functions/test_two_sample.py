"""Two-sample comparisons: equal samples cannot be told apart, different ones can, degenerate ones are survived."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.evaluation.spectra import read_sample
from jetpulse.evaluation.two_sample import (
    comparable,
    components_of,
    draw_counts,
    leading_components,
    poisson_error,
    two_sample_auc,
    wasserstein,
)
from jetpulse.spectra.generator import expected_counts, generate_fresh
from toy_spectra import from_files, perfect_generator, settings, truth_of

SPEC = settings()


def sampled(n: int, seed: int) -> np.ndarray:
    return perfect_generator(SPEC, n, seed)


REAL = sampled(600, 1)
NOISE = poisson_error(REAL)


@pytest.mark.parametrize("resolution", [0.1, 0.0], ids=["smeared", "as they are"])
@pytest.mark.parametrize("seed", [3, 4])
def test_new_entries_of_the_same_kind_cannot_be_told_apart(resolution: float, seed: int):
    auc, error = two_sample_auc(REAL, sampled(600, seed), NOISE, resolution)
    assert 0.005 < error < 0.03
    assert abs(auc - 0.5) < 4 * error


def test_counts_of_the_same_kind_cannot_be_told_apart():
    auc, error = two_sample_auc(draw_counts(REAL, 1), draw_counts(sampled(600, 5), 2), NOISE, 0.0)
    assert abs(auc - 0.5) < 4 * error


def test_spectra_that_are_shifted_by_one_poisson_error_are_told_apart():
    assert two_sample_auc(REAL, sampled(600, 3) + NOISE, NOISE)[0] > 0.95


def test_lines_that_are_never_absent_are_noticed():
    flux = np.maximum(generate_fresh(SPEC, 600, 3, 0).flux, 10.0)
    assert two_sample_auc(REAL, expected_counts(SPEC, flux), NOISE)[0] > 0.7


def test_a_coarser_resolution_hides_small_differences():
    noisy = sampled(600, 3) + 0.5 * NOISE * np.random.default_rng(1).standard_normal(REAL.shape)
    fine, coarse = (two_sample_auc(REAL, noisy, NOISE, resolution)[0] for resolution in (0.1, 10.0))
    assert fine > 0.95
    assert coarse < 0.6


def test_the_answer_is_the_same_twice_and_arguments_stay_as_they_are():
    real, generated = REAL.copy(), sampled(600, 3)
    kept = generated.copy()
    assert two_sample_auc(real, generated, NOISE) == two_sample_auc(real, generated, NOISE)
    assert np.array_equal(real, REAL)
    assert np.array_equal(generated, kept)


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_too_few_entries_give_no_answer(n: int):
    assert all(map(math.isnan, two_sample_auc(REAL[:n], REAL, NOISE)))


def test_ten_entries_and_samples_of_unequal_size_give_an_answer():
    assert 0 <= two_sample_auc(REAL[:10], sampled(600, 3), NOISE)[0] <= 1


def test_a_shift_along_the_first_component_is_the_distance():
    # Two components vary and the shift is one standard deviation along one of them: (1 + 0) / 2.
    error = poisson_error(REAL)
    variance, directions = leading_components(REAL / error)
    shifted = REAL + math.sqrt(variance[0]) * directions[:, 0] * error
    distance, floor = wasserstein(REAL, shifted, noisy=False)
    assert distance == pytest.approx(0.5, rel=1e-6)
    assert 0 < floor < 0.15


def test_equal_samples_have_no_distance_and_new_ones_that_of_the_floor():
    assert wasserstein(REAL, REAL, noisy=False)[0] == pytest.approx(0, abs=1e-12)
    distance, floor = wasserstein(REAL, sampled(600, 3), noisy=False)
    assert 0.3 * floor < distance < 3 * floor


def test_components_hold_the_lines_and_not_the_noise():
    assert components_of(REAL, REAL, noisy=False)[0].shape == (600, 2)
    counts = draw_counts(REAL)
    assert components_of(counts, counts, noisy=True)[0].shape == (600, 2)
    three = perfect_generator(settings(lines=3), 600)
    assert components_of(three, three, noisy=False)[0].shape == (600, 3)


@given(st.integers(1, 12), st.integers(2, 15), st.integers(0, 5))
def test_components_are_orthonormal_and_reproduce_the_variance(n: int, bins: int, seed: int):
    values = np.random.default_rng(seed).normal(size=(n, bins))
    variance, directions = leading_components(values)
    assert directions.shape == (bins, min(bins, 10))
    assert np.allclose(directions.T @ directions, np.eye(len(variance)), atol=1e-9)
    assert np.all(np.diff(variance) <= 1e-9)
    assert np.allclose(((values - values.mean(axis=0)) @ directions).var(axis=0), variance, atol=1e-9)


def test_what_does_not_vary_has_no_distance():
    same = np.full((20, 5), 100.0)
    assert all(map(math.isnan, wasserstein(same, same, noisy=False)))
    assert all(map(math.isnan, wasserstein(same[:1], same[:1], noisy=True)))


def test_counts_are_drawn_from_what_can_be_and_what_cannot():
    drawn = draw_counts(np.array([[-5.0, 0.0, 1e30, 9.0]] * 1000))
    assert (drawn[:, :2] == 0).all()
    assert np.isfinite(drawn).all()
    assert drawn[:, 3].mean() == pytest.approx(9, abs=0.4)
    assert np.array_equal(draw_counts(REAL, 3), draw_counts(REAL, 3))


def test_spectra_are_compared_with_equal_noise():
    truth, attributes = truth_of(SPEC)
    generated = perfect_generator(SPEC, SPEC.n)
    real, other = comparable(read_sample(truth, attributes, "toy"), generated)
    assert other is generated
    assert np.array_equal(real, expected_counts(SPEC, truth["flux"]))
    real, other = comparable(read_sample(*from_files(truth), "toy"), generated)
    assert np.array_equal(real, truth["counts"])
    assert np.array_equal(other, np.round(other))


def test_the_error_of_a_bin_is_that_of_its_mean_and_at_least_one_count():
    assert poisson_error(np.array([[4.0, 0.0], [14.0, 0.0]])) == pytest.approx([3, 1])
