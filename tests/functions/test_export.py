"""Jets out and in again: every format gives the same constituents, labels and bytes."""

import time

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from jet_formats import toy_block, write_npz
from jetpulse.cli import main
from jetpulse.config import JetDataset, JetSource
from jetpulse.errors import UserError
from jetpulse.jets.export import export_jets
from jetpulse.jets.files import write_samples
from jetpulse.jets.intake import jets_of_files
from jetpulse.jets.readers import read_jets
from jetpulse.samples import Writer, read_block
from toy_jets import assert_one_line

READ_AS = {"root": "tree", "parquet": "parquet", "npz": "npz"}


@pytest.fixture
def samples(tmp_path):
    path = write_npz(tmp_path / "jets.npz", toy_block(60, most=30))
    spec = JetDataset(kind="jets", source={"files": [str(path)], "format": "npz"})
    write_samples(tmp_path / "samples.h5", spec, [])
    return tmp_path / "samples.h5"


@pytest.mark.parametrize("rows", [7, 10_000])
@pytest.mark.parametrize("format", READ_AS)
def test_exported_jets_come_back_identical(tmp_path, samples, format, rows, monkeypatch):
    monkeypatch.setattr("jetpulse.jets.export._ROWS", rows)
    path = tmp_path / f"train.{format}"
    before = read_block(samples, "train")
    assert export_jets(samples, path, format, ["train"]) == len(before)
    blocks = list(read_jets(path, JetSource(files=[str(path)], format=READ_AS[format]), rows=11))
    constituents = np.concatenate([block.flat["constituents"] for block in blocks])
    np.testing.assert_array_equal(constituents, before.flat["constituents"], strict=True)
    counts = np.concatenate([np.diff(block.offsets) for block in blocks])
    np.testing.assert_array_equal(counts, np.diff(before.offsets))
    label = np.concatenate([block.entries["label"] for block in blocks])
    np.testing.assert_array_equal(label, before.entries["label"], strict=True)
    event = np.concatenate([block.entries["event"] for block in blocks])
    np.testing.assert_array_equal(event, before.entries["event"], strict=True)


@pytest.mark.parametrize("format", READ_AS)
def test_exported_events_of_several_jets_are_not_torn_when_they_are_read_back(tmp_path, real_data, format):
    nano = {"files": {"test": {"path": str(real_data / "nano_tt_v15.root"), "label": 1}}, "format": "nanoaod"}
    with Writer.create(tmp_path / "nano.h5", "jets", spec={}, units={}) as writer:
        for split, block in jets_of_files(JetDataset(kind="jets", source=nano)):
            writer.append(split, block)
    export_jets(tmp_path / "nano.h5", tmp_path / f"all.{format}", format, ["test"])
    back = {"files": [str(tmp_path / f"all.{format}")], "format": READ_AS[format]}
    spec = JetDataset(kind="jets", source=back, split={"train": 0.5, "val": 0, "test": 0.5})
    found = {}
    for split, block in jets_of_files(spec):
        for event in block.entries["event"].tolist():
            found.setdefault(event, []).append(split)
    assert sum(len(splits) > 1 for splits in found.values()) > 10
    assert {len(set(splits)) for splits in found.values()} == {1}


@pytest.mark.parametrize("format", READ_AS)
def test_the_same_jets_give_the_same_bytes(tmp_path, samples, format):
    paths = [tmp_path / "a" / f"train.{format}", tmp_path / "b" / f"other.{format}"]
    for path in paths:
        export_jets(samples, path, format, ["train", "test"])
        time.sleep(1.1 if path == paths[0] else 0)  # dates in files have seconds
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_other_tools_see_plain_columns(tmp_path, samples):
    before = read_block(samples, "test")
    for format in READ_AS:
        export_jets(samples, tmp_path / f"test.{format}", format, ["test"])
    with uproot.open({str(tmp_path / "test.root"): "jets"}) as tree:
        names = [f"constituent_{name}" for name in ("E", "px", "py", "pz")]
        assert tree.keys() == ["event", "label", "nconstituent", *names]
        assert tree["event"].array().tolist() == before.entries["event"].tolist()
    table = pq.read_table(tmp_path / "test.parquet")
    assert table.column_names == ["event", "label", "E", "px", "py", "pz"]
    assert table["event"].to_pylist() == before.entries["event"].tolist()
    with np.load(tmp_path / "test.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["event"], before.entries["event"])
        np.testing.assert_array_equal(archive["constituents"], before.flat["constituents"])


def test_splits_follow_one_another(tmp_path, samples):
    sizes = [len(read_block(samples, split)) for split in ("train", "val", "test")]
    assert export_jets(samples, tmp_path / "all.npz", "npz", ["train", "val", "test"]) == sum(sizes) == 60


def test_nothing_to_export_is_a_one_line_error_and_leaves_no_file(tmp_path):
    path = write_npz(tmp_path / "jets.npz", toy_block(10))
    write_samples(
        tmp_path / "s.h5", JetDataset(kind="jets", source={"files": {"test": str(path)}, "format": "npz"}), []
    )
    with pytest.raises(UserError) as error:
        export_jets(tmp_path / "s.h5", tmp_path / "train.root", "root", ["train"])
    assert_one_line(error, tmp_path / "s.h5", "no jets in train")
    assert not (tmp_path / "train.root").exists()


@pytest.mark.parametrize("format", READ_AS)
def test_the_command_writes_every_format(tmp_path, samples, format, capsys):
    out = tmp_path / f"all.{format}"
    assert main(["export-jets", str(samples), str(out), "--format", format]) == 0
    assert f"wrote {out}: 60 jets of train, val, test" in capsys.readouterr().err


def test_images_are_no_jets(tmp_path, samples, capsys):
    assert main(["export-jets", str(tmp_path / "jets.npz"), str(tmp_path / "a.root"), "--format", "root"]) == 1
    assert "not an HDF5 file" in capsys.readouterr().err
    assert not (tmp_path / "a.root").exists()
