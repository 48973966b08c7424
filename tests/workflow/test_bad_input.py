"""Mistakes in the user's files, met in the workflow: one line that says what to do, and nothing left behind."""

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.workflow.support import change_config, clone_results, copy_project, snakemake


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


def use_files(project: Path, dataset: str, **files: str) -> str:
    """Write a config whose dataset is read from files; return its name."""

    def change(value: dict) -> None:
        value["datasets"][dataset]["source"] = files
        # What is read from files cannot be generated afresh.
        value["experiments"].pop("tiny-pulse-cnn")

    return change_config(project, change)


def fail(project: Path, target: str, config: str) -> str:
    """Run to a failure; return the one line in which the command says what is wrong."""
    text = snakemake(project, target, "--cores", "1", check=False, config=config)
    assert "Traceback" not in text
    (line,) = re.findall(r"^\s*(jetpulse [a-z-]+: .+)$", text, re.MULTILINE)
    assert not (project / target).exists()
    return line


def left(project: Path) -> list[str]:
    """Return all files that a run has left beside its logs, Snakemake's records and the hashes of users' files."""
    folders = ("data", "results", ".jetpulse")
    files = [path for name in folders for path in (project / name).rglob("*") if path.is_file()]
    return [str(path.relative_to(project)) for path in files if path.name != "contents.json"]


def write_waveforms(path: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    """Write 40 entries that are right (labels 10 to 49) but for ``change``."""
    rng = np.random.default_rng(1)
    arrays = {"waveform": rng.normal(size=(40, 3, 100)), "label": np.arange(10, 50)}
    change(arrays)
    np.savez(path, **arrays)


def set_nan(arrays: dict[str, np.ndarray]) -> None:
    arrays["waveform"][7, 1, 5] = np.nan


def set_label(arrays: dict[str, np.ndarray]) -> None:
    arrays["label"][3] = 100


def drop_label(arrays: dict[str, np.ndarray]) -> None:
    del arrays["label"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_nan, "waves.npz: event 7, trace 1, bin 5: waveform is nan, expected a finite number"),
        (set_label, "waves.npz: event 3: label is 100, expected a bin from 0 to 99"),
        (drop_label, "waves.npz: lacks label, found waveform"),
    ],
)
def test_waveforms_that_cannot_be_learned_from(project: Path, change: Callable, words: str) -> None:
    write_waveforms(project / "waves.npz", change)
    config = use_files(project, "tiny-pulses", files="waves.npz")
    line = fail(project, "data/tiny-pulses/samples.h5", config)
    assert line.startswith("jetpulse build-pulse-samples: ")
    assert words in line
    assert left(project) == []


def test_labels_that_the_reference_network_cannot_name(project: Path) -> None:
    def all_early(arrays: dict[str, np.ndarray]) -> None:
        arrays["label"][:] = 2

    write_waveforms(project / "waves.npz", all_early)
    config = use_files(project, "tiny-pulses", files="waves.npz")
    line = fail(project, "results/tiny-pulse-reference/seed1/model.safetensors", config)
    assert line.startswith("jetpulse train: ")
    assert "label 2 lies outside the bins 3 to 96 that the network can name" in line
    assert left(project) == ["data/tiny-pulses/samples.h5", "results/benchmarks/build_pulse_samples/tiny-pulses.jsonl"]


def write_spectra(path: Path) -> None:
    """Write 40 spectra of 60 bins as pandas does."""
    with h5py.File(path, "w") as handle:
        group = handle.create_group("data")
        group.attrs.update({"pandas_type": np.bytes_(b"frame"), "nblocks": 1, "ndim": 2})
        group["axis0"] = group["block0_items"] = np.arange(60)
        group["axis1"] = np.arange(40)
        group["block0_values"] = np.add.outer(np.arange(40.0), np.full(60, 7.0))
        group["block0_values"].attrs["transposed"] = np.uint8(1)


def test_spectra_of_a_truncated_file(project: Path) -> None:
    path = project / "spectra.h5"
    write_spectra(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    line = fail(project, "data/tiny-spectra/samples.h5", use_files(project, "tiny-spectra", files="spectra.h5"))
    assert line.startswith("jetpulse build-spectra: ")
    assert "spectra.h5: " in line
    assert "truncated" in line
    assert left(project) == []


def test_a_sample_that_a_figure_cannot_read_stops_only_what_needs_it(chain: Path, tmp_path: Path) -> None:
    folder = clone_results(chain, tmp_path / "chain")
    sample = folder / "data/tiny-spectra/samples.h5"
    sample.write_bytes(sample.read_bytes()[:5000])
    target = "results/tiny-vae/figures/latent.svg"
    options = ("--allowed-rules", "plot_variational", "--force", "--cores", "1")
    text = snakemake(folder, target, *options, check=False)
    assert "data/tiny-spectra/samples.h5: " in text
    assert "Traceback" not in text
    assert not (folder / target).exists()
