"""Scans and searches in the workflow: ready-made ones planned, a search run, mistakes before any job."""

import csv
from pathlib import Path

import pytest
import yaml

from tests.workflow.support import change_config, clone_results, copy_project, planned, snakemake

SEEDS = 3
# By hand from the files: points of the scans that are not the experiment itself, representations, jobs of simulation.
READY = {
    "ablation": {"points": 5 + 5, "images": 1 + 5, "simulations": 2 * 10, "scans": 2, "searches": 0},
    "hyperparameters": {"points": 4 + 4 + 3 + 4 + 1 + 5, "images": 1, "simulations": 2 * 4, "scans": 6, "searches": 1},
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("name", READY)
def test_a_ready_made_scan_plans_a_training_for_every_point_and_seed(empty: Path, name: str) -> None:
    rules, expected = planned(empty, config=f"config/{name}.yaml"), READY[name]
    assert rules["train"] == rules["predict"] == rules["evaluate"] == SEEDS * (1 + expected["points"])
    assert rules["combine"] == 1 + expected["points"]
    assert rules["build_jet_images"] == expected["images"]
    assert rules["simulate_jets"] == expected["simulations"]
    assert (rules["summarise_scan"], rules["search"]) == (expected["scans"], expected["searches"])
    # Only the experiment itself has figures of its own, and stands in the comparison.
    assert rules["plot_classification"] == rules["plot_training"] == rules["plot_comparison"] == 1


def test_a_mistake_in_a_scan_stops_before_any_job(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "mistake")

    def change(value: dict) -> None:
        value["scans"]["tiny-data"]["vary"] = "training.max_trian"

    text = snakemake(folder, "--cores", "1", check=False, config=change_config(folder, change))
    line = "config/changed.yaml: scans.tiny-data: training.max_trian: unknown key; did you mean 'max_train'?"
    assert line in text
    assert "Traceback" not in text
    assert not (folder / "data").exists()


def test_another_point_trains_that_one_alone(chain: Path, tmp_path: Path) -> None:
    folder = clone_results(chain, tmp_path / "chain")

    def change(value: dict) -> None:
        value["scans"]["tiny-data"]["values"] = [50, 75, 100]

    rules = planned(folder, config=change_config(folder, change))
    once = ("train", "predict", "evaluate", "combine", "summarise_scan", "compare")
    assert rules == dict.fromkeys(once, 1)


def test_a_search_ends_with_an_experiment_to_paste(chain: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the search needs Optuna: pip install 'jetpulse[search]'")
    folder = clone_results(chain, tmp_path / "chain")

    def change(value: dict) -> None:
        space = {"training.batch": {"choices": [20, 40]}, "model.dropout": {"low": 0.0, "high": 0.5}}
        value["searches"] = {"tune": {"experiment": "tiny-dense", "trials": 3, "max_epochs": 2, "space": space}}

    config = change_config(folder, change)
    assert planned(folder, config=config) == {"search": 1}
    snakemake(folder, "results/searches/tune/trials.csv", "--cores", "1", config=config)
    with (folder / "results/searches/tune/trials.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 3
    assert (folder / "results/searches/tune/search.svg").is_file()
    best = yaml.safe_load((folder / "results/searches/tune/best.yaml").read_text(encoding="utf-8"))
    changed = yaml.safe_load((folder / config).read_text(encoding="utf-8"))
    changed["experiments"] |= best
    (folder / config).write_text(yaml.safe_dump(changed), encoding="utf-8")
    assert planned(folder, "results/tiny-dense-tuned/metrics.json", config=config)["train"] == 3
