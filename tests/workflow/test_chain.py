"""The whole chain on the tiny analysis: contracts, the same bytes again, nothing left to do."""

import csv
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.workflow.support import copy_project, planned, snakemake

DATA = (
    "data/tiny/raw/top-0.h5",
    "data/tiny/samples.h5",
    "data/tiny/small-images.h5",
    "data/tiny-particles/samples.h5",
    "data/tiny-pulses/samples.h5",
    "data/tiny-spectra/samples.h5",
)
SEED = ("model.safetensors", "model.json", "history.csv", "predictions.h5", "metrics.json")
SEEDS = {
    "tiny-cnn": (1, 2),
    "tiny-dense": (3,),
    "tiny-pulse-reference": (1, 2),
    "tiny-pulse-cnn": (1,),
    "tiny-autoencoder": (1,),
    "tiny-vae": (1,),
    "tiny-gan": (1,),
    "tiny-data-50": (3,),  # a point of the scan; it has no figures of its own
}
CLASSIFICATION = ("training", "roc", "rejection", "scores", "reliability", "saliency", "sculpting")
LOCALISATION = ("training", "probabilities", "residuals", "efficiency", "coverage")
FIGURES = {
    "tiny-cnn": CLASSIFICATION,
    "tiny-dense": CLASSIFICATION,
    "tiny-pulse-reference": (*LOCALISATION, "kernels"),
    "tiny-pulse-cnn": LOCALISATION,
    "tiny-autoencoder": ("training", "reconstruction", "latent"),
    "tiny-vae": ("training", "reconstruction", "latent", "generated"),
    "tiny-gan": ("training", "generated"),
}
SHARED_FIGURES = (
    "comparison/tiny/roc",
    "comparison/tiny-particles/rejection",
    "comparison/tiny-pulses/residuals",
    "datasets/tiny/small-images/average",
    "datasets/tiny/small-images/single",
    "datasets/tiny/jets/kinematics",
    "comparison/tiny/agreement-tiny-particles",
    "comparison/transfers",
    "scans/tiny-data/scan",
    "datasets/tiny-pulses/pulses/traces",
    "datasets/tiny-pulses/pulses/convolutions",
    "datasets/tiny-pulses/pulses/synthetic",
    "datasets/tiny-spectra/spectra/spectra",
    "datasets/tiny-spectra/spectra/fluxes",
)
TABLES = (
    "summary.csv",
    "transfers.csv",
    "comparison/transfers.html",
    "scans/tiny-data/table.html",
    "scans/tiny-data/scan.csv",
    "comparison/tiny/agreement-tiny-particles.html",
    *(f"datasets/{name}/jets/validation.{kind}" for name in ("tiny", "tiny-particles") for kind in ("json", "html")),
    *(f"comparison/{dataset}/table.html" for dataset in ("tiny", "tiny-particles", "tiny-pulses", "tiny-spectra")),
    *(f"{name}/metrics.json" for name in SEEDS),
    *(f"{name}/sculpting.json" for name in ("tiny-cnn", "tiny-dense")),
    "tiny-cnn/seed2/calibration.json",
)
DRAWN = [
    *(f"results/{name}/figures/{figure}.svg" for name, figures in FIGURES.items() for figure in figures),
    *(f"results/{name}.svg" for name in SHARED_FIGURES),
]
JOBS = 96  # tests/workflow/test_dag.py counts them by rule


def compared_files() -> list[str]:
    per_seed = [f"results/{name}/seed{seed}/{file}" for name in SEEDS for seed in SEEDS[name] for file in SEED]
    return [*DATA, *per_seed, *DRAWN, *(f"results/{name}" for name in TABLES)]


def test_everything_that_the_contracts_name_is_made(chain: Path) -> None:
    missing = [name for name in [*compared_files(), "results/report.html"] if not (chain / name).is_file()]
    assert missing == []


def test_one_core_gives_the_same_bytes_as_two(chain: Path, tmp_path: Path) -> None:
    alone = copy_project(tmp_path / "alone")
    # All that is not drawn; every rule that draws runs again on one core in test_rules.py.
    names = [name for name in compared_files() if Path(name).suffix not in (".svg", ".html")]
    snakemake(alone, *names, "--cores", "1")
    different = [name for name in names if (alone / name).read_bytes() != (chain / name).read_bytes()]
    assert different == []


def test_a_second_run_has_nothing_to_do(chain: Path) -> None:
    assert "Nothing to be done" in snakemake(chain, "--dry-run")
    assert planned(chain) == {}


def test_samples_follow_the_contract(chain: Path) -> None:
    with h5py.File(chain / "data/tiny/samples.h5") as handle:
        assert {"train", "val", "test"} == set(handle)
        for group in handle.values():
            n = len(group["event"])
            assert group["event"].dtype == np.int64
            assert len(group["label"]) == n
            assert group["offsets"].dtype == np.int64
            assert len(group["offsets"]) == n + 1
            assert group["offsets"][-1] == len(group["constituents"])
        assert json.loads(handle.attrs["spec"])["source"]["simulation"]["jets_per_class"] == 120
        assert sum(len(group["event"]) for group in handle.values()) == 240
        events = [set(group["event"][:]) for group in handle.values()]
        assert not (events[0] & events[1] or events[0] & events[2] or events[1] & events[2])


def test_images_and_samples_hold_the_same_events_in_the_same_order(chain: Path) -> None:
    with h5py.File(chain / "data/tiny/samples.h5") as samples, h5py.File(chain / "data/tiny/small-images.h5") as images:
        for split in ("train", "val", "test"):
            np.testing.assert_array_equal(samples[split]["event"], images[split]["event"])
            np.testing.assert_array_equal(samples[split]["label"], images[split]["label"])
        assert list(images.attrs["shape"]) == [16, 16]


@pytest.mark.parametrize(
    ("dataset", "total", "shape", "more"),
    [
        ("tiny-pulses", 300, (3, 100), {"label", "time", "amplitude", "pulses"}),
        ("tiny-spectra", 200, (60,), {"flux"}),
    ],
)
def test_samples_of_waveforms_and_spectra_follow_the_contract(
    chain: Path, dataset: str, total: int, shape: tuple[int, ...], more: set[str]
) -> None:
    with h5py.File(chain / f"data/{dataset}/samples.h5") as handle:
        features = handle.attrs["features"].decode()  # texts have a fixed length
        assert tuple(handle.attrs["shape"]) == shape
        assert set(handle) == {"train", "val", "test"}
        for group in handle.values():
            n = len(group["event"])
            assert n > 0
            assert set(group) == {"event", features} | more
            assert (group[features].shape, group[features].dtype) == ((n, *shape), np.float32)
            assert np.isfinite(group[features][:]).all()
        events = np.concatenate([group["event"][:] for group in handle.values()])
        assert sorted(events) == list(range(total))


def read_rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return {row["experiment"]: row for row in csv.DictReader(handle)}


def test_summary_has_a_row_per_experiment_and_transfers_one_per_further_dataset(chain: Path) -> None:
    rows = read_rows(chain / "results/summary.csv")
    assert {name: row["seeds"] for name, row in rows.items()} == {name: str(len(s)) for name, s in SEEDS.items()}
    assert list(rows) == list(SEEDS)
    assert {"task", "dataset", "representation", "model", "parameters", "reference"} <= set(rows["tiny-cnn"])
    assert rows["tiny-pulse-reference"]["reference"] == "accuracy 0.947"
    assert {name for name, row in rows.items() if row["scans"] == "tiny-data"} == {"tiny-dense", "tiny-data-50"}
    assert {row["scans"] for row in rows.values()} == {"", "tiny-data"}
    further = read_rows(chain / "results/transfers.csv")
    assert [(name, row["tested_on"]) for name, row in further.items()] == [("tiny-cnn", "tiny-particles")]


@pytest.mark.parametrize(
    ("experiment", "task", "filled", "empty"),
    [
        ("tiny-cnn", "classification", {"accuracy", "auc", "ece"}, {"rmse", "chi_square", "reference"}),
        ("tiny-pulse-reference", "localisation", {"accuracy", "rmse", "ece"}, {"auc", "chi_square"}),
        ("tiny-autoencoder", "reconstruction", {"chi_square", "flux_resolution"}, {"accuracy", "divergence"}),
        ("tiny-vae", "variational", {"chi_square", "divergence", "wasserstein"}, {"accuracy", "rmse"}),
        ("tiny-gan", "adversarial", {"wasserstein", "two_sample_auc"}, {"auc", "chi_square", "flux_resolution"}),
    ],
)
def test_a_row_of_the_summary_has_its_tasks_numbers_and_no_others(
    chain: Path, experiment: str, task: str, filled: set[str], empty: set[str]
) -> None:
    row = read_rows(chain / "results/summary.csv")[experiment]
    assert row["task"] == task
    assert {name for name in filled if np.isfinite(float(row[name]))} == filled
    assert {name for name in empty if row[name]} == set()


def test_predictions_belong_to_the_test_split(chain: Path) -> None:
    with h5py.File(chain / "results/tiny-cnn/seed1/predictions.h5") as predictions:
        assert set(predictions) == {"tiny", "tiny-particles"}
        for dataset, group in predictions.items():
            with h5py.File(chain / f"data/{dataset}/samples.h5") as samples:
                np.testing.assert_array_equal(group["event"], samples["test/event"])
            np.testing.assert_allclose(group["probability"][:].sum(axis=1), 1)


@pytest.mark.parametrize(
    ("experiment", "arrays"),
    [
        ("tiny-pulse-reference", {"label", "probability"}),
        ("tiny-pulse-cnn", {"label", "probability"}),
        ("tiny-autoencoder", {"latent", "reconstruction"}),
        ("tiny-vae", {"latent", "latent_sigma", "reconstruction", "generated"}),
        ("tiny-gan", {"generated"}),
    ],
)
def test_predictions_of_every_task_are_finite_and_those_of_the_test_split(
    chain: Path, experiment: str, arrays: set[str]
) -> None:
    with h5py.File(chain / f"results/{experiment}/seed1/predictions.h5") as predictions:
        ((dataset, group),) = predictions.items()
        assert set(group) == {"event"} | arrays
        with h5py.File(chain / f"data/{dataset}/samples.h5") as samples:
            np.testing.assert_array_equal(group["event"], samples["test/event"])
        assert all(np.isfinite(group[name][:]).all() for name in arrays)


def test_model_json_rebuilds_the_network(chain: Path) -> None:
    described = json.loads((chain / "results/tiny-cnn/seed2/model.json").read_text(encoding="utf-8"))
    assert described["model"] == "jet-cnn"
    assert described["arguments"] == {"filters": 2, "kernel": 4, "hidden": [8]}
    assert described["seed"] == 2
    assert described["representation"]["pixels"] == 16


def test_every_log_names_versions_and_result(chain: Path) -> None:
    logs = sorted((chain / "logs").rglob("*.log"))
    assert len(logs) == JOBS
    for log in logs:
        lines = log.read_text(encoding="utf-8").splitlines()
        verb = f"{log.relative_to(chain / 'logs').parts[0].removesuffix('.log').replace('_', '-')} "
        assert lines[0].startswith(f"jetpulse {verb}"), log
        assert re.match(rf"jetpulse [0-9.]+ {verb}", lines[1]), log
        assert any(line.startswith(("wrote ", "drew ")) for line in lines), log


def test_every_job_is_benchmarked(chain: Path) -> None:
    assert len(list((chain / "results/benchmarks").rglob("*.jsonl"))) == JOBS


def test_report_holds_figures_and_captions(chain: Path) -> None:
    text = (chain / "results/report.html").read_text(encoding="utf-8")
    for words in (
        "Mean image of top",
        "Background rejection",
        "Comparison",
        "Experiments",
        "Datasets",
        "tiny-particles",
        "tiny-gan",
        "Images that show coincidences",
        "All pulse finders on the test split",
        "What the two layers of",
        "Latent space of",
        "Spectra generated by",
        "What is in",
        "Networks trained on one sample",
        "one or two settings of an experiment varied",
    ):
        assert words in text, words


@pytest.mark.parametrize("figure", DRAWN)
def test_figures_are_svg_without_a_date(chain: Path, figure: str) -> None:
    text = (chain / figure).read_text(encoding="utf-8")
    assert "<svg" in text
    assert "dc:date" not in text
