"""Splits by event: where an entry goes depends on its event's id, never on its place in a file."""

import math
from collections.abc import Mapping

import numpy as np


def mix(words: np.ndarray, odd: int = 1) -> np.ndarray:
    """Return well-mixed uint64 of uint64 words (splitmix64, Steele et al., doi:10.1145/2714064.2660195).

    Another ``odd`` number gives another mixture; for each of them different words stay different.
    """
    with np.errstate(over="ignore"):
        x = words + np.uint64(0x9E3779B97F4A7C15) * np.uint64(odd)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hash_events(event: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a well-mixed uint64 of every event id, another one for another ``seed`` (below 2^63)."""
    return mix(event.astype(np.uint64), 2 * seed + 1)


def assign_splits(event: np.ndarray, fractions: Mapping[str, float], seed: int = 0) -> np.ndarray:
    """Return the index into ``fractions`` of the split of every event (int8, same shape as ``event``).

    The hash of an id is compared with the cumulated fractions, so entries of one event stay together and
    adding events moves none of the others.
    """
    edges = np.cumsum(list(fractions.values()))[:-1]
    return np.searchsorted(edges, hash_events(event, seed) / 2.0**64, side="right").astype(np.int8)


def shuffle_splits(n: int, fractions: Mapping[str, float], seed: int = 0) -> np.ndarray:
    """Return the index into ``fractions`` (keys train, val, test) of the split of events 0 to n - 1, int8 (n,).

    The test split is that of scikit-learn's ``train_test_split`` with ``random_state=seed``: the first of a
    permutation, its number rounded up; then comes val, and train is the rest.
    """
    order = np.random.RandomState(seed).permutation(n)
    names = list(fractions)
    test = math.ceil(round(fractions["test"] * n, 6))
    val = min(math.ceil(round(fractions["val"] * n, 6)), n - test)
    where = np.full(n, names.index("train"), np.int8)
    where[order[:test]] = names.index("test")
    where[order[test : test + val]] = names.index("val")
    return where
