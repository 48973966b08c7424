import errno
import fcntl
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.samples import dump_json, load_json, open_hdf5, publish
from jetpulse.samples import hdf5 as hdf5_module
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


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"1" * 5000])
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


def external(folder: Path, handle: h5py.File) -> None:
    (folder / "secret").write_bytes(bytes(80))
    handle.create_dataset("a/b", (10,), "f8", external=[(str(folder / "secret"), 0, 80)])


def virtual(folder: Path, handle: h5py.File) -> None:
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource("missing.h5", "x", (10,))
    handle.create_virtual_dataset("a/b", layout)


def linked(link: object) -> Callable[[Path, h5py.File], None]:
    return lambda folder, handle: handle.require_group("a").__setitem__("b", link)


@pytest.mark.parametrize(
    ("write", "found"),
    [
        pytest.param(external, "external storage", id="external-storage"),
        pytest.param(virtual, "virtual dataset", id="virtual"),
        pytest.param(linked(h5py.ExternalLink("other.h5", "/x")), "link to another file", id="external-link"),
        pytest.param(linked(h5py.SoftLink("/x")), "soft link", id="soft-link"),
        pytest.param(linked(h5py.SoftLink("/nowhere")), "soft link", id="dangling"),
    ],
)
def test_what_leads_out_of_a_file_is_refused_by_its_place(tmp_path, hdf5, write, found):
    with h5py.File(hdf5, "a") as handle:
        write(tmp_path, handle)
    for _ in range(2):
        with pytest.raises(UserError) as error, open_hdf5(hdf5):
            pass
        assert_one_line(error, hdf5, "/a/b", found, "copy the data")


@pytest.mark.parametrize(
    ("options", "rows", "refused"),
    [
        pytest.param({}, 0, True, id="never"),
        pytest.param({"chunks": (5, 2)}, 0, True, id="no-chunk"),
        pytest.param({"chunks": (5, 2)}, 15, True, id="half-of-the-chunks"),
        pytest.param({"chunks": (5, 2), "compression": "gzip"}, 30, False, id="all"),
        pytest.param({"chunks": (5, 2), "fillvalue": -1}, 15, False, id="what-stands-elsewhere-is-said"),
    ],
)
def test_arrays_that_were_not_written_to_their_end_are_refused(hdf5, options, rows, refused):
    with h5py.File(hdf5, "a") as handle:
        dataset = handle.create_dataset("late", (30, 3), "f4", **options)
        if rows:
            dataset[:rows] = 0
        handle.create_dataset("none", (0, 3), "f4")
        handle.create_dataset("_i_table/index/indicesLR", (30,), "i4")
        handle.create_dataset("axis", (30,), "f4").make_scale("a dimension of netCDF, which has no values")
    if not refused:
        with open_hdf5(hdf5):
            return
    with pytest.raises(UserError) as error, open_hdf5(hdf5):
        pass
    assert_one_line(error, hdf5, "/late was not written", "make it again")


def test_links_that_are_user_defined_are_refused(hdf5):
    with h5py.File(hdf5, "a") as handle:
        handle["name"] = h5py.ExternalLink("other.h5", "/x")
    content = hdf5.read_bytes()
    assert content.count(b"\x40\x04name") == 1  # the link's class, before its name; HDF5 knows 64 and none above
    hdf5.write_bytes(content.replace(b"\x40\x04name", b"\x50\x04name"))
    with pytest.raises(UserError) as error, open_hdf5(hdf5):
        pass
    assert_one_line(error, hdf5, "/name", "user-defined link")


def test_groups_that_lead_back_to_their_parent_are_looked_at_once(hdf5):
    with h5py.File(hdf5, "a") as handle:
        handle["a/b/up"] = handle["/"]
        handle["a/b/up2"] = handle["/a"]
        deep = handle["a"]
        for _ in range(3000):
            deep = deep.create_group("g")
    with open_hdf5(hdf5) as handle:
        assert handle["a/b/up/x"][3] == 3


def test_a_file_that_has_been_replaced_is_looked_at_again(tmp_path, hdf5):
    with open_hdf5(hdf5):
        pass
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        external(tmp_path, handle)
    (tmp_path / "other.h5").replace(hdf5)
    with pytest.raises(UserError, match="external storage"), open_hdf5(hdf5):
        pass


def test_a_file_that_another_program_writes_is_in_use_and_not_damaged(hdf5):
    with hdf5.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError) as error, open_hdf5(hdf5):
            pass
    assert_one_line(error, hdf5, "in use")
    assert "make it again" not in str(error.value)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_read_all_the_same(hdf5, monkeypatch, number):
    opened = h5py.File

    def without_locks(path, mode, locking=None):
        if locking is not False:
            raise OSError(number, f"[Errno {number}] unable to lock file, errno = {number}")
        return opened(path, mode, locking=locking)

    monkeypatch.setattr(h5py, "File", without_locks)
    with open_hdf5(hdf5) as handle:
        assert handle["x"][3] == 3


def test_a_signal_ends_the_process_while_hdf5_has_it(hdf5):
    code = """
import os, signal, sys, time
from jetpulse.samples import hdf5
signal.signal(signal.SIGTERM, lambda number, frame: print("later", flush=True))
def loop(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(600)
hdf5._refuse_elsewhere = loop
with hdf5.open_hdf5(sys.argv[1]):
    pass
"""
    done = subprocess.run([sys.executable, "-c", code, str(hdf5)], timeout=300, check=False)
    assert done.returncode == -signal.SIGTERM


def test_no_other_module_opens_hdf5():
    package = Path(hdf5_module.__file__).parents[1]
    opens = re.compile(r"h5py\.File\(|read_hdf\(|HDFStore|^ *(import|from) tables", re.MULTILINE)
    found = [path.name for path in package.rglob("*.py") if opens.search(path.read_text(encoding="utf-8"))]
    assert found == ["hdf5.py"]
