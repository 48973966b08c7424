"""Event ids: whole numbers kept bit by bit, several hashed, rows of files by content."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.samples import FileContents, event_ids, row_ids, row_of
from toy_jets import assert_one_line

KNOWN = [37039206658386963, 2245083836653733821]


def ids(*columns, **named):
    found = {**{f"c{i}": np.asarray(values) for i, values in enumerate(columns)}, **named}
    return event_ids(found, "a.root", np.arange(len(next(iter(found.values())))) + 10)


@pytest.mark.parametrize("dtype", ["i1", "i4", "u4", "i8", "u8", "f4", "f8", "f2"])
def test_one_column_is_the_id_whatever_its_type(dtype):
    found = ids(np.array([3, 0, 100], dtype))
    assert found.dtype == np.int64
    assert found.tolist() == [3, 0, 100]


def test_all_64_bits_count():
    large = np.array([2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)
    assert ids(large).view(np.uint64).tolist() == large.tolist()
    assert len(set(ids(large, np.zeros(5)).tolist())) == 5
    assert ids(np.array([-(2**63), 2**63 - 1])).tolist() == [-(2**63), 2**63 - 1]


def test_several_columns_are_hashed_well():
    run, lumi, event = (axis.ravel() for axis in np.meshgrid(*[np.arange(40)] * 3))
    found = ids(run, lumi, event)
    assert len(np.unique(found)) == 40**3
    assert (found >= 0).all()
    bits = (found[:, None] >> np.arange(63)) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.02
    # Fixed for ever: ids are in files and exports.
    assert ids([1, 1], [2, 2], [3, 4]).tolist() == KNOWN
    assert ids(np.array([1.0, 1.0]), np.array([2, 2], "u1"), np.array([3, 4], "u8")).tolist() == KNOWN


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1.0, np.nan], "event 11: c0 is nan"),
        ([1.0, np.inf], "event 11: c0 is inf"),
        ([0.5, 2.0], "event 10: c0 is 0.5"),
        (np.array([1, 2**24], np.float32), "less than 16777216, where float32 begins to round"),
        ([1.0, 2.0**53], "less than 9007199254740992"),
        (np.zeros((2, 2)), "shape (2, 2)"),
        (np.array(["a", "b"]), "expected one whole number"),
    ],
)
def test_what_names_no_event_is_refused(values, found):
    with pytest.raises(UserError) as error:
        ids(values)
    assert_one_line(error, "a.root", "c0", found, "`event`")


@given(row=st.integers(0, 2**32 - 1), prefix=st.integers(0, 2**31 - 1))
def test_the_row_can_be_told_from_the_id_of_a_row(row, prefix):
    (event,) = row_ids(prefix, np.array([row]))
    assert event >= 0
    assert row_of(event) == row


def test_two_contents_with_one_prefix_are_refused(tmp_path, monkeypatch):
    paths = [str(tmp_path / name) for name in "ab"]
    for path in paths:
        (tmp_path / path).write_text(path[-1])
    contents = FileContents([(path, "") for path in paths])
    assert contents.prefix(paths[0]) != contents.prefix(paths[1])
    monkeypatch.setattr("jetpulse.samples.events._PREFIX_BITS", 0)
    contents = FileContents([(path, "") for path in paths])
    contents.prefix(paths[0])
    with pytest.raises(UserError) as error:
        contents.prefix(paths[1])
    assert_one_line(error, *paths, "would get the ids", "write one of the files anew")
