"""Generated spectra: the expectation by hand, the distributions that were asked for, blocks of their own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config import Counts
from jetpulse.errors import UserError
from jetpulse.spectra.generator import (
    axis,
    background,
    expected_counts,
    generate_block,
    generate_fresh,
    line_shapes,
)

# Three bins at 0, 0.5 and 1; a line in the middle, half an axis wide, and one on the last bin.
LINES = [
    {"centre": 0.5, "width": 0.5, "flux": 10.0, "spread": 0.0, "absent": 0.5},
    {"centre": 1.0, "width": 0.1, "flux": 2.0},
]
BY_HAND = Counts(n=5, bins=3, background=[10.0, -4.0, 2.0], lines=LINES)
ROOT = math.sqrt(2 * math.pi)


def changed(spec: Counts, **settings) -> Counts:
    return Counts.model_validate({**spec.model_dump(), **settings})


def test_the_axis_runs_from_0_to_1():
    np.testing.assert_array_equal(axis(3), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(axis(500)[[1, 499]], [1 / 499, 1.0])


def test_background_and_lines_by_hand():
    np.testing.assert_allclose(background(BY_HAND), [10.0, 10 - 2 + 0.5, 8.0])
    shapes = line_shapes(BY_HAND)
    np.testing.assert_allclose(shapes[0], np.array([math.exp(-0.5), 1.0, math.exp(-0.5)]) / (0.5 * ROOT))
    np.testing.assert_allclose(shapes[1], [0.0, math.exp(-12.5) / (0.1 * ROOT), 1 / (0.1 * ROOT)], atol=1e-20)


def test_expected_counts_by_hand():
    expected = expected_counts(BY_HAND, np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 2.0]]))
    np.testing.assert_allclose(expected[0], [10.0, 8.5, 8.0])
    np.testing.assert_allclose(expected[1, 1], 8.5 + 3 / (0.5 * ROOT))
    np.testing.assert_allclose(expected[2, 2] - expected[1, 2], 2 / (0.1 * ROOT))
    assert expected_counts(BY_HAND, np.zeros((0, 2))).shape == (0, 3)


def test_a_line_holds_its_flux():
    spec = Counts()
    sums = line_shapes(spec).sum(axis=1) / (spec.bins - 1)  # the spacing of the bins
    np.testing.assert_allclose(sums, [1.0, 1.0], rtol=1e-3)  # 0.02 % of the second line lie beyond the axis


def test_a_very_narrow_line_stays_in_its_bin():
    spec = Counts(bins=3, lines=[{"centre": 0.5, "width": 1e-160, "flux": 1.0}])
    np.testing.assert_array_equal(line_shapes(spec)[0] > 0, [False, True, False])


def test_without_poisson_the_counts_are_the_expected_ones():
    spec = changed(BY_HAND, poisson=False)
    made = generate_block(spec, 0)
    np.testing.assert_array_equal(made.counts, expected_counts(spec, made.flux).astype(np.float32), strict=True)


def test_the_flux_does_not_depend_on_the_noise():
    spec = Counts(n=50)
    np.testing.assert_array_equal(generate_block(spec, 0).flux, generate_block(changed(spec, poisson=False), 0).flux)


def test_shapes_and_types():
    made = generate_block(BY_HAND, 0)
    assert (made.counts.dtype, made.counts.shape) == (np.float32, (5, 3))
    assert (made.flux.dtype, made.flux.shape) == (np.float64, (5, 2))
    np.testing.assert_array_equal(made.counts, np.round(made.counts))


def test_counts_are_poisson():
    """Mean and variance of each bin; their errors are sqrt(m / n) and about sqrt(2 / n) of the variance."""
    n = 10_000
    spec = Counts(n=n, bins=40, lines=[{"centre": 0.4, "width": 0.1, "flux": 30.0}])
    made = generate_block(spec, 0)
    expected = expected_counts(spec, made.flux[:1])[0]
    assert (made.flux == 30.0).all()
    pull = (made.counts.mean(axis=0, dtype=float) - expected) / np.sqrt(expected / n)
    assert np.abs(pull).max() < 4
    ratio = made.counts.var(axis=0, dtype=float) / expected
    assert np.abs(ratio - 1).max() < 4.5 * math.sqrt(2 / n)
    neighbours = np.corrcoef(
        made.counts[:, :-1].ravel() - np.tile(expected[:-1], n), (made.counts - expected)[:, 1:].ravel()
    )
    assert abs(neighbours[0, 1]) < 4 / math.sqrt(n * 39)


def test_the_defaults_are_the_distributions_of_the_reference():
    """Half of each line's fluxes are zero, independently; the others log-normal: errors are s / sqrt(n)."""
    spec = Counts(n=10_000, bins=2)
    flux = generate_block(spec, 0).flux
    there = flux > 0
    np.testing.assert_allclose(there.mean(axis=0), 0.5, atol=4 * 0.5 / math.sqrt(len(flux)))
    assert there.all(axis=1).mean() == pytest.approx(0.25, abs=4 * 0.44 / math.sqrt(len(flux)))
    for line, median, spread in ((0, 108.0, 0.26), (1, 73.0, 0.40)):
        logs = np.log(flux[there[:, line], line])
        assert logs.mean() == pytest.approx(math.log(median), abs=4 * spread / math.sqrt(len(logs)))
        assert logs.std() == pytest.approx(spread, rel=4 / math.sqrt(2 * len(logs)))
        assert ((logs - logs.mean()) ** 3).mean() / spread**3 == pytest.approx(0, abs=4 * math.sqrt(6 / len(logs)))


@pytest.mark.parametrize(("absent", "share"), [(0.0, 1.0), (1.0, 0.0)])
def test_lines_that_are_always_or_never_there(absent, share):
    spec = Counts(n=200, bins=5, lines=[{"centre": 0.5, "width": 0.1, "flux": 9.0, "spread": 0.5, "absent": absent}])
    assert (generate_block(spec, 0).flux > 0).mean() == share


def test_spectra_without_lines():
    made = generate_block(Counts(n=3, bins=4, lines=[]), 0)
    assert (made.counts.shape, made.flux.shape) == ((3, 4), (3, 0))


def test_blocks_differ_and_repeat():
    spec = Counts(n=20, block=10)
    again = generate_block(spec, 0)
    assert generate_block(spec, 0).counts.tobytes() == again.counts.tobytes()
    assert not np.array_equal(generate_block(spec, 1).flux, again.flux)
    assert not np.array_equal(generate_block(changed(spec, seed=2), 0).flux, again.flux)
    other = generate_block(spec, 0, "spectra/fresh")
    assert not np.array_equal(other.flux, again.flux)
    np.testing.assert_array_equal(generate_block(spec, 0, seed=2).flux, generate_block(changed(spec, seed=2), 0).flux)


@given(n=st.integers(1, 60), block=st.integers(1, 30), poisson=st.booleans())
def test_a_larger_sample_begins_with_the_smaller_one(n, block, poisson):
    spec = Counts(n=n, bins=7, block=block, poisson=poisson)
    larger = changed(spec, n=n + 17)
    for number in range(-(-n // block)):
        small, large = generate_block(spec, number), generate_block(larger, number)
        count = min(block, n - number * block)
        assert len(small.counts) == len(small.flux) == count
        np.testing.assert_array_equal(small.counts, large.counts[:count])
        np.testing.assert_array_equal(small.flux, large.flux[:count])


@pytest.mark.parametrize(("n", "block"), [(200, -1), (200, 2), (0, 0)])
def test_a_block_that_is_not_there_is_refused(n, block):
    with pytest.raises(ValueError, match=f"block {block} does not exist"):
        generate_block(Counts(n=n, block=100), block)


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_fresh_spectra_are_as_many_as_wanted_and_repeat(n):
    spec = Counts(n=1, bins=20, block=5)
    made = generate_fresh(spec, n, 7, 3)
    assert (made.counts.shape, made.flux.shape) == ((n, 20), (n, 2))
    np.testing.assert_array_equal(made.counts, generate_fresh(spec, n, 7, 3).counts)


def test_fresh_spectra_are_new_for_every_block_and_seed_and_never_those_of_the_dataset():
    spec = Counts(n=50, bins=20, block=50)
    drawn = [generate_fresh(spec, 50, seed, block).flux for seed, block in ((1, 0), (1, 1), (2, 0))]
    drawn.append(generate_block(spec, 0).flux)
    values = np.concatenate([flux[flux > 0] for flux in drawn])
    assert len(np.unique(values)) == len(values)


@pytest.mark.parametrize(
    "settings",
    [
        {"background": [1e30]},
        {"lines": [{"centre": 0.5, "width": 0.1, "flux": 1e300}]},
        {"lines": [{"centre": 0.5, "width": 0.1, "flux": 1.0, "spread": 1e4}]},
        {"lines": [{"centre": 0.0, "width": 1e-9, "flux": 100.0}]},
    ],
    ids=["background", "flux", "spread", "width"],
)
def test_more_counts_than_can_be_stored_are_refused(settings):
    with pytest.raises(UserError, match="at most 2\\^24") as error:
        generate_block(Counts(n=40, bins=11, **settings), 0)
    assert "\n" not in str(error.value)
