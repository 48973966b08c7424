import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.splits import Split
from jetpulse.samples import assign_splits, hash_events

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
EVENTS = st.lists(st.integers(0, 2**62), min_size=1, max_size=50)


def splitmix64(state: int) -> int:
    """First output of the published generator started at ``state``, in Python's integers."""
    mask = 2**64 - 1
    z = (state + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_the_hash_is_the_published_splitmix64():
    # The first output for state 0 is in the reference implementation's own test.
    assert hash_events(np.array([0])).tolist() == [0xE220A8397B1DCDAF]


@given(event=st.integers(0, 2**63 - 1), seed=st.integers(0, 2**31))
def test_the_hash_equals_integer_arithmetic_without_overflow(event, seed):
    start = (event + 2 * seed * 0x9E3779B97F4A7C15) % 2**64
    assert hash_events(np.array([event]), seed).tolist() == [splitmix64(start)]


def test_known_events_stay_in_their_splits():
    where = assign_splits(np.arange(20), FRACTIONS)
    edges = [0.6 * 2**64, 0.8 * 2**64]
    assert where.tolist() == [sum(splitmix64(i) >= edge for edge in edges) for i in range(20)]
    assert where.dtype == np.int8


@given(events=EVENTS, seed=st.integers(0, 5), shuffle=st.randoms(use_true_random=False))
def test_the_split_of_an_event_does_not_depend_on_order(events, seed, shuffle):
    shuffled = list(events)
    shuffle.shuffle(shuffled)
    first = dict(zip(events, assign_splits(np.array(events), FRACTIONS, seed).tolist(), strict=True))
    second = dict(zip(shuffled, assign_splits(np.array(shuffled), FRACTIONS, seed).tolist(), strict=True))
    assert first == second


@given(events=EVENTS, seed=st.integers(0, 5))
def test_jets_of_one_event_stay_together(events, seed):
    where = assign_splits(np.repeat(np.array(events), 3), FRACTIONS, seed).reshape(-1, 3)
    assert (where == where[:, :1]).all()


@given(events=EVENTS, more=EVENTS)
def test_adding_events_moves_none(events, more):
    alone = assign_splits(np.array(events), FRACTIONS)
    together = assign_splits(np.array(events + more), FRACTIONS)[: len(events)]
    assert alone.tolist() == together.tolist()


@pytest.mark.parametrize("first", [0, 1 << 56, 3 << 40])
def test_fractions_are_kept_within_statistics(first):
    where = assign_splits(first + np.arange(100_000), FRACTIONS)
    found = np.bincount(where, minlength=3) / 100_000
    np.testing.assert_allclose(found, [0.6, 0.2, 0.2], atol=5 * np.sqrt(0.24 / 100_000))


def test_another_seed_deals_anew():
    events = np.arange(100_000)
    first, second = (assign_splits(events, FRACTIONS, seed) for seed in (0, 1))
    # Independent deals agree with probability 0.36 + 0.04 + 0.04.
    assert np.mean(first == second) == pytest.approx(0.44, abs=0.01)


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_fraction_of_one_takes_everything(where):
    fractions = {name: float(i == where) for i, name in enumerate(FRACTIONS)}
    assert set(assign_splits(np.arange(1000), fractions).tolist()) == {where}


def test_no_events_have_no_splits():
    assert assign_splits(np.zeros(0, np.int64), FRACTIONS).shape == (0,)


def test_the_events_are_unchanged():
    events = np.arange(10)
    assign_splits(events, FRACTIONS, 3)
    assert events.tolist() == list(range(10))


@pytest.mark.parametrize("seed", [2**31, 2**63 - 1, 2**63, 2**64 + 1])
def test_every_seed_that_the_config_accepts_can_be_used(seed):
    try:
        split = Split(seed=seed)
    except ValueError:
        return
    assert assign_splits(np.arange(3), FRACTIONS, split.seed).shape == (3,)
