"""Small problems through the whole chain, and every rule of theirs without the others."""

import json
import shutil

import pytest

from jetpulse.samples import load_json
from tests.workflow.support import clone_results, copy_project, make_again, planned, snakemake

CONFIG = "config/tiny-problems.yaml"
# As in test_rules.py: none reads what another one of its group writes.
GROUPS = {
    "samples and figures": {
        "build_problems": "data/tiny-decays/samples.h5",
        "plot_problem": "results/datasets/tiny-digits/problems/sample.svg",
        "plot_classes": "results/tiny-rings-mlp/figures/answers.svg",
        "plot_regression": "results/tiny-line-squares/figures/predicted.svg",
        "plot_control": "results/tiny-policy/figures/episodes.svg",
        "plot_weights": "results/tiny-rings-mlp/figures/weights.svg",
        "plot_boundaries": "results/comparison/boundaries.svg",
        "plot_measures": "results/comparison/tiny-rings/measures.svg",
    },
    "columns and the chapter": {
        "build_columns": "data/tiny-decays/masses.h5",
        "tell_problems": "results/comparison/problems.html",
    },
}


def test_everything_is_made_once(problems):
    assert not planned(problems, "problems", config=CONFIG)
    for name in ("tiny-rings-mlp", "tiny-rings-tree", "tiny-line-squares", "tiny-decays-trees", "tiny-digits-cnn"):
        assert load_json(problems / f"results/{name}/metrics.json")["parameters"] is not None
    page = (problems / "results/comparison/problems.html").read_text(encoding="utf-8")
    assert "Which ring?" in page
    assert page.count("<section>") == 5


@pytest.mark.parametrize("group", GROUPS)
def test_rules_make_their_outputs_again(group, problems, tmp_path):
    folder = clone_results(problems, tmp_path / "again")
    assert make_again(folder, GROUPS[group], CONFIG) == []
    shutil.rmtree(folder)


def test_the_default_analysis_offers_problems_but_does_not_make_them(tmp_path):
    folder = copy_project(tmp_path / "project")
    everything, asked = (planned(folder, *words, config=None) for words in ((), ("problems",)))
    assert "build_problems" not in everything
    assert asked["build_problems"] == 11
    assert asked["build_jet_samples"] == 0


def test_a_table_that_cannot_be_read_stops_in_one_line(tmp_path):
    folder = copy_project(tmp_path / "project")
    (folder / "my.csv").write_text("x,y,label\n1,2,0\n1,oops,1\n", encoding="utf-8")
    experiment = {"dataset": "mine", "model": {"name": "dense"}}
    datasets = {"mine": {"kind": "problems", "source": {"files": "my.csv", "label": "label"}}}
    (folder / "my.yaml").write_text(json.dumps({"datasets": datasets, "experiments": {"e": experiment}}))
    text = snakemake(folder, "--cores", "1", config="my.yaml", check=False)
    (line,) = [line for line in text.splitlines() if line.startswith("jetpulse build-problems:")]
    assert "my.csv" in line
    assert "'oops'" in line
    assert "Traceback" not in text
    assert not (folder / "data/mine/samples.h5").exists()
