"""Files of other people's labels and scores: what is read, and the one line for what is not."""

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.scores import ScoreColumns
from jetpulse.errors import UserError
from jetpulse.evaluation.score_files import read_score_file
from jetpulse.samples import event_ids
from toy_jets import assert_one_line
from toys import write_predictions_file

ENDINGS = ("npz", "csv", "h5", "hdf5")
ENTRIES = {
    "label": np.array([0, 1, 1, 0]),
    "score": np.array([0.125, 0.75, 1.0, 0.5]),
    "event": np.array([7, 2**53 + 1, -3, 7]),
}


def write(path: Path, arrays: dict[str, Any]) -> Path:
    """Write arrays in the format that the ending names."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".csv":
        rows = zip(*(np.asarray(values).tolist() for values in arrays.values()), strict=True)
        lines = [",".join(arrays), *(",".join(map(repr, row)) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        with h5py.File(path, "w") as handle:
            for name, values in arrays.items():
                handle[name] = values
    return path


def read(path: Path, **columns: Any) -> dict[str, np.ndarray]:
    return read_score_file(path, ScoreColumns(**columns), "jets")


def refused(path: Path, *words: object, **columns: Any) -> None:
    with pytest.raises(UserError) as error:
        read(path, **columns)
    assert_one_line(error, path, *words)


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_same_arrays(tmp_path, ending):
    found = read(write(tmp_path / f"a.{ending}", ENTRIES))
    assert list(found) == ["label", "score", "event"]
    for name, dtype in {"label": np.int8, "score": np.float64, "event": np.int64}.items():
        np.testing.assert_array_equal(found[name], ENTRIES[name].astype(dtype), strict=True)


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_have_the_names_that_the_config_gives(tmp_path, ending):
    names = {"truth": ENTRIES["label"], "p_top": ENTRIES["score"], "id": ENTRIES["event"], "score": np.zeros(4)}
    path = write(tmp_path / f"a.{ending}", names)
    found = read(path, label="truth", score=["p_top"], event="id")
    np.testing.assert_array_equal(found["score"], ENTRIES["score"])
    np.testing.assert_array_equal(found["event"], ENTRIES["event"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_two_columns_are_background_and_signal(tmp_path, ending):
    arrays = {"label": [0, 1], "qcd": [0.75, 0.25], "top": [0.25, 0.75]}
    found = read(write(tmp_path / f"a.{ending}", arrays), score=["qcd", "top"])
    assert found["score"].tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert "event" not in found


@pytest.mark.parametrize("ending", ["npz", "h5"])
@pytest.mark.parametrize(("shape", "expected"), [((4, 2), (4, 2)), ((4, 1), (4,)), ((4,), (4,))])
def test_an_array_may_have_a_second_axis(tmp_path, ending, shape, expected):
    score = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    found = read(write(tmp_path / f"a.{ending}", {"label": [True, False, False, True], "score": score}))
    assert found["score"].shape == expected
    assert found["label"].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("ending", ENDINGS)
def test_event_ids_can_be_left_alone(tmp_path, ending):
    assert "event" not in read(write(tmp_path / f"a.{ending}", ENTRIES), event=None)


@pytest.mark.parametrize("ending", ENDINGS)
def test_event_ids_have_64_bits_and_may_be_of_several_columns(tmp_path, ending):
    large = np.array([2**63 - 1, 2**63, 2**64 - 1, 5], np.uint64)
    path = write(tmp_path / f"a.{ending}", changed(event=large, run=[1, 1, 1, 2]))
    assert read(path)["event"].view(np.uint64).tolist() == large.tolist()
    expected = event_ids({"run": np.array([1, 1, 1, 2]), "event": large}, path, np.arange(4))
    assert read(path, event=["run", "event"])["event"].tolist() == expected.tolist()


def test_datasets_of_hdf5_may_lie_in_groups(tmp_path):
    path = write(tmp_path / "a.h5", {"test/label": [0, 1], "test/output": [0.5, 0.75]})
    assert read(path, label="test/label", score=["test/output"])["score"].tolist() == [0.5, 0.75]


def test_our_own_predictions_are_read_for_the_dataset_or_the_only_one(tmp_path):
    groups = {"others": ([1, 0], [0.5, 0.25]), "jets": ([0, 1], [0.125, 0.75])}
    found = read(write_predictions_file(tmp_path / "two.h5", groups))
    assert found["score"].tolist() == [[0.875, 0.125], [0.25, 0.75]]
    assert found["event"].tolist() == [0, 1]
    del groups["jets"]
    assert read(write_predictions_file(tmp_path / "one.h5", groups))["label"].tolist() == [1, 0]
    groups["more"] = groups["others"]
    path = write_predictions_file(tmp_path / "other.h5", groups)
    refused(path, "holds no predictions for 'jets', found more, others")
    refused(write_predictions_file(tmp_path / "none.h5", {}), "holds no predictions")


def test_csv_as_spreadsheets_write_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeff"label", "score"\r\n"1","0.5"\r\n\r\n0.0,2.5e-1\r\n'.encode())
    found = read(path)
    assert (found["label"].tolist(), found["score"].tolist()) == ([1, 0], [0.5, 0.25])


def changed(**arrays: Any) -> dict[str, np.ndarray]:
    return ENTRIES | {name: np.asarray(values) for name, values in arrays.items()}


BAD_VALUES = {
    "NaN": (changed(score=[0.5, np.nan, 0.5, np.inf]), "entry 1: score is nan, expected a finite number"),
    "infinite": (changed(score=[0.5, 0.5, 0.5, -np.inf]), "entry 3: score is -inf, expected a finite number"),
    "label 2": (changed(label=[0, 1, 2, 0]), "entry 2: label is 2", "expected 0 (background) or 1 (signal)"),
    "label -1": (changed(label=[-1, 1, 1, 0]), "entry 0: label is -1"),
    "label 0.5": (changed(label=[0, 1, 1, 0.5]), "entry 3: label is 0.5"),
    "no label": ({"score": ENTRIES["score"]}, "no label 'label', found score; name it by `scores.label`"),
    "no score": ({"label": ENTRIES["label"], "output": ENTRIES["score"]}, "no score 'score', found label, output"),
    "no entries": ({"label": np.zeros(0), "score": np.zeros(0)}, "has no entries"),
}


@pytest.mark.parametrize("ending", ["npz", "csv", "h5"])
@pytest.mark.parametrize(("arrays", "words"), [(a, w) for a, *w in BAD_VALUES.values()], ids=BAD_VALUES)
def test_bad_values_are_a_one_line_error(tmp_path, ending, arrays, words):
    refused(write(tmp_path / f"a.{ending}", arrays), *words)


BAD_ARRAYS = {
    "short": (changed(score=[0.5, 0.5]), "4 labels but 2 scores"),
    "events short": (changed(event=[1]), "4 labels but 1 events"),
    "three classes": (changed(score=np.zeros((4, 3))), "score has shape (4, 3), expected (n,) or (n, 2)"),
    "one-hot": (changed(label=np.zeros((4, 2))), "label has shape (4, 2), expected (n,)"),
    "a number": (changed(score=0.5), "score has shape ()"),
    "text": (changed(score=[b"0.5"] * 4), "score has type |S3, expected real numbers"),
    "complex": (changed(score=np.zeros(4, complex)), "score has type complex128"),
    "fields": (changed(score=np.zeros(4, [("p", float)])), "score has type [('p', '<f8')]"),
    "events not whole": (
        changed(event=[0.5] * 4),
        "event 0: event is 0.5, which names an event, expected a whole number",
    ),
    "events rounded": (
        changed(event=np.full(4, 2.0**53)),
        "event is 9007199254740992.0, which names an event, expected less than",
    ),
}


@pytest.mark.parametrize("ending", ["npz", "h5"])
@pytest.mark.parametrize(("arrays", "words"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_of_another_form_are_a_one_line_error(tmp_path, ending, arrays, words):
    refused(write(tmp_path / f"a.{ending}", arrays), words)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_column_that_the_config_names_must_be_there(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", ENTRIES)
    refused(path, "no event 'id', found ", "name it by `scores.event`", event="id")
    refused(path, "no score 'p_top', found ", score=["score", "p_top"])


def test_two_columns_have_one_form(tmp_path):
    path = write(tmp_path / "a.npz", {"label": [0, 1], "a": [0.5, 0.5], "b": [0.5]})
    refused(path, "the two columns of the score have shapes (2,) and (1,)", score=["a", "b"])


CSV = {
    "empty": (b"", "the file is empty, expected a line of column names"),
    "semicolons": (b"label;score\n0;0.5\n", "columns are separated by ';', expected commas"),
    "tabs": (b"label\tscore\n0\t0.5\n", "columns are separated by '\\t', expected commas"),
    "no header": (b"0,0.5\n1,0.6\n", "no label 'label', found 0, 0.5"),
    "only a header": (b"label,score\n", "has no entries"),
    "short line": (b"label,score\n0,0.5\n1\n", "line 3: 1 values, expected 2 as in the first line"),
    "long line": (b"label,score\n0,0,5\n", "line 2: 3 values, expected 2"),
    "text": (b"label,score\n0,0.5\n1,high\n", "line 3: score is 'high', expected a number"),
    "nothing": (b"label,score\n0,\n", "line 2: score is '', expected a number"),
    "event not whole": (b"label,score,event\n0,0.5,3.0\n", "line 2: event is '3.0', expected a whole number"),
    "event too large": (b"label,score,event\n0,0.5,18446744073709551616\n", "does not fit 64 bits"),
    "event endless": (b"label,score,event\n0,0.5," + b"9" * 5000 + b"\n", "line 2: event is '999", "whole number"),
    "twice": (b"label,score,score\n0,0.5,0.5\n", "two columns are called 'score'"),
    "latin-1": (b"label,score,gr\xf6\xdfe\n0,0.5,1\n", "not UTF-8 text"),
    "utf-16": ("label,score\n0,0.5\n".encode("utf-16"), "not UTF-8 text"),
    "open quote": (b'label,score\n0,"0.5\n1,0.75\n', "not valid csv"),
    "endless cell": (b"label,score\n0," + b"5" * 200_000 + b"\n", "not valid csv"),
    "zeros": (bytes(200), "no label 'label'"),
}


@pytest.mark.parametrize(("content", "words"), [(c, w) for c, *w in CSV.values()], ids=CSV)
def test_csv_that_is_wrong_is_a_one_line_error(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    refused(path, *words)


DAMAGED = {
    "npz truncated": ("a.npz", lambda whole: whole[: len(whole) // 2], "not an npz archive, or truncated"),
    "npz empty": ("a.npz", lambda whole: b"", "truncated (0 bytes)"),
    "npz is csv": ("a.npz", lambda whole: b"label,score\n0,0.5\n", "not an npz archive"),
    "npz changed": ("a.npz", lambda whole: whole.replace(b"\x93NUMPY", b"\x93NUMBY"), "npz"),
    "npz flipped bits": ("a.npz", lambda w: w[:180] + bytes(255 - b for b in w[180:200]) + w[200:], "damaged"),
    "npz huge": ("a.npz", lambda whole: whole.replace(b"(4,), }     ", b"(4" + b"0" * 13 + b",), }")[:], "npz"),
    "h5 truncated": ("a.h5", lambda whole: whole[: len(whole) // 2], "truncated"),
    "h5 empty": ("a.h5", lambda whole: b"", "0 bytes"),
    "h5 is csv": ("a.h5", lambda whole: b"label,score\n0,0.5\n", "not an HDF5 file"),
}


@pytest.mark.parametrize(("name", "change", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_a_one_line_error(tmp_path, name, change, words):
    path = write(tmp_path / name, ENTRIES)
    path.write_bytes(change(path.read_bytes()))
    refused(path, words)


def test_python_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, label=np.zeros(1, int), score=np.array([{"a": 1}], object))
    refused(path, "holds Python objects, expected arrays of numbers")
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        handle["label"], handle["score"] = [0], np.array(["0.5"], object)
    refused(tmp_path / "a.h5", "score has type object")


def test_an_archive_with_a_password_is_a_one_line_error(tmp_path):
    path = write(tmp_path / "a.npz", ENTRIES)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption in both kinds of header
        start = content.find(mark)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(mark, start + 1)
    path.write_bytes(content)
    refused(path, "the file is damaged", "password")


def test_a_group_or_an_empty_dataset_is_a_one_line_error(tmp_path):
    refused(write(tmp_path / "a.h5", {"label": [0], "score/inner": [0.5]}), "score score is a group or empty")
    refused(write(tmp_path / "b.h5", {"label": [0], "score": h5py.Empty("f8")}), "score score is a group or empty")


@pytest.mark.parametrize("name", ["a.root", "a.npy", "a", "a.csv.gz", "a.pkl"])
def test_another_ending_is_a_one_line_error(tmp_path, name):
    refused(tmp_path / name, "expected .npz, .csv, .h5, .hdf5; convert the file")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_file_or_a_folder_is_a_one_line_error(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    refused(path, "no such file")
    path.mkdir()
    refused(path, "is a folder")


def npz_bytes() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # with a date that is always the same
        for name, values in ENTRIES.items():
            inner = io.BytesIO()
            np.save(inner, values)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), inner.getvalue())
    return file.getvalue()


def hdf5_bytes() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as handle:
        for name, values in ENTRIES.items():
            handle.create_dataset(name, data=values, chunks=(4,), compression="gzip")
    return file.getvalue()


GOOD: dict[str, Callable[[], bytes]] = {
    "npz": npz_bytes,
    "h5": hdf5_bytes,
    "csv": lambda: b"label,score,event\n0,0.5,3\n1,0.75,4\n1,2e-1,5\n",
}


def survives(path: Path, content: bytes) -> None:
    """Read some bytes: into arrays that fit together, or one line about them."""
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # numpy's, of headers as Python 2 wrote them
            found = read(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
    else:
        assert {len(values) for values in found.values()} == {len(found["label"])}
        assert set(np.unique(found["label"])) <= {0, 1}
        assert np.isfinite(found["score"]).all()


@given(ending=st.sampled_from(sorted(GOOD)), content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, ending, content):
    survives(tmp_path_factory.getbasetemp() / f"any.{ending}", content)


@pytest.mark.parametrize("ending", GOOD)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_read_or_refused_in_one_line(tmp_path_factory, ending, changes):
    content = bytearray(GOOD[ending]())
    for place, value in changes:
        content[int(place * len(content))] = value
    survives(tmp_path_factory.getbasetemp() / f"changed.{ending}", bytes(content))


@given(text=st.text(st.sampled_from('01.,;"\n\r-e \tlabescorvnt'), max_size=60))
def test_any_text_after_a_header_is_read_or_refused_in_one_line(tmp_path_factory, text):
    survives(tmp_path_factory.getbasetemp() / "text.csv", f"label,score\n{text}".encode())
