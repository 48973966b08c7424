"""What is changed in a file of the project after it was written is found before it is used."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.samples import Block, Writer, group_names, read_attributes, read_block, read_entries, split_sizes
from jetpulse.samples.seals import CHECKSUM, CHECKSUMS
from toy_jets import assert_one_line, make_block, random_jets

JETS = {"train": random_jets(1, 40), "val": random_jets(2, 40)}
ROWS = 1 << 14  # of a chunk of small entries


@pytest.fixture
def path(tmp_path) -> Path:
    """Two splits of as many jets with as many constituents."""
    with Writer.create(tmp_path / "a.h5", "toy", spec={"a": 1}, units={"x": "GeV"}, text="", shape=[4, 4]) as writer:
        for split, jets in JETS.items():
            writer.append(split, make_block([jet[:1] for jet in jets]))
    return tmp_path / "a.h5"


def read_everything(path: Path) -> None:
    read_attributes(path)
    for name in group_names(path):
        read_block(path, name)


def swap(first: str, second: str) -> Callable[[h5py.File], None]:
    def change(handle: h5py.File) -> None:
        handle.move(first, "other")
        handle.move(second, first)
        handle.move("other", second)

    return change


def put(name: str, values: object) -> Callable[[h5py.File], None]:
    return lambda handle: handle[name].__setitem__(slice(None), values)


def replace(name: str, values: np.ndarray) -> Callable[[h5py.File], None]:
    def change(handle: h5py.File) -> None:
        del handle[name]
        handle[name] = values

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(swap("train", "val"), id="splits-swapped"),
        pytest.param(swap("train/constituents", "val/constituents"), id="datasets-swapped"),
        pytest.param(lambda handle: handle.move("val", "test"), id="group-renamed"),
        pytest.param(lambda handle: handle.__delitem__("val"), id="group-removed"),
        pytest.param(lambda handle: handle.copy("val", "test"), id="group-added"),
        pytest.param(put("train/constituents", 0), id="zeros"),
        pytest.param(lambda handle: handle["val/event"].__setitem__(3, 7), id="one-number"),
        pytest.param(replace("train/event", np.array([b"text"] * 40)), id="text-in-event"),
        pytest.param(replace("train/label", np.zeros(40, np.int8)), id="dataset-replaced"),
        pytest.param(lambda handle: handle["train/event"].resize(39, axis=0), id="shorter"),
        pytest.param(lambda handle: handle.attrs.modify("shape", [4, 5]), id="attribute-changed"),
        pytest.param(lambda handle: handle.attrs.__setitem__("shape", "text"), id="attribute-of-another-type"),
        pytest.param(lambda handle: handle.attrs.__delitem__("text"), id="attribute-removed"),
        pytest.param(lambda handle: handle.attrs.__delitem__(CHECKSUM), id="checksum-removed"),
        pytest.param(lambda handle: handle.attrs.modify(CHECKSUM, 7), id="checksum-of-another-type"),
        pytest.param(lambda handle: handle["train/event"].attrs.__delitem__(CHECKSUMS), id="checksums-removed"),
        pytest.param(lambda handle: handle["train/constituents"].attrs.modify("ragged", False), id="not-ragged"),
    ],
)
def test_a_change_is_found(path, change):
    read_everything(path)
    with h5py.File(path, "r+") as handle:
        change(handle)
    with pytest.raises(UserError) as error:
        read_everything(path)
    assert_one_line(error, path, "make")


@pytest.mark.parametrize("read", [split_sizes, lambda path: read_entries(path, "val", "event")])
def test_every_way_to_read_finds_it(path, read):
    with h5py.File(path, "r+") as handle:
        handle["train"].attrs["note"] = 1
    with pytest.raises(UserError, match="changed"):
        read(path)


def test_a_block_is_read_without_the_rest_of_the_file(tmp_path):
    with Writer.create(tmp_path / "a.h5", "toy", spec={}, units={}) as writer:
        writer.append("train", Block({"event": np.arange(3 * ROWS), "x": np.arange(3.0 * ROWS)}))
    with h5py.File(tmp_path / "a.h5", "r+") as handle:
        handle["train/x"][2 * ROWS + 5] = 0
    for start, stop in ((0, ROWS), (ROWS - 1, 2 * ROWS), (5, 5)):
        assert read_block(tmp_path / "a.h5", "train", start, stop).entries["x"].tolist() == list(range(start, stop))
    for start, stop in ((2 * ROWS - 1, 2 * ROWS + 1), (2 * ROWS, 3 * ROWS), (0, None)):
        with pytest.raises(UserError) as error:
            read_block(tmp_path / "a.h5", "train", start, stop)
        assert_one_line(error, "split 'train'", f"rows from {2 * ROWS} have changed")


def test_a_file_that_changes_while_a_process_runs_is_checked_again(path):
    read_everything(path)
    with h5py.File(path, "r+") as handle:
        handle.attrs["shape"] = [4, 9]
    with pytest.raises(UserError, match="changed"):
        read_attributes(path)


def test_hdf5_itself_guards_every_chunk_and_no_text_is_of_variable_length(path):
    with h5py.File(path) as handle:
        datasets = [item for group in handle.values() for item in group.values()]
        assert all(dataset.fletcher32 for dataset in datasets)
        for item in (handle, *datasets):
            assert not any(item.attrs.get_id(name).dtype.hasobject for name in item.attrs)


def test_texts_of_any_length_and_letters_are_kept(tmp_path):
    texts = {"empty": "", "letters": "é→\n", "long": "x" * 200_000}
    with Writer.create(tmp_path / "a.h5", "toy", spec={}, units={}, **texts):
        pass
    found = read_attributes(tmp_path / "a.h5")
    assert {name: found[name] for name in texts} == texts
