"""The whole chain on the tiny analysis: contracts, the same bytes again, nothing left to do."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.workflow.support import copy_project, planned, snakemake

DATA = ("data/tiny/raw/top-0.h5", "data/tiny/samples.h5", "data/tiny/small-images.h5", "data/tiny-particles/samples.h5")
SEED = ("model.safetensors", "model.json", "history.csv", "predictions.h5", "metrics.json")
FIGURES = ("training", "roc", "rejection", "scores", "reliability")
SEEDS = {"tiny-cnn": (1, 2), "tiny-dense": (3,)}


def compared_files() -> list[str]:
    per_seed = [f"results/{name}/seed{seed}/{file}" for name in SEEDS for seed in SEEDS[name] for file in SEED]
    figures = [f"results/{name}/figures/{figure}.svg" for name in SEEDS for figure in FIGURES]
    tables = ["results/summary.csv", "results/transfers.csv", *(f"results/{name}/metrics.json" for name in SEEDS)]
    return [*DATA, *per_seed, *figures, *tables, "results/comparison/tiny/table.html"]


def test_everything_that_the_contracts_name_is_made(chain: Path) -> None:
    missing = [name for name in [*compared_files(), "results/report.html"] if not (chain / name).is_file()]
    assert missing == []


def test_one_core_gives_the_same_bytes_as_two(chain: Path, tmp_path: Path) -> None:
    alone = copy_project(tmp_path / "alone")
    snakemake(alone, "--cores", "1")
    different = [name for name in compared_files() if (alone / name).read_bytes() != (chain / name).read_bytes()]
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


def test_summary_has_a_row_per_experiment_and_transfers_one_per_further_dataset(chain: Path) -> None:
    with (chain / "results/summary.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["experiment"] for row in rows] == ["tiny-cnn", "tiny-dense"]
    assert [row["seeds"] for row in rows] == ["2", "1"]
    assert {"task", "dataset", "representation", "model", "parameters", "accuracy", "auc", "reference"} <= set(rows[0])
    with (chain / "results/transfers.csv").open(encoding="utf-8") as handle:
        further = list(csv.DictReader(handle))
    assert [(row["experiment"], row["tested_on"]) for row in further] == [("tiny-cnn", "tiny-particles")]


def test_predictions_belong_to_the_test_split(chain: Path) -> None:
    with h5py.File(chain / "results/tiny-cnn/seed1/predictions.h5") as predictions:
        assert set(predictions) == {"tiny", "tiny-particles"}
        for dataset, group in predictions.items():
            with h5py.File(chain / f"data/{dataset}/samples.h5") as samples:
                np.testing.assert_array_equal(group["event"], samples["test/event"])
            np.testing.assert_allclose(group["probability"][:].sum(axis=1), 1)


def test_model_json_rebuilds_the_network(chain: Path) -> None:
    described = json.loads((chain / "results/tiny-cnn/seed2/model.json").read_text(encoding="utf-8"))
    assert described["model"] == "jet-cnn"
    assert described["arguments"] == {"filters": 2, "kernel": 4, "hidden": [8]}
    assert described["seed"] == 2
    assert described["representation"]["pixels"] == 16


def test_every_log_names_versions_and_result(chain: Path) -> None:
    logs = sorted((chain / "logs").rglob("*.log"))
    assert len(logs) == 30
    for log in logs:
        lines = log.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("jetpulse "), log
        assert any(line.startswith(("wrote ", "drew ")) for line in lines), log


def test_every_job_is_benchmarked(chain: Path) -> None:
    assert len(list((chain / "results/benchmarks").rglob("*.jsonl"))) == 30


def test_report_holds_figures_and_captions(chain: Path) -> None:
    text = (chain / "results/report.html").read_text(encoding="utf-8")
    for words in (
        "Mean image of top",
        "Background rejection",
        "Comparison",
        "Experiments",
        "Datasets",
        "tiny-particles",
    ):
        assert words in text, words


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_svg_without_a_date(chain: Path, figure: str) -> None:
    text = (chain / f"results/tiny-cnn/figures/{figure}.svg").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "dc:date" not in text
