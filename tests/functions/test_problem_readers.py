"""Tables and pictures from files: what is read, what is refused with file and line."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.problems import idx, readers, tables
from jetpulse.problems.readers import open_file
from test_frames import write_frame
from toy_jets import assert_one_line

GOOD = "a,b,c\n1,2,3\n4,5.5,-6e2\n"


def write_idx(path: Path, values: np.ndarray, head: bytes | None = None) -> Path:
    """Write bytes as MNIST's files have them."""
    values = np.asarray(values, np.uint8)
    start = head or bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    data = start + values.tobytes()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read(path: Path, columns: tuple[str, ...] = (), names: tuple[str, ...] | None = None) -> np.ndarray:
    file = open_file(path, names)
    return np.concatenate(list(file.read(columns or file.columns)))


def refused(path: Path, *words: object, columns: tuple[str, ...] = (), names: tuple[str, ...] | None = None) -> None:
    with pytest.raises(UserError) as error:
        read(path, columns, names)
    assert_one_line(error, path, *words)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV"])
@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.rstrip(),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD + "\n",
        '"a",b , c\n"1", 2,3\n4,5.5,-6e2\n',
    ],
    ids=["plain", "no last line end", "of Windows", "of a spreadsheet", "empty line", "quotes and blanks"],
)
def test_a_table_is_read(tmp_path, name, text):
    path = write(tmp_path / name, text)
    assert open_file(path).columns == ("a", "b", "c")
    np.testing.assert_array_equal(read(path), [[1, 2, 3], [4, 5.5, -600]], strict=True)
    np.testing.assert_array_equal(read(path, ("c", "a")), [[3, 1], [-600, 4]])


def test_a_table_without_names_gets_them(tmp_path):
    path = write(tmp_path / "t.csv.gz", "1,2\n3,4\n")
    np.testing.assert_array_equal(read(path, names=("x", "y")), [[1, 2], [3, 4]])
    assert open_file(path, ("x", "y")).count(("y",)) == 2


def test_columns_that_are_not_wanted_may_hold_anything(tmp_path):
    path = write(tmp_path / "t.csv", "town,x\nA,1\n,2\n")
    np.testing.assert_array_equal(read(path, ("x",)), [[1], [2]])
    assert open_file(path).count(("x",)) == 2


@given(piece=st.integers(40, 400))
def test_a_table_is_read_in_pieces_of_any_size(tmp_path_factory, piece):
    path = write(tmp_path_factory.mktemp("t") / "t.csv", "x,y\n" + "".join(f"{i},{i / 7}\n" for i in range(99)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_PIECE", piece)
        parts = list(open_file(path).read(("x", "y")))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate(parts), [[i, i / 7] for i in range(99)])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("4,abc,6", "line 3: b is 'abc', expected a finite number"),
        ("4,,6", "line 3: b is missing"),
        ("4,nan,6", "line 3: b is 'nan'"),
        ("4,NA,6", "line 3: b is 'NA'"),
        ("4,-inf,6", "line 3: b is '-inf'"),
        ("4,1e39,6", "line 3: b is '1e39'"),
        ("4,true,6", "line 3: b is 'true'"),
        ("4,5", "line 3: 2 values, expected 3"),
        ("4,5,6,7", "line 3: 4 values, expected 3"),
        ("4;5;6", "line 3: 1 values, expected 3"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_wrong_lines_are_named(tmp_path, name, row, words):
    refused(write(tmp_path / name, f"a,b,c\n1,2,3\n{row}\n7,8,9\n"), words)


def test_a_wrong_line_far_down_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_PIECE", 100)
    refused(write(tmp_path / "t.csv", "a,b\n" + "1,2\n" * 500 + "\n1,oops\n"), "line 503: b is 'oops'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("a,b,a\n1,2,3\n", "column name 'a' is empty, given twice"),
        ("a,,b\n1,2,3\n", "column name '' is empty"),
        ('a,"b, c"\n1,2\n', "'b, c'"),
        ("1,2,3\n4,5,6\n", "no names, only numbers; say by `names`"),
        ("a;b\n1;2\n", "separated by commas"),
        ("a,b,c\n", "no rows"),
    ],
    ids=["empty", "twice", "nameless", "comma", "only numbers", "semicolons", "only names"],
)
def test_tables_without_good_names_or_rows_are_refused(tmp_path, text, words):
    refused(write(tmp_path / "t.csv", text), words)


def test_names_that_do_not_fit_are_refused(tmp_path):
    refused(write(tmp_path / "t.csv", "1,2,3\n"), "3 values, `names` has 2", names=("x", "y"))


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    refused(
        write(tmp_path / "t.csv", "price,area\n1,2\n"), "no column 'prise'; did you mean 'price'?", columns=("prise",)
    )


def test_files_that_cannot_be_read_are_refused(tmp_path):
    refused(tmp_path / "none.csv", "no such file")
    (tmp_path / "f.csv").mkdir()
    refused(tmp_path / "f.csv", "is a folder")
    (tmp_path / "latin.csv").write_bytes("größe,b\n1,2\n".encode("latin-1"))
    refused(tmp_path / "latin.csv", "not UTF-8")
    refused(write(tmp_path / "t.txt", GOOD), "unknown ending", ".csv.gz")
    (tmp_path / "plain.csv.gz").write_text(GOOD)
    refused(tmp_path / "plain.csv.gz", "damaged or truncated")


@pytest.mark.parametrize("kept", [5, 0.5, 0.97])
def test_a_truncated_archive_is_refused(tmp_path, kept):
    rows = "".join(f"{i},{i * 0.7},{i**2}\n" for i in range(20_000))
    path = write(tmp_path / "t.csv.gz", "a,b,c\n" + rows)
    data = path.read_bytes()
    path.write_bytes(data[: kept if kept > 1 else int(kept * len(data))])
    refused(path, "damaged or truncated")


def test_a_frame_keeps_the_names_of_its_columns_and_its_order(tmp_path):
    path = write_frame(tmp_path / "t.hf5", np.arange(6.0).reshape(2, 3))
    assert open_file(path).columns == ("0", "1", "2")
    np.testing.assert_array_equal(read(path, ("2", "0")), [[2, 0], [5, 3]])
    assert open_file(path).count(("2",)) == 2


def test_wrong_values_of_a_frame_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "_VALUES", 6)
    table = np.ones((10, 3))
    table[7, 1] = np.nan
    refused(write_frame(tmp_path / "t.h5", table), "row 7: 1 is nan")


@pytest.mark.parametrize("name", ["x-idx3-ubyte", "x-idx3-ubyte.gz"])
def test_pictures_are_read(tmp_path, name, monkeypatch):
    monkeypatch.setattr(idx, "_WHOLE", 13)
    pictures = np.arange(2 * 3 * 7).reshape(7, 2, 3)
    path = write_idx(tmp_path / name, pictures)
    file = open_file(path)
    assert (file.format, file.shape, file.count(())) == ("idx", (2, 3), 7)
    parts = list(file.read(()))
    assert [len(part) for part in parts] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(parts), pictures.astype(np.uint8), strict=True)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"PNG!", "not an idx file (begins with 50 4e 47 21)"),
        (b"\0\0", "not an idx file"),
        (b"\0\0\x0d\3" + bytes(12), "type 0x0d"),
        (b"\0\0\x08\2" + bytes(8), "with 2 dimensions"),
        (b"\0\0\x08\3" + bytes(4), "truncated before"),
        (b"\0\0\x08\3" + bytes(12), "has the shape (0, 0, 0)"),
        (b"\0\0\x08\3" + b"\xff" * 12, "has the shape (4294967295, "),
    ],
    ids=["png", "short", "floats", "two", "no lengths", "nothing", "huge"],
)
@pytest.mark.parametrize("name", ["x-ubyte", "x-ubyte.gz"])
def test_what_is_no_idx_file_is_refused(tmp_path, name, head, words):
    refused(write_idx(tmp_path / name, np.zeros(0), head), words)


@pytest.mark.parametrize("change", [-1, 1])
def test_pictures_that_end_too_early_or_too_late_are_refused(tmp_path, change):
    path = write_idx(tmp_path / "x-ubyte", np.ones((5, 2, 2)))
    data = path.read_bytes()
    path.write_bytes(data[:-1] if change < 0 else data + b"\0")
    refused(path, "truncated: holds 4 of 5" if change < 0 else "goes on after its 5 entries")


def test_a_truncated_archive_of_pictures_is_refused(tmp_path):
    path = write_idx(tmp_path / "x-ubyte.gz", np.random.default_rng(1).integers(0, 255, (50, 9, 9)))
    path.write_bytes(path.read_bytes()[:-400])
    refused(path, "damaged or truncated")
