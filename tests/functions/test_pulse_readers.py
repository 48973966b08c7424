"""The user's waveforms: what is read, and one clear line for what cannot be."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.pulses.checks import check_traces
from jetpulse.pulses.readers import measure_traces, read_traces
from toy_jets import assert_one_line

ENDINGS = ["h5", "hdf5", "npz"]


def arrays(n: int = 5, traces: int = 3, samples: int = 8, seed: int = 1) -> dict[str, np.ndarray]:
    """Return unit-normal traces and labels."""
    rng = np.random.default_rng(seed)
    return {"waveform": rng.normal(size=(n, traces, samples)), "label": rng.integers(0, samples, n)}


def write(path: Path, content: dict[str, np.ndarray]) -> Path:
    """Write arrays as what the path's ending says."""
    if path.suffix == ".npz":
        np.savez(path, **content)
    else:
        with h5py.File(path, "w") as handle:
            for name, values in content.items():
                handle[name] = values
    return path


def read(path: Path, **options: int) -> dict[str, np.ndarray]:
    """Return all entries of a file."""
    blocks = [block.entries for block in read_traces(path, **options)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_file_is_read_in_blocks(tmp_path, ending, n):
    content = arrays(n)
    path = write(tmp_path / f"a.{ending}", content)
    assert measure_traces(path) == (n, 3, 8)
    blocks = list(read_traces(path, rows=2))
    assert [len(block) for block in blocks] == [2] * (n // 2) + [1] * (n % 2) or [0]
    found = read(path, rows=2)
    np.testing.assert_array_equal(found["waveform"], content["waveform"].astype(np.float32), strict=True)
    np.testing.assert_array_equal(found["label"], content["label"].astype(np.int32), strict=True)
    np.testing.assert_array_equal(found["event"], np.arange(n), strict=True)


def test_event_ids_are_the_beginning_that_is_given_and_the_row(tmp_path):
    path = write(tmp_path / "a.h5", arrays(3))
    assert read(path, prefix=lambda: 2, rows=2)["event"].tolist() == [2 << 32, (2 << 32) + 1, (2 << 32) + 2]


@pytest.mark.parametrize("ending", ENDINGS)
def test_event_ids_of_the_file_are_kept(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", arrays(3) | {"event": np.array([7, -1, 7], np.int32)})
    event = read(path, prefix=lambda: 2, rows=2)["event"]
    np.testing.assert_array_equal(event, np.array([7, -1, 7]), strict=True)
    assert read(path, events=[], rows=2)["event"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_arrays_may_name_the_event(tmp_path, ending):
    run = np.array([2**63, 2**63, 1], np.uint64)
    path = write(tmp_path / f"a.{ending}", arrays(3) | {"run": run, "shot": np.array([1.0, 1.0, 1.0])})
    assert read(path, events=["run"])["event"].view(np.uint64).tolist() == run.tolist()
    first, second, third = read(path, events=["run", "shot"], rows=2)["event"].tolist()
    assert first == second != third
    with pytest.raises(UserError) as error:
        read(path, events=["shots"])
    assert_one_line(error, path, "no array 'shots', found", "shot")


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_arrays_in_the_file_do_not_matter(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", arrays(2) | {"temperature": np.array([1.0])})
    assert set(read(path)) == {"event", "row", "label", "waveform"}


def changed(name: str, values: object) -> dict[str, np.ndarray]:
    return arrays() | {name: np.asarray(values)}


def at(index: tuple[int, ...], value: float) -> dict[str, np.ndarray]:
    """Return arrays with one sample replaced."""
    content = arrays()
    content["waveform"][index] = value
    return content


BAD = {
    "NaN": (at((3, 1, 2), np.nan), "event 3, trace 1, bin 2: waveform is nan, expected a finite number"),
    "infinite": (at((4, 0, 7), -np.inf), "event 4, trace 0, bin 7: waveform is -inf"),
    "beyond float32": (at((4, 0, 7), 1e300), "event 4, trace 0, bin 7: waveform is 1e+300"),
    "label too large": (changed("label", [0, 1, 2, 8, 9]), "event 3: label is 8, expected a bin from 0 to 7"),
    "label negative": (changed("label", [0, 1, 2, 3, -1]), "event 4: label is -1, expected a bin from 0 to 7"),
    "label not whole": (changed("label", [0.0, 1, 2, 3, 4]), "label has type float64, expected whole numbers"),
    "label a matrix": (changed("label", np.zeros((5, 1), int)), "label has shape (5, 1), expected (5,)"),
    "label short": (changed("label", [1, 2]), "label has shape (2,), expected (5,)"),
    "one trace": (changed("waveform", np.zeros((5, 8))), "waveform has shape (5, 8), expected (n, traces, samples)"),
    "scalar": (changed("waveform", 1.0), "waveform has shape (), expected (n, traces, samples)"),
    "no traces": (changed("waveform", np.zeros((5, 0, 8))), "waveform has shape (5, 0, 8)"),
    "one sample": (changed("waveform", np.zeros((5, 3, 1))), "at least one trace of two samples"),
    "text": (changed("waveform", np.full((5, 3, 8), b"1.0")), "waveform has type |S3, expected real numbers"),
    "complex": (changed("waveform", np.zeros((5, 3, 8), complex)), "waveform has type complex128"),
    "events short": (changed("event", [1, 2]), "event has shape (2,), expected (5,)"),
    "events not whole": (changed("event", np.full(5, 0.5)), "event is 0.5, which names an event"),
    "events of text": (changed("event", np.full(5, b"a")), "'event' is |S1 of shape (2,), expected one whole number"),
    "no label": ({"waveform": arrays()["waveform"]}, "lacks label, found waveform"),
    "nothing": ({"other": np.zeros(3)}, "lacks waveform and label, found other"),
}


@pytest.mark.parametrize("ending", ["h5", "npz"])
@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_content_is_a_one_line_error(tmp_path, ending, content, message):
    path = write(tmp_path / f"a.{ending}", content)
    with pytest.raises(UserError) as error:
        read(path, rows=2)
    assert_one_line(error, path, message)


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_a_group_or_an_empty_archive_is_a_one_line_error(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", {})
    with pytest.raises(UserError) as error:
        measure_traces(path)
    assert_one_line(error, path, "lacks waveform and label, found nothing")


def test_a_group_in_place_of_an_array_is_a_one_line_error(tmp_path):
    path = write(tmp_path / "a.h5", {"label": np.zeros(3, int), "waveform/inner": np.zeros((3, 2, 5))})
    with pytest.raises(UserError) as error:
        measure_traces(path)
    assert_one_line(error, path, "lacks waveform")


def test_python_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, waveform=np.array([{"a": 1}], object), label=np.zeros(1, int))
    with pytest.raises(UserError) as error:
        measure_traces(path)
    assert_one_line(error, path, "holds Python objects")


DAMAGED = {
    "h5 truncated": ("a.h5", lambda whole: whole[: len(whole) // 2], "truncated"),
    "npz truncated": ("a.npz", lambda whole: whole[: len(whole) // 2], "truncated"),
    "npz changed": ("a.npz", lambda whole: whole.replace(b"\x93NUMPY", b"\x93NUMBY"), "npz"),
    "npz flipped bits": ("a.npz", lambda w: w[:400] + bytes(255 - b for b in w[400:420]) + w[420:], "damaged"),
    "h5 empty": ("a.h5", lambda whole: b"", "0 bytes"),
    "npz empty": ("a.npz", lambda whole: b"", "truncated (0 bytes)"),
    "h5 text": ("a.h5", lambda whole: b"event,label\n1,2\n", "not an HDF5 file"),
    "npz text": ("a.npz", lambda whole: b"event,label\n1,2\n", "not an npz archive"),
    "npz a pickle": ("a.npz", lambda whole: pickle.dumps([1, 2]), "not an npz archive"),
}


@pytest.mark.parametrize(("name", "change", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_a_one_line_error(tmp_path, name, change, message):
    path = write(tmp_path / name, arrays(50))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError) as error:
        read(path)
    assert_one_line(error, path, message)


def test_a_damaged_chunk_is_a_one_line_error(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as handle:
        handle["label"] = np.zeros(4, int)
        data = handle.create_dataset("waveform", data=np.zeros((4, 3, 8)), chunks=(2, 3, 8), fletcher32=True)
        place = data.id.get_chunk_info(1).byte_offset
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 8)
    with pytest.raises(UserError) as error:
        read(path, rows=2)
    assert_one_line(error, path, "events from row 2 cannot be read")


@pytest.mark.parametrize("name", ["a.root", "a.npy", "a", "a.h5.gz"])
def test_another_ending_is_a_one_line_error(tmp_path, name):
    with pytest.raises(UserError) as error:
        measure_traces(tmp_path / name)
    assert_one_line(error, tmp_path / name, "expected .h5, .hdf5, .npz")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_file_or_a_folder_is_a_one_line_error(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    with pytest.raises(UserError) as error:
        measure_traces(path)
    assert_one_line(error, path, "no such file")
    path.mkdir()
    with pytest.raises(UserError) as error:
        measure_traces(path)
    assert_one_line(error, path, "is a folder")


def test_a_single_array_with_the_ending_of_an_archive_is_a_one_line_error(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(UserError) as error:
        measure_traces(path)
    assert_one_line(error, path, "not an npz archive")


def test_traces_of_another_form_than_the_data_set_are_refused():
    with pytest.raises(UserError) as error:
        check_traces(np.zeros((2, 2, 9)), np.zeros(2, int), "file", (3, 8))
    assert_one_line(error, "file: entries are 2 traces of 9 samples, expected 3 traces of 8 samples")


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint16"])
def test_ordinary_numbers_pass_and_stay_as_they_are(dtype):
    waveform = np.array([[[-100 if dtype != "uint16" else 0, 100]]]).astype(dtype)
    before = waveform.copy()
    check_traces(waveform, np.array([1]), "file", (1, 2))
    np.testing.assert_array_equal(waveform, before, strict=True)
