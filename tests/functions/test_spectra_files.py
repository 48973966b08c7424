"""Samples of spectra: splits, layout, provenance; generated or from files, of which bad ones are refused."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.cli import main
from jetpulse.config import SpectrumDataset
from jetpulse.errors import UserError
from jetpulse.samples import SPLITS, assign_splits, read_attributes, read_block, shuffle_splits, split_sizes
from jetpulse.spectra import files
from jetpulse.spectra.files import write_samples
from jetpulse.spectra.generator import generate_block
from test_frames import write_columns_frame, write_frame
from toy_jets import assert_one_line

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
ONLY_TRAIN = {"train": 1.0, "val": 0.0, "test": 0.0}


def generated(split: dict | None = None, **counts) -> SpectrumDataset:
    source = {"counts": {"n": 100, "bins": 6, "block": 30} | counts}
    return SpectrumDataset.model_validate({"kind": "spectra", "source": source, "split": split or {}})


def from_files(paths: list[Path], targets: list[Path] | None = None, **split) -> SpectrumDataset:
    source = {"files": [str(p) for p in paths], "targets": [str(p) for p in targets] if targets else None}
    return SpectrumDataset.model_validate({"kind": "spectra", "source": source, "split": split or ONLY_TRAIN})


def contents(path: Path) -> dict[str, dict[str, np.ndarray]]:
    return {split: read_block(path, split).entries for split in SPLITS}


@pytest.fixture
def pair(tmp_path) -> tuple[Path, Path]:
    """Forty spectra of five bins, of which spectrum i counts 10 i and more, and two fluxes."""
    counts = 10.0 * np.arange(40)[:, None] + np.arange(5)
    flux = np.stack([np.arange(40) / 3, np.zeros(40)], axis=1)
    return write_frame(tmp_path / "d.h5", counts), write_frame(tmp_path / "t.h5", flux, "targets")


def test_generated_spectra_are_those_of_the_blocks_each_in_the_split_of_its_event(tmp_path):
    spec = generated()
    counts = write_samples(tmp_path / "s.h5", spec)
    assert counts == split_sizes(tmp_path / "s.h5")
    assert sum(counts.values()) == 100
    made = [generate_block(spec.source.counts, block) for block in range(4)]
    spectra = np.concatenate([m.counts for m in made])
    flux = np.concatenate([m.flux for m in made])
    for i, entries in enumerate(contents(tmp_path / "s.h5").values()):
        event = entries["event"]
        np.testing.assert_array_equal(event, np.flatnonzero(assign_splits(np.arange(100), FRACTIONS) == i))
        np.testing.assert_array_equal(entries["counts"], spectra[event], strict=True)
        np.testing.assert_array_equal(entries["flux"], flux[event], strict=True)


def test_the_file_says_what_it_is(tmp_path):
    spec = generated()
    write_samples(tmp_path / "s.h5", spec)
    attributes = read_attributes(tmp_path / "s.h5", "spectra")
    assert list(attributes["shape"]) == [6]
    assert (attributes["outputs"], attributes["features"]) == (0, "counts")
    assert json.loads(attributes["dataset"]) == attributes["spec"] == spec.model_dump()
    assert set(attributes["units"]) == {"counts", "flux"}
    entries = contents(tmp_path / "s.h5")["train"]
    assert {name: values.dtype for name, values in entries.items()} == {
        "event": np.int64,
        "counts": np.float32,
        "flux": np.float64,
    }


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_the_same_spec_gives_the_same_bytes(tmp_path, method):
    for name in ("a.h5", "b.h5"):
        write_samples(tmp_path / name, generated({"method": method, "seed": 3}))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_shuffled_splits_have_exact_numbers_across_blocks(tmp_path):
    counts = write_samples(tmp_path / "s.h5", generated({"method": "shuffle", "seed": 3}))
    assert counts == {"train": 60, "val": 20, "test": 20}
    where = shuffle_splits(100, FRACTIONS, 3)
    for i, entries in enumerate(contents(tmp_path / "s.h5").values()):
        np.testing.assert_array_equal(entries["event"], np.flatnonzero(where == i))


def test_more_spectra_move_none_of_the_others(tmp_path):
    write_samples(tmp_path / "a.h5", generated(n=50))
    write_samples(tmp_path / "b.h5", generated(n=100))
    fewer, more = contents(tmp_path / "a.h5"), contents(tmp_path / "b.h5")
    for split in SPLITS:
        kept = more[split]["event"] < 50
        for name, values in fewer[split].items():
            np.testing.assert_array_equal(values, more[split][name][kept])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_very_few_spectra(tmp_path, n):
    assert write_samples(tmp_path / "s.h5", generated(ONLY_TRAIN, n=n)).total() == n
    shapes = {split: entries["counts"].shape for split, entries in contents(tmp_path / "s.h5").items()}
    assert shapes == {"train": (n, 6), "val": (0, 6), "test": (0, 6)}


def test_no_spectra_are_no_mistake(tmp_path):
    write_samples(tmp_path / "s.h5", generated(n=0))
    assert split_sizes(tmp_path / "s.h5") == {"train": 0, "val": 0, "test": 0}


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_a_split_that_ends_up_empty_is_refused(tmp_path, method):
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "s.h5", generated({"method": method}, n=1))
    assert_one_line(error, tmp_path / "s.h5", "split 'train' has none of the 1 spectra", "0.6")
    assert not list(tmp_path.iterdir())


def test_spectra_without_lines_have_no_flux(tmp_path):
    write_samples(tmp_path / "s.h5", generated(lines=[]))
    assert set(contents(tmp_path / "s.h5")["train"]) == {"event", "counts"}
    assert set(read_attributes(tmp_path / "s.h5")["units"]) == {"counts"}


@given(rows=st.integers(1, 50))
def test_files_are_read_in_pieces_of_any_size(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("pieces")
    rng = np.random.default_rng(rows)
    tables = [rng.integers(0, 99, (n, 3)) for n in (7, 31)]
    paths = [write_frame(folder / f"{i}.h5", table) for i, table in enumerate(tables)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_VALUES", 3 * rows)
        write_samples(folder / "s.h5", from_files(paths))
    entries = contents(folder / "s.h5")["train"]
    np.testing.assert_array_equal(entries["counts"], np.concatenate(tables))
    np.testing.assert_array_equal(entries["event"] & 0xFFFFFFFF, np.r_[np.arange(7), np.arange(31)])
    assert len(set((entries["event"] >> 32).tolist())) == 2


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_spectra_from_files_keep_their_fluxes(tmp_path, pair, method):
    spec = from_files([pair[0]], [pair[1]], **FRACTIONS, method=method)
    counts = write_samples(tmp_path / "s.h5", spec)
    assert counts.total() == 40
    assert method == "hash" or counts == {"train": 24, "val": 8, "test": 8}
    for entries in contents(tmp_path / "s.h5").values():
        row = entries["event"] & 0xFFFFFFFF
        np.testing.assert_array_equal(entries["counts"], 10 * row[:, None] + np.arange(5))
        np.testing.assert_array_equal(entries["flux"], np.stack([row / 3, np.zeros(len(row))], axis=1))


def test_spectra_in_two_splits_are_refused_unless_a_column_names_their_event(tmp_path):
    rng = np.random.default_rng(1)
    table = np.repeat(rng.integers(0, 999, (60, 5)), 3, axis=0)
    columns = {f"b{i}": table[:, i].astype(float) for i in range(5)}
    path = write_columns_frame(tmp_path / "a.h5", columns)
    refused(tmp_path, from_files([path], **FRACTIONS), path, "the very same spectrum is spectrum", "duplicates: keep")
    path = write_columns_frame(tmp_path / "b.h5", {"id": 2**60 + np.repeat(np.arange(60), 3), **columns})
    spec = from_files([path], **FRACTIONS)
    spec = spec.model_copy(update={"source": spec.source.model_copy(update={"event": ["id"]})})
    lines = []
    write_samples(tmp_path / "s.h5", spec, log=lines.append)
    found = contents(tmp_path / "s.h5").values()
    assert sum(len(np.unique(entries["event"])) for entries in found) == 60
    assert {entries["counts"].shape[1] for entries in found} == {5}
    assert f"{path}: entries of equal id are one event" in lines


def test_without_targets_there_is_no_flux(tmp_path, pair):
    write_samples(tmp_path / "s.h5", from_files([pair[0]]))
    assert set(contents(tmp_path / "s.h5")["train"]) == {"event", "counts"}


def refused(tmp_path: Path, spec: SpectrumDataset, *words: object) -> None:
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "s.h5", spec)
    assert_one_line(error, *words)
    assert not (tmp_path / "s.h5").exists()


def test_files_of_different_bins_are_refused(tmp_path, pair):
    other = write_frame(tmp_path / "o.h5", np.ones((3, 6)))
    refused(tmp_path, from_files([pair[0], other]), other, "6 bins", pair[0], "has 5")


def test_targets_of_different_lines_are_refused(tmp_path, pair):
    other = write_frame(tmp_path / "o.h5", np.ones((40, 3)))
    copy = write_frame(tmp_path / "c.h5", np.ones((40, 5)))
    refused(tmp_path, from_files([pair[0], copy], [pair[1], other]), other, "3 lines", pair[1], "has 2")


def test_targets_of_another_number_of_spectra_are_refused(tmp_path, pair):
    other = write_frame(tmp_path / "o.h5", np.ones((39, 2)))
    refused(tmp_path, from_files([pair[0]], [other]), other, "39 spectra", pair[0], "holds 40")


def test_a_spectrum_of_one_bin_is_refused(tmp_path):
    path = write_frame(tmp_path / "o.h5", np.ones((40, 1)))
    refused(tmp_path, from_files([path]), path, "1 bin")


@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_wrong_counts_are_refused_with_file_and_row(tmp_path, pair, value, monkeypatch):
    monkeypatch.setattr(files, "_VALUES", 35)  # seven rows at a time
    table = np.ones((40, 5))
    table[30, 2] = value
    path = write_frame(tmp_path / "o.h5", table)
    refused(tmp_path, from_files([pair[0], path]), path, "row 30, bin 2")


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300])
def test_wrong_fluxes_are_refused_with_file_and_row(tmp_path, pair, value):
    flux = np.ones((40, 2))
    flux[7, 1] = value
    path = write_frame(tmp_path / "o.h5", flux)
    refused(tmp_path, from_files([pair[0]], [path]), path, "row 7", "line 2")


def test_a_missing_file_is_refused(tmp_path, pair):
    refused(tmp_path, from_files([pair[0], tmp_path / "none.h5"]), tmp_path / "none.h5", "no such file")


def test_the_verbs_make_samples_and_figures(tmp_path, capsys):
    spec = json.dumps(generated().model_dump())
    samples = tmp_path / "s.h5"
    assert main(["build-spectra", str(samples), "--spec", spec]) == 0
    figures = [tmp_path / "spectra.svg", tmp_path / "fluxes.svg"]
    options = [word for figure in figures for word in (f"--{figure.stem}", str(figure))]
    assert main(["plot-spectra", str(samples), *options]) == 0
    assert all(figure.read_text().startswith("<?xml") for figure in figures)
    log = capsys.readouterr().err
    assert f"train: {split_sizes(samples)['train']} spectra" in log
    assert "seed: 1" in log


def test_the_verb_reads_files(tmp_path, pair, capsys):
    spec = json.dumps(from_files([pair[0]], [pair[1]]).model_dump())
    assert main(["build-spectra", str(tmp_path / "s.h5"), "--spec", spec]) == 0
    assert "train: 40 spectra" in capsys.readouterr().err
    with h5py.File(tmp_path / "s.h5") as handle:
        assert handle["train/flux"].shape == (40, 2)


def test_the_real_files_become_samples(tmp_path, real_data):
    paths = real_data / "spectra_data.hf5", real_data / "spectra_targets.hf5"
    counts = write_samples(tmp_path / "s.h5", from_files([paths[0]], [paths[1]], **FRACTIONS, method="shuffle"))
    assert counts == {"train": 120, "val": 40, "test": 40}
    entries = contents(tmp_path / "s.h5")["train"]
    row = entries["event"] & 0xFFFFFFFF
    with h5py.File(paths[0]) as handle:
        np.testing.assert_array_equal(entries["counts"], handle["data/block0_values"][:][row], strict=True)
