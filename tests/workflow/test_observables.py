"""Taggers on observables in the workflow: from a file of jets to metrics and figures, by rules that fit the kind."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.workflow.support import copy_project, planned, snakemake

FIGURE = "results/datasets/mine/numbers/observables.svg"


def write_jets(path: Path) -> None:
    """Write 240 jets of one prong (label 0) or of two (1), four particles to a prong."""
    rng = np.random.default_rng(1)
    label = np.arange(240) % 2
    counts = 4 + 4 * label
    prong = np.concatenate([np.repeat([-0.25, 0.25], 4) if top else np.zeros(4) for top in label])
    pt = rng.uniform(40, 120, len(prong))
    eta, phi = rng.normal(0, 0.05, (2, len(prong)))
    phi += prong
    constituents = np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], 1)
    np.savez(path, constituents=constituents.astype(np.float32), counts=counts, label=label)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("observables") / "project")
    write_jets(folder / "jets.npz")
    training = {"normalise": "columns", "learning_rate": 0.05, "epochs": 5}
    both = {"dataset": "mine", "seeds": [1]}
    analysis = {
        "datasets": {"mine": {"kind": "jets", "source": {"format": "npz", "files": ["jets.npz"]}}},
        "representations": {
            "numbers": {"kind": "jet-observables", "columns": ["mass", "tau21", "d2"]},
            "pictures": {"kind": "jet-image", "pixels": 5},
        },
        "experiments": {
            "trees": both | {"representation": "numbers", "model": {"name": "boosted-trees", "trees": 20, "depth": 2}},
            "line": both | {"representation": "numbers", "model": {"name": "logistic"}, "training": training},
            "mlp": both | {"representation": "pictures", "model": {"name": "dense", "hidden": []}},
        },
    }
    (folder / "config/mine.yaml").write_text(yaml.safe_dump(analysis), encoding="utf-8")
    return folder


def test_every_representation_is_made_and_drawn_by_the_rules_of_its_kind(folder: Path) -> None:
    rules = planned(folder, config="config/mine.yaml")
    kinds = ("build_jet_observables", "plot_jet_observables", "build_jet_images", "plot_jets")
    assert [rules[rule] for rule in kinds] == [1] * 4


def test_trees_and_a_line_are_trained_on_observables_and_compared(folder: Path) -> None:
    targets = [FIGURE, *(f"results/{name}/metrics.json" for name in ("trees", "line"))]
    targets += ["results/trees/figures/training.svg"]
    snakemake(folder, *targets, "--cores", "1", config="config/mine.yaml")
    metrics = [json.loads((folder / f"results/{name}/metrics.json").read_text()) for name in ("line", "trees")]
    assert all(found["tested"]["mine"]["auc"]["median"] > 0.9 for found in metrics)
    described = json.loads((folder / "results/trees/seed1/model.json").read_text(encoding="utf-8"))
    assert metrics[0]["parameters"] == 8  # 3 + 1 weights for each class
    assert 3 <= metrics[1]["parameters"] <= 7 * described["best_epoch"]  # splits and leaves of trees of depth 2
    assert "<!-- jet mass [GeV]" in (folder / FIGURE).read_text(encoding="utf-8")
    assert planned(folder, *targets, config="config/mine.yaml") == {}
    history = csv.DictReader((folder / "results/trees/seed1/history.csv").read_text(encoding="utf-8").splitlines())
    assert len(list(history)) == described["epochs"]
    # Each of the two rules makes the same bytes again, alone.
    for rule, output in (("build_jet_observables", "data/mine/numbers.h5"), ("plot_jet_observables", FIGURE)):
        before = (folder / output).read_bytes()
        (folder / output).unlink()
        snakemake(folder, output, "--allowed-rules", rule, "--force", "--cores", "1", config="config/mine.yaml")
        assert (folder / output).read_bytes() == before
