"""Shuffled splits beside scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from jetpulse.samples import SPLITS, shuffle_splits


@pytest.mark.parametrize(("n", "seed"), [(10_000, 123), (10_000, 0), (7, 123), (2, 5)])
def test_the_test_split_is_that_of_scikit_learn(n, seed):
    where = shuffle_splits(n, {"train": 0.6, "val": 0.0, "test": 0.4}, seed)
    train, test = train_test_split(np.arange(n), test_size=0.4, random_state=seed)
    assert np.flatnonzero(where == SPLITS.index("test")).tolist() == sorted(test)
    assert np.flatnonzero(where == SPLITS.index("train")).tolist() == sorted(train)


@given(st.integers(0, 300), st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_every_split_has_its_fraction_to_one_entry(n, train, val, test, seed):
    total = train + val + test
    fractions = {"train": train / total, "val": val / total, "test": test / total}
    where = shuffle_splits(n, fractions, seed)
    assert where.shape == (n,)
    counts = np.bincount(where, minlength=3)
    for found, fraction in zip(counts, fractions.values(), strict=True):
        assert abs(found - fraction * n) < 2
    # Only what is left after the other two were rounded up can fall short.
    assert counts[1] == 0 if val == 0 else counts[1] <= np.ceil(fractions["val"] * n)


@pytest.mark.parametrize("n", [0, 1])
def test_none_and_one(n):
    assert shuffle_splits(n, {"train": 0.6, "val": 0.2, "test": 0.2}, 1).tolist() == [2] * n


def test_another_seed_shuffles_anew():
    fractions = {"train": 0.5, "val": 0.0, "test": 0.5}
    first, second = (shuffle_splits(10_000, fractions, seed) for seed in (1, 2))
    assert np.mean(first == second) == pytest.approx(0.5, abs=0.03)


def test_the_order_of_the_fractions_names_the_splits():
    where = shuffle_splits(10, {"test": 0.4, "train": 0.6, "val": 0.0}, 1)
    assert np.bincount(where).tolist() == [4, 6]
