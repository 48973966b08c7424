from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jetpulse.samples import counts_to_offsets, segment_sum, take_ragged

COUNTS = st.lists(st.integers(0, 5), max_size=8)


def test_offsets_are_cumulated_counts_with_a_leading_zero():
    offsets = counts_to_offsets(np.array([2, 0, 3], np.int32))
    assert offsets.tolist() == [0, 2, 2, 5]
    assert offsets.dtype == np.int64


def test_offsets_of_no_entries_are_one_zero():
    assert counts_to_offsets([]).tolist() == [0]


def test_offsets_of_small_integers_do_not_overflow():
    assert counts_to_offsets(np.full(3, 100, np.int8)).tolist() == [0, 100, 200, 300]


def test_taking_entries_in_another_order_gives_their_rows():
    offsets, rows = take_ragged(np.array([0, 2, 2, 5]), np.array([2, 0]))
    assert offsets.tolist() == [0, 3, 5]
    assert rows.tolist() == [2, 3, 4, 0, 1]


def test_taking_an_entry_twice_repeats_its_rows():
    offsets, rows = take_ragged(np.array([0, 1, 3]), np.array([1, 1]))
    assert offsets.tolist() == [0, 2, 4]
    assert rows.tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize("index", [[], [1], [1, 1]])
def test_taking_nothing_or_empty_entries_gives_no_rows(index):
    offsets, rows = take_ragged(np.array([0, 2, 2]), np.array(index, np.int64))
    assert offsets.tolist() == [0] * (len(index) + 1)
    assert rows.tolist() == []


def test_segment_sums_by_hand():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    assert segment_sum(values, np.array([0, 2, 2, 3])).tolist() == [[3, 30], [0, 0], [4, 40]]


def test_segment_sums_of_no_entries_keep_the_trailing_shape():
    assert segment_sum(np.zeros((0, 4), np.float32), np.array([0])).shape == (0, 4)


def test_segment_sums_of_float32_are_exact_in_float64():
    values = np.array([2**24, 1, 1], np.float32)
    assert segment_sum(values, np.array([0, 3])).tolist() == [2**24 + 2]


def test_the_sum_of_an_entry_does_not_depend_on_the_entries_before_it():
    rng = np.random.default_rng(1)
    values = rng.exponential(100, (1000, 4))
    offsets = np.arange(0, 1001, 10)
    together = segment_sum(values, offsets)
    alone = [segment_sum(values[i : i + 10], np.array([0, 10]))[0] for i in offsets[:-1]]
    np.testing.assert_array_equal(together, alone)


def test_a_number_that_is_not_finite_spoils_its_own_entry_only():
    with np.errstate(invalid="ignore"):
        total = segment_sum(np.array([1.0, np.nan, np.inf, 5.0]), np.array([0, 1, 2, 3, 4]))
    np.testing.assert_array_equal(total, [1, np.nan, np.inf, 5])


@given(counts=COUNTS, data=st.data())
def test_taking_equals_slicing_one_by_one(counts, data):
    offsets = counts_to_offsets(counts)
    flat = np.arange(offsets[-1])
    choice = st.lists(st.integers(0, len(counts) - 1), max_size=8) if counts else st.just([])
    index = np.array(data.draw(choice), np.int64)
    new, rows = take_ragged(offsets, index)
    pieces = [flat[offsets[i] : offsets[i + 1]].tolist() for i in index]
    assert flat[rows].tolist() == [x for piece in pieces for x in piece]
    assert np.diff(new).tolist() == [len(piece) for piece in pieces]


@given(counts=COUNTS, data=st.data())
def test_segment_sums_equal_sums_of_slices(counts, data):
    offsets = counts_to_offsets(counts)
    integers = st.integers(-1000, 1000)
    values = data.draw(hnp.arrays(np.int64, (int(offsets[-1]), 2), elements=integers)).astype(float)
    expected = [values[a:b].sum(axis=0) for a, b in pairwise(offsets)]
    np.testing.assert_array_equal(segment_sum(values, offsets), np.reshape(expected, (-1, 2)))
