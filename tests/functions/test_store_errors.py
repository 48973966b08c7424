"""Files of the wrong kind and damaged ones: each is a one-line error that names the file."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.samples import Writer, iterate_blocks, read_attributes, read_block, split_sizes
from toy_jets import assert_one_line, edited, make_block

JETS = [[(5.0, 0.1, 0.2), (3.0, 0.0, 0.1)], [(7.0, 1.0, -3.0)], [(4.0, 0.0, 0.0), (2.0, 0.0, 1.0)]]


@pytest.fixture
def path(tmp_path) -> Path:
    with Writer.create(tmp_path / "a.h5", "jets", spec={}, units={}) as writer:
        writer.append("train", make_block(JETS))
    return tmp_path / "a.h5"


def shorten(name: str) -> Callable[[h5py.Group], None]:
    return lambda group: group[name].resize(len(group[name]) - 1, axis=0)


def lengthen(name: str) -> Callable[[h5py.Group], None]:
    return lambda group: group[name].resize(len(group[name]) + 1, axis=0)


def remove(name: str) -> Callable[[h5py.Group], None]:
    return lambda group: group.__delitem__(name)


def test_another_kind_is_named_beside_the_expected_one(path):
    with pytest.raises(UserError) as error:
        read_attributes(path, "jet-image")
    assert_one_line(error, path, "'jets'", "'jet-image'", "check the path")


def test_any_kind_of_our_own_is_accepted_when_none_is_asked_for(path):
    assert read_attributes(path)["kind"] == "jets"


@pytest.mark.parametrize("kind", [None, "jets"])
def test_a_foreign_file_is_a_one_line_error(tmp_path, kind):
    with h5py.File(tmp_path / "foreign.h5", "w") as handle:
        handle["x"] = np.arange(3)
    with pytest.raises(UserError) as error:
        read_attributes(tmp_path / "foreign.h5", kind)
    assert_one_line(error, tmp_path / "foreign.h5")


@pytest.mark.parametrize("name", ["spec", "units", "versions"])
def test_a_file_without_provenance_is_a_one_line_error(path, name):
    with edited(path) as handle:
        del handle.attrs[name]
    with pytest.raises(UserError) as error:
        read_attributes(path, "jets")
    assert_one_line(error, path, name)


def test_a_missing_group_is_named_beside_what_is_there(path):
    with pytest.raises(UserError) as error:
        read_block(path, "val")
    assert_one_line(error, path, "no group 'val'", "found train")


def test_a_file_without_any_group_says_so(tmp_path):
    with Writer.create(tmp_path / "a.h5", "jets", spec={}, units={}):
        pass
    with pytest.raises(UserError) as error:
        read_block(tmp_path / "a.h5", "train")
    assert_one_line(error, "found nothing")
    assert split_sizes(tmp_path / "a.h5") == {}


def test_a_dataset_in_place_of_a_group_is_a_one_line_error(path):
    with edited(path) as handle:
        handle.create_dataset("val", data=np.arange(3), chunks=True)
    with pytest.raises(UserError) as error:
        read_block(path, "val")
    assert_one_line(error, path, "val")


@pytest.mark.parametrize("call", [split_sizes, lambda path: read_block(path, "train")])
def test_a_missing_event_dataset_is_named(path, call):
    with edited(path) as handle:
        del handle["train/event"]
    with pytest.raises(UserError) as error:
        call(path)
    assert_one_line(error, path, "no dataset train/event", "make the file again")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(shorten("label"), id="label-short"),
        pytest.param(lengthen("label"), id="label-long"),
        pytest.param(shorten("event"), id="event-short"),
        pytest.param(lengthen("event"), id="event-long"),
        pytest.param(shorten("offsets"), id="offsets-short"),
        pytest.param(lengthen("offsets"), id="offsets-long"),
        pytest.param(shorten("constituents"), id="constituents-short"),
        pytest.param(lengthen("constituents"), id="constituents-long"),
        pytest.param(lambda group: group["offsets"].resize(0, axis=0), id="offsets-empty"),
        pytest.param(remove("offsets"), id="offsets-missing"),
    ],
)
def test_lengths_that_disagree_are_a_one_line_error(path, damage):
    with edited(path) as handle:
        damage(handle["train"])
    with pytest.raises(UserError) as error:
        read_block(path, "train")
    assert_one_line(error, path, "train", "again")


def test_damaged_bytes_are_a_one_line_error(path):
    with h5py.File(path) as handle:
        where = handle["train/constituents"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[where.byte_offset : where.byte_offset + where.size] = b"\x00" * where.size
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        list(iterate_blocks(path, "train"))
    assert_one_line(error, path, "train", "make it again")


@pytest.mark.parametrize("call", [read_attributes, split_sizes, lambda path: read_block(path, "train")])
def test_every_reader_names_a_missing_file(tmp_path, call):
    with pytest.raises(UserError) as error:
        call(tmp_path / "no.h5")
    assert_one_line(error, tmp_path / "no.h5", "no such file")
