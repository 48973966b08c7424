"""Spectra from pandas' fixed-format HDF5: what is read, what is refused; the files are written with h5py alone."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config import Counts
from jetpulse.errors import UserError
from jetpulse.samples.frames import open_frame
from jetpulse.spectra.checks import check_counts, check_flux
from jetpulse.spectra.generator import expected_counts
from toy_jets import assert_one_line

TABLE = np.arange(12.0).reshape(3, 4)


def write_frame(path: Path, table: np.ndarray, key: str = "data", **attributes) -> Path:
    """Write a frame of one dtype as pandas does."""
    with h5py.File(path, "a") as handle:
        group = handle.create_group(key)
        group.attrs.update({"pandas_type": np.bytes_(b"frame"), "nblocks": 1, "ndim": 2} | attributes)
        group["axis0"] = group["block0_items"] = np.arange(np.shape(table)[1])
        group["axis1"] = np.arange(np.shape(table)[0])
        group["block0_values"] = table
        group["block0_values"].attrs["transposed"] = np.uint8(1)
    return path


def write_columns_frame(path: Path, columns: dict[str, np.ndarray]) -> Path:
    """Write a frame of named columns as pandas does: a block for every dtype."""
    with h5py.File(path, "w") as handle:
        group = handle.create_group("data")
        dtypes = list(dict.fromkeys(values.dtype for values in columns.values()))
        group.attrs.update({"pandas_type": np.bytes_(b"frame"), "nblocks": len(dtypes), "ndim": 2})
        group["axis0"] = np.array(list(columns), "S")
        for i, dtype in enumerate(dtypes):
            names = [name for name, values in columns.items() if values.dtype == dtype]
            group[f"block{i}_items"] = np.array(names, "S")
            group[f"block{i}_values"] = np.stack([columns[name] for name in names], axis=1)
            group[f"block{i}_values"].attrs["transposed"] = np.uint8(1)
    return path


def read(path: Path, key: str = "data", start: int = 0, stop: int = 1 << 40) -> np.ndarray:
    with open_frame(path, key) as frame:
        return frame.read(start, stop)


@pytest.fixture
def good(tmp_path) -> Path:
    return write_frame(tmp_path / "data.h5", TABLE)


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "<i8", "<u2"])
def test_a_frame_is_read_as_numbers_of_full_precision(tmp_path, dtype):
    table = read(write_frame(tmp_path / "a.h5", TABLE.astype(dtype)))
    np.testing.assert_array_equal(table, TABLE, strict=True)


@given(start=st.integers(0, 5), stop=st.integers(0, 9))
def test_any_part_of_a_frame_can_be_read(tmp_path_factory, start, stop):
    path = write_frame(tmp_path_factory.mktemp("part") / "a.h5", TABLE)
    np.testing.assert_array_equal(read(path, start=min(start, stop, 3), stop=stop), TABLE[min(start, stop, 3) : stop])


def test_values_that_are_not_transposed_have_columns_first(good):
    with h5py.File(good, "a") as handle:
        del handle["data/block0_values"]
        handle["data/block0_values"] = TABLE.T
    np.testing.assert_array_equal(read(good), TABLE)
    np.testing.assert_array_equal(read(good, start=1, stop=2), TABLE[1:2])


def test_the_only_frame_is_read_whatever_it_is_called(tmp_path):
    np.testing.assert_array_equal(read(write_frame(tmp_path / "a.h5", TABLE, "spectra")), TABLE)


def test_among_several_frames_the_key_decides(good):
    write_frame(good, TABLE + 1, "targets")
    np.testing.assert_array_equal(read(good), TABLE)
    np.testing.assert_array_equal(read(good, "targets"), TABLE + 1)
    with pytest.raises(UserError) as error:
        read(good, "fluxes")
    assert_one_line(error, good, "data, targets", "'fluxes'")


@pytest.mark.parametrize("columns", [list(range(4)), ["d", "b", "c", "a"]], ids=["numbers", "names"])
def test_columns_of_several_types_keep_their_places(tmp_path, columns):
    """Blocks: columns 0 and 2 are whole numbers, columns 1 and 3 are not."""
    names = np.array(columns, "S1" if isinstance(columns[0], str) else int)
    with h5py.File(write_frame(tmp_path / "a.h5", TABLE[:, [0, 2]].astype(int), nblocks=2), "a") as handle:
        group = handle["data"]
        del group["axis0"], group["block0_items"]
        group["axis0"] = names
        group["block0_items"], group["block1_items"] = names[[0, 2]], names[[3, 1]]
        group["block1_values"] = TABLE[:, [3, 1]]
        group["block1_values"].attrs["transposed"] = np.uint8(1)
    np.testing.assert_array_equal(read(tmp_path / "a.h5"), TABLE)


@pytest.mark.parametrize("change", ["double", "unknown", "short", "missing", "rows", "block"])
def test_blocks_that_do_not_fit_are_refused(good, change):
    with h5py.File(good, "a") as handle:
        group = handle["data"]
        group.attrs["nblocks"] = 2
        if change != "block":
            group["block1_values"] = TABLE[: 2 if change == "rows" else 3, :2]
            group["block1_values"].attrs["transposed"] = np.uint8(1)
        items = {"double": [0, 1], "unknown": [8, 9], "short": [4], "rows": [4, 5]}.get(change)
        if items:
            group["block1_items"] = items
        del group["axis0"]
        group["axis0"] = np.arange(6)
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "again")


def test_another_format_of_pandas_is_refused_with_the_one_to_use(good):
    with h5py.File(good, "a") as handle:
        handle["data"].attrs["pandas_type"] = np.bytes_(b"frame_table")
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "frame_table", "format='fixed'")


@pytest.mark.parametrize("content", ["nothing", "array", "group"])
def test_what_is_no_frame_is_refused(tmp_path, content):
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        if content == "array":
            handle["data"] = TABLE
        if content == "group":
            handle.create_group("data")
    with pytest.raises(UserError) as error:
        read(tmp_path / "a.h5")
    assert_one_line(error, tmp_path / "a.h5", "no pandas frame", "nothing" if content == "nothing" else "data (not of")


def replace_values(path: Path, values, **options) -> None:
    with h5py.File(path, "a") as handle:
        attributes = dict(handle["data/block0_values"].attrs)
        del handle["data/block0_values"]
        handle["data"].create_dataset("block0_values", data=values, **options)
        handle["data/block0_values"].attrs.update(attributes)


@pytest.mark.parametrize("values", [np.array([[b"a", b"b"]]), TABLE > 3], ids=["text", "flags"])
def test_what_is_no_number_is_refused(good, values):
    replace_values(good, values)
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "data/block0_values does not hold numbers")


def test_objects_which_pandas_pickles_are_refused(good):
    with h5py.File(good, "a") as handle:
        del handle["data/block0_values"]
        pickled = handle["data"].create_dataset("block0_values", (1,), h5py.vlen_dtype(np.uint8))
        pickled[0] = np.frombuffer(b"cos\nsystem\n", np.uint8)
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "data/block0_values does not hold numbers")


def test_dates_are_refused(good):
    with h5py.File(good, "a") as handle:
        handle["data/block0_values"].attrs["value_type"] = np.bytes_(b"datetime64[ns]")
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "does not hold numbers")


@pytest.mark.parametrize("values", [np.zeros((0, 4)), np.zeros((3, 0)), np.zeros((1, 1))])
def test_a_frame_without_rows_or_columns_is_refused(good, values):
    replace_values(good, values)
    if values.size:
        with h5py.File(good, "a") as handle:  # pandas cannot store an empty array and marks a full one
            handle["data/block0_values"].attrs["shape"] = np.bytes_(b"(I0\nI0\ntp0\n.")
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "no rows or no columns")


def test_a_frame_of_no_blocks_is_refused(good):
    with h5py.File(good, "a") as handle:
        handle["data"].attrs["nblocks"] = 0
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "no rows or no columns")


def test_a_frame_that_lacks_its_values_is_refused(good):
    with h5py.File(good, "a") as handle:
        del handle["data/block0_values"]
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "lacks data/block0_values")


def test_values_of_another_dimension_are_refused(good):
    replace_values(good, np.zeros(3))
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "1 dimensions")


def test_missing_empty_foreign_and_truncated_files_are_refused(tmp_path, good):
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.h5").write_text("counts\n" * 1000)
    os.truncate(good, good.stat().st_size // 2)
    for name, words in {
        "none.h5": "no such file",
        "empty.h5": "empty",
        "text.h5": "not an HDF5 file",
        "data.h5": "truncated",
    }.items():
        with pytest.raises(UserError) as error:
            read(tmp_path / name)
        assert_one_line(error, tmp_path / name, words)


def test_damaged_bytes_are_named_by_their_rows(good):
    replace_values(good, TABLE, chunks=(1, 4), compression="gzip")
    with h5py.File(good) as handle:
        where = handle["data/block0_values"].id.get_chunk_info(1)
    content = bytearray(good.read_bytes())
    content[where.byte_offset : where.byte_offset + where.size] = b"\xff" * where.size
    good.write_bytes(content)
    np.testing.assert_array_equal(read(good, stop=1), TABLE[:1])
    with pytest.raises(UserError) as error:
        read(good, start=1)
    assert_one_line(error, good, "rows from 1 cannot be read")


@pytest.mark.parametrize("number", [10**12, "many", -1])
def test_a_damaged_number_of_blocks_is_refused_at_once(good, number):
    with h5py.File(good, "a") as handle:
        handle["data"].attrs["nblocks"] = number
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good)


def test_a_file_with_any_bytes_damaged_is_read_or_refused_in_one_line(good):
    content, refused = good.read_bytes(), 0
    rng = np.random.default_rng(1)
    for _ in range(150):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(0, len(damaged), 20)] = rng.integers(0, 256, 20)
        good.write_bytes(damaged.tobytes())
        try:
            assert read(good).shape[1] > 0
        except UserError as error:
            refused += 1
            assert str(good) in str(error)
            assert "\n" not in str(error)
    assert refused > 15


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, 1e39])
def test_wrong_counts_name_their_row_and_bin(value):
    table = TABLE.copy()
    table[2, 1] = value
    with pytest.raises(UserError) as error:
        check_counts(table, "a.h5", 100)
    assert_one_line(error, "a.h5", "row 102, bin 1", f"{value:g}")
    check_counts(TABLE, "a.h5")


def test_fluxes_may_be_negative_but_not_infinite():
    check_flux(-TABLE, "a.h5")
    table = TABLE.copy()
    table[1, 0] = np.inf
    with pytest.raises(UserError) as error:
        check_flux(table, "a.h5", 10)
    assert_one_line(error, "a.h5", "row 11", "line 1 is inf")


def test_the_real_files_are_what_the_generator_makes(real_data):
    """Chi-square per bin against the expected counts of the given fluxes; its error is sqrt(2 / 100,000) = 0.0045."""
    counts = read(real_data / "spectra_data.hf5")
    flux = read(real_data / "spectra_targets.hf5", "targets")
    assert (counts.shape, flux.shape) == ((200, 500), (200, 2))
    assert counts[:, 0].mean() == pytest.approx(500, abs=4 * np.sqrt(500 / 200))
    expected = expected_counts(Counts(), flux)
    pull = (counts - expected) / np.sqrt(expected)
    assert (pull**2).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / counts.size))
    assert np.abs(pull.mean(axis=0)).max() * np.sqrt(200) < 4
    assert np.abs(pull.mean(axis=1)).max() * np.sqrt(500) < 4
    assert np.abs((pull**2).mean(axis=1) - 1).max() < 4 * np.sqrt(2 / 500)
    there = flux > 0
    np.testing.assert_allclose(there.mean(axis=0), 0.5, atol=4 * 0.5 / np.sqrt(200))
    for values, line in zip(flux.T, Counts().lines, strict=True):
        logs = np.log(values[values > 0])
        assert logs.mean() == pytest.approx(np.log(line.flux), abs=4 * line.spread / np.sqrt(len(logs)))
        assert logs.std() == pytest.approx(line.spread, rel=4 / np.sqrt(2 * len(logs)))
