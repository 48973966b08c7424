"""Scores from elsewhere in the workflow, beside a network of ours whose own scores they are."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.workflow.support import change_config, clone_results, copy_project, planned, snakemake

# The two trainings of tiny-cnn, read once as arrays in another order and once as text in the order of the test split.
CALIBRATED = {"temperature", "calibrated_log_loss", "calibrated_ece"}
FILES = ("theirs/first.npz", "theirs/second.csv")


def write_files(folder: Path) -> None:
    """Write the scores of tiny-cnn on its own dataset in two formats."""
    (folder / "theirs").mkdir()
    arrays = []
    for seed in (1, 2):
        with h5py.File(folder / f"results/tiny-cnn/seed{seed}/predictions.h5") as handle:
            arrays.append({name: handle["tiny"][name][:] for name in ("event", "label", "probability")})
    # Events in another order; jets of one event have one id, by which their order cannot be told.
    _, event = np.unique(arrays[0]["event"], return_inverse=True)
    order = np.argsort(np.random.default_rng(1).permutation(event.max() + 1)[event], kind="stable")
    np.savez(folder / FILES[0], **{name: values[order] for name, values in arrays[0].items()})
    second = zip(arrays[1]["label"].tolist(), arrays[1]["probability"][:, 1].tolist(), strict=True)
    with (folder / FILES[1]).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("label", "score"), *second])


def configure(folder: Path, scores: Any) -> str:
    return change_config(
        folder, lambda value: value["experiments"].update(theirs={"dataset": "tiny", "scores": scores})
    )


def test_scores_of_ours_from_elsewhere_have_our_results(chain: Path, tmp_path: Path) -> None:
    folder = clone_results(chain, tmp_path / "chain")
    write_files(folder)
    config = configure(folder, list(FILES))
    # Nothing is trained and nothing of the other experiments runs again.
    assert planned(folder, config=config) == {
        "import_scores": 2,
        "evaluate": 2,
        "combine": 1,
        "plot_classification": 1,
        "plot_sculpting": 1,
        "plot_comparison": 1,
        "tabulate": 1,
        "compare": 1,
    }
    snakemake(folder, "results/summary.csv", "results/comparison/tiny/table.html", "--cores", "1", config=config)
    ours, theirs = (
        json.loads((folder / f"results/{name}/metrics.json").read_text()) for name in ("tiny-cnn", "theirs")
    )
    # Scores from elsewhere cannot be calibrated: that needs the network on the validation split.
    found = {name: ours["tested"]["tiny"].pop(name) for name in list(ours["tested"]["tiny"]) if name in CALIBRATED}
    assert set(found) == CALIBRATED
    assert theirs["tested"] == {"tiny": ours["tested"]["tiny"]}
    assert theirs["parameters"] is None
    with (folder / "results/summary.csv").open(encoding="utf-8") as file:
        rows = {row["experiment"]: row for row in csv.DictReader(file)}
    described = ("representation", "model", "parameters", "training_size")
    same = [name for name in rows["theirs"] if name not in ("experiment", *described)]
    assert [rows["theirs"][name] for name in described] == ["", "scores", "", ""]
    assert [rows["theirs"][name] for name in same] == [rows["tiny-cnn"][name] for name in same]
    assert "scores from elsewhere, 2 files" in (folder / "results/comparison/tiny/table.html").read_text()


def test_scores_of_another_sample_stop_in_one_line(chain: Path, tmp_path: Path) -> None:
    folder = clone_results(chain, tmp_path / "chain")
    (folder / "theirs.csv").write_text("label,score,event\n0,0.5,-1\n", encoding="utf-8")
    config = configure(folder, "theirs.csv")
    text = snakemake(folder, "results/theirs/metrics.json", "--cores", "1", check=False, config=config)
    assert "jetpulse import-scores: theirs.csv: entry 0: event -1 (1 such entries) is not in the test split" in text
    assert "Traceback" not in text
    assert not (folder / "results/theirs/seed1").exists()


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ("theirs.csv", "experiments.theirs.scores.files: theirs.csv: no such file"),
        ({"files": "theirs.csv", "colum": "p"}, "experiments.theirs.scores.colum: unknown key"),
    ],
)
def test_a_mistake_stops_before_any_job(tmp_path: Path, scores: Any, words: str) -> None:
    folder = copy_project(tmp_path / "mistake")
    text = snakemake(folder, "--cores", "1", check=False, config=configure(folder, scores))
    assert f"config/changed.yaml: {words}" in text
    assert "Traceback" not in text
    assert not (folder / "data").exists()
