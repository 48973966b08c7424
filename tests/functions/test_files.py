import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.samples import dump_json, load_json, open_hdf5, publish
from toy_jets import assert_one_line


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def hdf5(tmp_path) -> Path:
    path = tmp_path / "good.h5"
    with h5py.File(path, "w") as handle:
        handle["x"] = np.arange(10_000)
    return path


def test_a_published_file_appears_with_its_content_and_nothing_else(tmp_path):
    with publish(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_missing_folders_are_made(tmp_path):
    with publish(tmp_path / "b" / "c" / "a.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "b" / "c" / "a.txt").read_text() == "new"


def test_publishing_replaces_an_existing_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with publish(str(tmp_path / "a.txt")) as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, UserError, KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_error_leaves_nothing_behind_and_the_old_file_untouched(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error, match="boom"), publish(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise error("boom")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_an_error_before_the_first_byte_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="boom"), publish(tmp_path / "a.txt"):
        raise ValueError("boom")
    assert names(tmp_path) == []


def test_an_error_of_another_file_is_not_blamed_on_the_output(tmp_path):
    with pytest.raises(FileNotFoundError, match="input"), publish(tmp_path / "a.txt"):
        (tmp_path / "input.txt").read_text()


def test_a_folder_below_a_regular_file_is_a_one_line_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as error:
        dump_json(tmp_path / "file" / "a.json", 1)
    assert_one_line(error, tmp_path / "file" / "a.json", "cannot be written", "choose a folder")


def test_publishing_onto_a_folder_is_a_one_line_error(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(UserError) as error:
        dump_json(tmp_path / "a.json", 1)
    assert_one_line(error, tmp_path / "a.json", "cannot be written")
    assert names(tmp_path) == ["a.json"]


def test_json_round_trip_keeps_order_and_letters(tmp_path):
    value = {"b": [1, 2.5, None], "a": {"é": True}}
    dump_json(tmp_path / "a.json", value)
    assert load_json(tmp_path / "a.json") == value
    assert list(load_json(tmp_path / "a.json")) == ["b", "a"]
    assert (tmp_path / "a.json").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_json_refuses_what_it_cannot_hold_and_keeps_the_old_file(tmp_path, value):
    dump_json(tmp_path / "a.json", "old")
    with pytest.raises((ValueError, TypeError)):
        dump_json(tmp_path / "a.json", {"x": value})
    assert load_json(tmp_path / "a.json") == "old"
    assert names(tmp_path) == ["a.json"]


def test_missing_json_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error:
        load_json(tmp_path / "a.json")
    assert_one_line(error, tmp_path / "a.json", "no such file", "check the path")


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe"])
def test_damaged_json_is_a_one_line_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError) as error:
        load_json(tmp_path / "a.json")
    assert_one_line(error, tmp_path / "a.json", "not valid JSON")


def test_a_folder_in_place_of_json_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error:
        load_json(tmp_path)
    assert_one_line(error, tmp_path)


def test_a_good_hdf5_file_opens_for_reading_only(hdf5):
    with open_hdf5(hdf5) as handle:
        assert handle["x"][3] == 3
        assert handle.mode == "r"
    assert not handle


def test_a_missing_hdf5_file_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error, open_hdf5(tmp_path / "no.h5"):
        pass
    assert_one_line(error, tmp_path / "no.h5", "no such file", "check the path")


def test_a_folder_in_place_of_hdf5_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error, open_hdf5(tmp_path):
        pass
    assert_one_line(error, tmp_path, "is a folder")


def test_an_empty_hdf5_file_is_a_one_line_error(tmp_path):
    (tmp_path / "a.h5").touch()
    with pytest.raises(UserError) as error, open_hdf5(tmp_path / "a.h5"):
        pass
    assert_one_line(error, tmp_path / "a.h5", "empty (0 bytes)")


@pytest.mark.parametrize("content", [b"x", b"not HDF5 at all" * 1000, b"PK\x03\x04" + bytes(5000)])
def test_a_file_of_another_format_is_a_one_line_error(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(UserError) as error, open_hdf5(tmp_path / "a.h5"):
        pass
    assert_one_line(error, tmp_path / "a.h5", "not an HDF5 file")


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_a_truncated_hdf5_file_says_how_much_is_there(hdf5, fraction):
    size = hdf5.stat().st_size
    os.truncate(hdf5, int(size * fraction))
    with pytest.raises(UserError) as error, open_hdf5(hdf5):
        pass
    assert_one_line(error, hdf5, "truncated", int(size * fraction), size)


@pytest.mark.parametrize("kept", [8, 40, 60])
def test_a_file_cut_within_its_first_bytes_is_a_one_line_error(hdf5, kept):
    os.truncate(hdf5, kept)
    with pytest.raises(UserError) as error, open_hdf5(hdf5):
        pass
    assert_one_line(error, hdf5)


def test_an_error_inside_the_reader_is_passed_on(hdf5):
    with pytest.raises(ValueError, match="boom"), open_hdf5(hdf5) as handle:
        raise ValueError("boom")
    assert not handle


def test_messages_end_with_what_to_do(hdf5):
    os.truncate(hdf5, 1000)
    with pytest.raises(UserError) as error, open_hdf5(hdf5):
        pass
    assert re.search(r"; (fetch|make|check)", str(error.value))
