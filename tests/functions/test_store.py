import json
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.samples import (
    Block,
    Writer,
    counts_to_offsets,
    iterate_blocks,
    read_attributes,
    read_block,
    split_sizes,
)
from toy_jets import assert_one_line, jets, make_block

THREE = [[(5.0, 0.1, 0.2), (3.0, 0.0, 0.1)], [(7.0, 1.0, -3.0)], [(4.0, 0.0, 0.0), (2.0, 0.0, 1.0)]]
UNITS = {"constituents": "GeV"}


def write(path: Path, *appended: tuple[str, Block], kind: str = "toy", **attributes) -> Path:
    with Writer.create(path, kind, spec={"b": 1, "a": [2]}, units=UNITS, **attributes) as writer:
        for split, block in appended:
            writer.append(split, block)
    return path


def assert_same(found: Block, expected: Block) -> None:
    pairs = [(found.entries, expected.entries), (found.flat, expected.flat)]
    pairs.append(({"offsets": found.offsets}, {"offsets": expected.offsets}))
    for left, right in pairs:
        assert left.keys() == right.keys()
        for name in left:
            np.testing.assert_array_equal(left[name], right[name], err_msg=name, strict=True)


def dense(n: int, shape: tuple[int, ...] = (2, 3)) -> Block:
    x = np.arange(n * np.prod(shape, dtype=int), dtype=np.float32).reshape(n, *shape)
    return Block({"event": np.arange(n, dtype=np.int64), "x": x})


@pytest.fixture
def three(tmp_path) -> Path:
    return write(tmp_path / "a.h5", ("train", make_block(THREE)))


def test_a_ragged_block_comes_back(three):
    assert_same(read_block(three, "train"), make_block(THREE))


def test_a_dense_block_comes_back(tmp_path):
    assert_same(read_block(write(tmp_path / "a.h5", ("val", dense(3))), "val"), dense(3))


def test_part_of_a_ragged_block_has_offsets_of_its_own(three):
    part = read_block(three, "train", 1, 3)
    assert_same(part, make_block(THREE).take(np.array([1, 2])))
    assert part.offsets.tolist() == [0, 1, 3]


def test_reading_past_the_end_gives_what_is_there(three):
    assert_same(read_block(three, "train", 2, 100), make_block(THREE).take(np.array([2])))
    assert len(read_block(three, "train", 3, 100)) == 0


def test_blocks_with_one_constituent_per_jet_come_back(tmp_path):
    block = make_block([[(5.0, 0.1, 0.2)], [(6.0, 0.1, 0.2)]])
    assert_same(read_block(write(tmp_path / "a.h5", ("test", block)), "test"), block)


def test_jets_without_constituents_come_back(tmp_path):
    block = make_block([[], [(6.0, 0.1, 0.2)], []])
    assert_same(read_block(write(tmp_path / "a.h5", ("test", block)), "test"), block)


def test_an_empty_split_keeps_its_names_shapes_and_types(tmp_path):
    path = write(tmp_path / "a.h5", ("train", make_block(THREE)), ("val", make_block([])))
    assert_same(read_block(path, "val"), make_block([]))
    assert split_sizes(path) == {"train": 3, "val": 0}


def test_splits_do_not_mix(tmp_path):
    one, two = make_block(THREE[:1]), make_block(THREE[1:], first=5)
    path = write(tmp_path / "a.h5", ("train", one), ("test", two), ("train", two))
    assert_same(read_block(path, "test"), two)
    assert read_block(path, "train").entries["event"].tolist() == [0, 5, 6]
    assert split_sizes(path) == {"train": 3, "test": 2}


@given(found=jets(most_jets=6), cuts=st.lists(st.integers(0, 6), max_size=4))
def test_appended_in_pieces_equals_appended_at_once(tmp_path_factory, found, cuts):
    folder = tmp_path_factory.mktemp("pieces")
    block = make_block(found)
    edges = [0, *sorted(min(cut, len(block)) for cut in cuts), len(block)]
    parts = [block.take(np.arange(a, b)) for a, b in pairwise(edges)]
    pieces = read_block(write(folder / "b.h5", *(("train", part) for part in parts)), "train")
    assert_same(pieces, read_block(write(folder / "a.h5", ("train", block)), "train"))
    assert_same(pieces, block)


@pytest.mark.parametrize("block", [make_block(THREE * 100), dense(500, (40, 40))], ids=["ragged", "dense"])
@pytest.mark.parametrize("first", [0, 1, 7])
def test_chunks_do_not_depend_on_how_the_file_was_appended(tmp_path, block, first):
    at_once = write(tmp_path / "a.h5", ("train", block))
    pieces = [block.take(np.arange(first)), block.take(np.arange(first, len(block)))]
    in_pieces = write(tmp_path / "b.h5", *(("train", piece) for piece in pieces))
    with h5py.File(at_once) as left, h5py.File(in_pieces) as right:
        assert left["train"].keys() == right["train"].keys()
        for name in left["train"]:
            assert left["train"][name].chunks == right["train"][name].chunks, name


def test_an_empty_first_block_of_large_entries_can_be_written(tmp_path):
    path = write(tmp_path / "a.h5", ("train", dense(0, (1024, 1024))), ("train", dense(1, (1024, 1024))))
    assert split_sizes(path) == {"train": 1}


def test_the_same_content_gives_the_same_bytes(tmp_path):
    block = make_block(THREE)
    first, second = (write(tmp_path / name, ("train", block), ("val", block)) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_iterating_gives_every_entry_once_and_in_order(three):
    blocks = list(iterate_blocks(three, "train", 2))
    assert [len(block) for block in blocks] == [2, 1]
    assert_same(blocks[1], make_block(THREE).take(np.array([2])))


@pytest.mark.parametrize(("rows", "sizes"), [(1, [1, 1, 1]), (3, [3]), (4, [3])])
def test_iterating_ends_with_the_file(three, rows, sizes):
    assert [len(block) for block in iterate_blocks(three, "train", rows)] == sizes


def test_iterating_over_an_empty_split_gives_one_empty_block(tmp_path):
    path = write(tmp_path / "a.h5", ("train", make_block([])))
    assert [len(block) for block in iterate_blocks(path, "train")] == [0]


def test_iterating_over_any_group_gives_all_of_it(tmp_path):
    path = write(tmp_path / "a.h5", ("all", make_block(THREE)))
    assert sum(len(block) for block in iterate_blocks(path, "all", 2)) == 3


def test_iterating_over_a_missing_split_is_a_one_line_error(three):
    with pytest.raises(UserError) as error:
        list(iterate_blocks(three, "test"))
    assert_one_line(error, three, "no group 'test'", "found train")


def test_choosing_entries_leaves_the_block_unchanged():
    block, untouched = make_block(THREE), make_block(THREE)
    chosen = block.take(np.array([2, 0]))
    chosen.flat["constituents"][:] = 0
    chosen.entries["event"][:] = 9
    assert_same(block, untouched)
    assert chosen.offsets.tolist() == [0, 2, 4]


def test_choosing_dense_entries_keeps_rows_together():
    assert dense(4).take(np.array([3, 1])).entries["x"][:, 0, 0].tolist() == [18, 6]


def test_attributes_hold_the_provenance(tmp_path):
    path = write(tmp_path / "a.h5", packages=("numba",), seed=7, shape=[40, 40], axes="eta, phi")
    found = read_attributes(path, "toy")
    assert found["kind"] == "toy"
    assert found["spec"] == {"a": [2], "b": 1}
    assert found["units"] == UNITS
    assert found["versions"]["numba"] == version("numba")
    assert {"python", "jetpulse", "numpy", "h5py"} < found["versions"].keys()
    assert type(found["seed"]) is int
    assert found["seed"] == 7
    assert list(found["shape"]) == [40, 40]
    assert found["axes"] == "eta, phi"


def test_ragged_offsets_are_int64_from_zero(three):
    with h5py.File(three) as handle:
        offsets = handle["train/offsets"]
        assert offsets.dtype == np.int64
        assert offsets[:].tolist() == counts_to_offsets([2, 1, 2]).tolist()
        assert json.loads(handle.attrs["spec"]) == {"a": [2], "b": 1}


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path):
    path = write(tmp_path / "a.h5", ("train", make_block(THREE)))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="boom"), Writer.create(path, "toy", spec={}, units={}) as writer:
        writer.append("train", dense(2))
        raise ValueError("boom")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
