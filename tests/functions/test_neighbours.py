"""Density, coverage and neighbours' distances: equal samples agree, smeared and incomplete ones do not."""

import math

import numpy as np
import pytest

from jetpulse.evaluation.neighbours import density_coverage, expected_coverage, neighbour_distances


def mixture(n: int, seed: int, smeared: float = 0.0, missing: bool = False) -> np.ndarray:
    """Return a point, two lines and an area, as fluxes that may be absent give; a fraction lies beside the lines."""
    rng = np.random.default_rng(seed)
    flux = rng.lognormal(0.0, 0.3, (n, 2)) * [200.0, 150.0]
    there = rng.random((n, 2)) < 0.5
    if missing:
        there[:, 1] |= there[:, 0]
    beside = np.where(rng.random((n, 1)) < smeared, rng.normal(10.0, 3.0, (n, 2)), 0.0)
    return np.where(there, flux, beside) + 0.1 * rng.standard_normal((n, 2))


REAL = mixture(1500, 1)


@pytest.mark.parametrize("seed", [2, 3])
def test_an_independent_sample_has_density_one_and_the_expected_coverage(seed: int):
    (density, density_error), (coverage, coverage_error) = density_coverage(REAL, mixture(1500, seed))
    assert 0.005 < density_error < 0.04
    assert 0.002 < coverage_error < 0.02
    assert abs(density - 1) < 4 * density_error
    assert abs(coverage - expected_coverage(1500, 1500)) < 4 * coverage_error


def test_a_smeared_sample_has_less_density_and_one_that_lacks_a_mode_less_coverage():
    (density, error), _ = density_coverage(REAL, mixture(1500, 2, smeared=0.2))
    assert density < 1 - 4 * error
    _, (coverage, error) = density_coverage(REAL, mixture(1500, 2, missing=True))
    assert coverage < expected_coverage(1500, 1500) - 10 * error


@pytest.mark.parametrize(("place", "balls"), [(2.5, 6), (8.0, 2), (11.0, 0)])
def test_density_and_coverage_by_hand(place: float, balls: int):
    real = np.arange(6.0)[:, None]  # whose balls reach 5, 4, 3, 3, 4, 5 to their fifth neighbours
    value = density_coverage(real, np.array([[place]]))
    assert value[:, 0] == pytest.approx([balls / 5, balls / 6])
    assert np.isnan(value[:, 1]).all()


def test_the_expected_coverage_of_equal_and_of_large_samples():
    assert expected_coverage(10**6, 10**6) == pytest.approx(1 - 2**-5, abs=1e-5)
    assert expected_coverage(6, 1) == pytest.approx(5 / 6)  # the one is among the first five of six, in five places
    assert all(map(math.isnan, (expected_coverage(5, 9), expected_coverage(9, 0))))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_entries_give_no_answer(n: int):
    assert np.isnan(density_coverage(REAL[:n], REAL)).all()
    assert np.isnan(density_coverage(REAL, REAL[:0])).all()


def test_distances_to_neighbours_by_hand():
    reference = np.arange(5.0)[:, None]  # has no twentieth neighbour
    found = neighbour_distances(np.array([[0.0], [-3.0]]), reference)
    assert np.exp(found) == pytest.approx(np.array([[1e-9, 4.0], [3.0, 7.0]]))
