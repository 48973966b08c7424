import os
from typing import get_args

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.jets import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.readers import load_reader
from jetpulse.samples import counts_to_offsets
from top_tagging_file import momentum_names, names_as_pickle, read_top_tagging, write_table
from toy_jets import assert_one_line, momenta

SOFT, HARD, MIDDLE = momenta([(5.0, 0.1, 0.2), (50.0, 0.0, 0.1), (20.0, -0.3, 3.0)])
NOTHING = np.zeros(4)
JETS = np.array([[HARD, MIDDLE, SOFT], [HARD, NOTHING, NOTHING], [MIDDLE, SOFT, NOTHING]])


def read(path, **arguments):
    return list(read_top_tagging(path, **arguments))


@pytest.fixture
def good(tmp_path):
    return write_table(tmp_path / "jets.h5", JETS, [1, 0, 1])


def test_the_public_file_equals_the_compact_copy_exactly(real_data):
    blocks = read(real_data / "top_landscape_test_first1000.h5", rows=300)
    assert [len(block) for block in blocks] == [300, 300, 300, 100]
    with np.load(real_data / "top_landscape_test_first1000.npz") as expected:
        found = np.concatenate([block.flat["constituents"] for block in blocks])
        np.testing.assert_array_equal(found, expected["constituents"], strict=True)
        counts = np.concatenate([np.diff(block.offsets) for block in blocks])
        np.testing.assert_array_equal(counts, expected["counts"])
        labels = np.concatenate([block.entries["label"] for block in blocks])
        np.testing.assert_array_equal(labels, expected["label"])


def test_padding_is_dropped_and_the_rest_kept(good):
    (block,) = read(good)
    assert block.offsets.tolist() == [0, 3, 4, 6]
    expected = np.array([HARD, MIDDLE, SOFT, HARD, MIDDLE, SOFT], np.float32)
    np.testing.assert_array_equal(block.flat["constituents"], expected, strict=True)
    assert block.entries["label"].tolist() == [1, 0, 1]
    assert block.entries["label"].dtype == np.int8


def test_event_ids_hold_the_beginning_that_is_given_and_the_row(good):
    blocks = read(good, prefix=3, rows=2)
    events = np.concatenate([block.entries["event"] for block in blocks])
    assert events.tolist() == [3 << 32, (3 << 32) + 1, (3 << 32) + 2]
    assert events.dtype == np.int64


def test_unsorted_constituents_get_sorted_and_gaps_closed(tmp_path):
    path = write_table(tmp_path / "a.h5", np.array([[SOFT, NOTHING, HARD], [NOTHING, SOFT, MIDDLE]]), [0, 1])
    (block,) = (check_jets(block, path, "repair") for block in read(path))
    expected = np.array([HARD, SOFT, MIDDLE, SOFT], np.float32)
    np.testing.assert_array_equal(block.flat["constituents"], expected)
    assert block.offsets.tolist() == [0, 2, 4]


@given(rows=st.integers(1, 9), n=st.integers(1, 8), seed=st.integers(0, 1000))
def test_the_size_of_a_block_does_not_change_the_jets(tmp_path_factory, rows, n, seed):
    rng = np.random.default_rng(seed)
    jets = momenta(rng.uniform([1, -2, -3], [100, 2, 3], (n * 4, 3))).reshape(n, 4, 4)
    jets[rng.random((n, 4)) < 0.4] = 0
    path = write_table(tmp_path_factory.mktemp("rows") / "a.h5", jets, rng.integers(0, 2, n))
    blocks = read(path, rows=rows)
    assert [len(block) for block in blocks] == [min(rows, n - start) for start in range(0, n, rows)]
    for whole in read(path, rows=100):
        parts = np.concatenate([block.flat["constituents"] for block in blocks])
        np.testing.assert_array_equal(parts, whole.flat["constituents"])
        counts = np.concatenate([np.diff(block.offsets) for block in blocks])
        np.testing.assert_array_equal(counts_to_offsets(counts), whole.offsets)


def test_a_table_without_rows_has_no_blocks(tmp_path):
    with h5py.File(write_table(tmp_path / "a.h5", JETS, [1, 0, 1]), "a") as handle:
        handle["table/table"].resize(0, axis=0)
    assert read(tmp_path / "a.h5") == []


def test_columns_are_found_by_name_wherever_they_stand(tmp_path):
    names = momentum_names(1)
    order = [2, 0, 3, 1]  # PY, E, PZ, PX
    shuffled = np.array([[HARD[order]], [SOFT[order]]])
    path = write_table(tmp_path / "a.h5", shuffled, [0, 1], [*(names[i] for i in order), *names[4:]])
    (block,) = read(path)
    np.testing.assert_array_equal(block.flat["constituents"], np.array([HARD, SOFT], np.float32))


def test_labels_are_found_by_name_wherever_they_stand(tmp_path):
    path = write_table(tmp_path / "a.h5", JETS, [1, 1, 1], label_names=("is_signal_new", "ttv"))
    assert read(path)[0].entries["label"].tolist() == [0, 0, 0]


def test_column_names_stored_as_text_are_understood(good):
    with h5py.File(good, "a") as handle:
        for block in ("values_block_0_kind", "values_block_1_kind"):
            handle["table/table"].attrs[block] = bytes(handle["table/table"].attrs[block]).decode()
    assert read(good)[0].entries["label"].tolist() == [1, 0, 1]


@pytest.mark.parametrize("name", ["E_0", "PX_1", "PZ_2"])
def test_a_missing_column_is_named(tmp_path, name):
    names = ["other" if column == name else column for column in momentum_names(3)]
    with pytest.raises(UserError) as error:
        read(write_table(tmp_path / "a.h5", JETS, [1, 0, 1], names))
    assert_one_line(error, tmp_path / "a.h5", f"no column {name!r}", "expected")


def test_a_missing_label_column_is_named(tmp_path):
    with pytest.raises(UserError) as error:
        read(write_table(tmp_path / "a.h5", JETS, [1, 0, 1], label_names=("ttv", "is_signal")))
    assert_one_line(error, tmp_path / "a.h5", "'is_signal_new'", "ttv, is_signal")


@pytest.mark.parametrize("count", [2, 100])
def test_names_that_do_not_fit_the_columns_are_a_one_line_error(tmp_path, count):
    with pytest.raises(UserError) as error:
        read(write_table(tmp_path / "a.h5", JETS, [1, 0, 1], momentum_names(count)))
    assert_one_line(error, tmp_path / "a.h5", "values_block_0 has 16 columns", "layout")


def test_a_table_without_names_is_a_one_line_error(good):
    with h5py.File(good, "a") as handle:
        del handle["table/table"].attrs["values_block_0_kind"]
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "values_block_0", "layout")


@pytest.mark.parametrize("label", [2, -1])
@pytest.mark.parametrize("rows", [1, 2, 10])
def test_a_wrong_label_names_its_event(tmp_path, label, rows):
    with pytest.raises(UserError) as error:
        read(write_table(tmp_path / "a.h5", JETS, [1, 0, label]), rows=rows)
    assert_one_line(error, tmp_path / "a.h5", "event 2:", f"label is {label}", "expected 0 (QCD) or 1 (top)")


def test_another_key_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error:
        read(write_table(tmp_path / "a.h5", JETS, [1, 0, 1], key="jets"))
    assert_one_line(error, tmp_path / "a.h5", "no pandas table under key 'table'", "found jets")


def test_a_table_of_other_fields_is_a_one_line_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        handle["table/table"] = np.zeros(3, [("index", "<i8"), ("values_block_0", "<f4", (4,))])
    with pytest.raises(UserError) as error:
        read(tmp_path / "a.h5")
    assert_one_line(error, tmp_path / "a.h5", "lacks values_block_1", "layout")


def test_a_plain_array_in_place_of_the_table_is_a_one_line_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        handle["table/table"] = np.zeros((3, 4))
    with pytest.raises(UserError) as error:
        read(tmp_path / "a.h5")
    assert_one_line(error, tmp_path / "a.h5", "lacks", "layout")


def test_a_truncated_file_is_a_one_line_error(good):
    os.truncate(good, good.stat().st_size // 2)
    with pytest.raises(UserError) as error:
        read(good)
    assert_one_line(error, good, "truncated", "fetch")


def test_damaged_bytes_name_the_rows_that_cannot_be_read(tmp_path):
    path = write_table(tmp_path / "a.h5", np.concatenate([JETS, JETS]), [1, 0, 1, 0, 1, 0], compression="gzip")
    with h5py.File(path) as handle:
        where = handle["table/table"].id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[where.byte_offset : where.byte_offset + where.size] = b"\xff" * where.size
    path.write_bytes(content)
    blocks = read_top_tagging(path, rows=2)
    assert len(next(blocks)) == 2
    with pytest.raises(UserError) as error:
        next(blocks)
    assert_one_line(error, path, "from row 2", "fetch or make the file again")


def test_the_names_are_those_of_a_real_file(real_data):
    with h5py.File(real_data / "top_landscape_test_first1000.h5") as handle:
        attributes = handle["table/table"].attrs
        assert bytes(attributes["values_block_0_kind"]) == names_as_pickle(momentum_names(200))
        assert bytes(attributes["values_block_1_kind"]) == names_as_pickle(["ttv", "is_signal_new"])


@pytest.mark.parametrize("format", get_args(JetSource.model_fields["format"].annotation))
def test_every_format_of_the_config_has_a_reader(format):
    assert callable(load_reader(format).read)
