"""What runs for which config; nothing is executed here."""

from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.support import change_config, copy_project, edit, planned, snakemake

# By hand from config/config.yaml: a training for each of an experiment's seeds, 12,500 jets a class in blocks of 5000.
DEFAULT = {
    "jets": {
        "simulate_jets": 6,
        "build_jet_samples": 1,
        "build_jet_images": 1,
        "plot_jets": 1,
        "validate_jets": 1,
        **dict.fromkeys(("train", "predict", "evaluate"), 3 + 3),
        "calibrate": 3 + 3,
        **dict.fromkeys(
            ("combine", "release", "plot_training", "plot_classification", "plot_saliency", "plot_sculpting"), 2
        ),
        "plot_comparison": 1,
        "tabulate": 1,
    },
    "pulses": {
        "build_pulse_samples": 1,
        "plot_pulses": 1,
        **dict.fromkeys(("train", "predict", "evaluate"), 5 + 1 + 1),
        **dict.fromkeys(("combine", "release", "plot_training", "plot_localisation"), 3),
        "plot_kernels": 1,
        "plot_localisation_comparison": 1,
        "tabulate": 1,
    },
    "spectra": {
        "build_spectra": 2,
        "plot_spectra": 1,
        "plot_spectra_alone": 1,  # of the same fluxes without noise
        **dict.fromkeys(("train", "predict", "evaluate"), 2 + 2 + 2),
        **dict.fromkeys(("combine", "release", "plot_training"), 3),
        **dict.fromkeys(("plot_reconstruction", "plot_variational", "plot_adversarial"), 1),
        "tabulate": 2,
    },
}
# The same from config/tiny.yaml, with two datasets of jets that the first experiment is tested on: 96 jobs.
TINY = {
    "simulate_jets": 6,
    **dict.fromkeys(("build_jet_samples", "build_jet_images", "plot_jets", "validate_jets", "plot_comparison"), 2),
    **dict.fromkeys(("build_pulse_samples", "plot_pulses", "build_spectra", "plot_spectra"), 1),
    # The last one is the point of the scan that is no experiment of its own; no figures are made of it.
    **dict.fromkeys(("train", "predict", "evaluate"), 2 + 1 + 2 + 1 + 3 + 1),
    "combine": 7 + 1,
    "plot_training": 7,
    "release": 7,
    "summarise_scan": 1,
    "calibrate": 2 + 1,
    **dict.fromkeys(("plot_classification", "plot_saliency", "plot_sculpting", "plot_localisation"), 2),
    **dict.fromkeys(("plot_reconstruction", "plot_variational", "plot_adversarial"), 1),
    **dict.fromkeys(("plot_kernels", "plot_localisation_comparison"), 1),
    **dict.fromkeys(("plot_jet_agreement", "plot_transfers", "compare"), 1),
    "tabulate": 4,
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("empty"))


def test_default_config_plans_a_job_for_every_dataset_experiment_and_seed(empty: Path) -> None:
    expected = sum(map(Counter, DEFAULT.values()), Counter({"compare": 1}))
    assert planned(empty, config="config/config.yaml") == expected


def test_tiny_config_plans_what_the_chain_ran(empty: Path) -> None:
    assert planned(empty) == TINY


@pytest.mark.parametrize("target", DEFAULT)
def test_a_named_target_plans_its_own_part_and_nothing_of_the_others(empty: Path, target: str) -> None:
    assert planned(empty, target, config="config/config.yaml") == DEFAULT[target] | {target: 1}


def test_datasets_that_no_experiment_uses_are_not_made(empty: Path) -> None:
    config = change_config(empty, lambda value: value["experiments"]["tiny-cnn"].pop("test_on"))
    rules = planned(empty, config=config)
    assert rules["simulate_jets"] == 4
    assert rules["build_jet_samples"] == 1


def test_augmented_images_are_trained_with_their_samples(empty: Path) -> None:
    def change(value: dict) -> None:
        value["experiments"]["tiny-cnn"]["training"]["augment"] = {"rotation": True}

    models = [f"results/{name}/model.safetensors" for name in ("tiny-cnn/seed1", "tiny-dense/seed3")]
    text = snakemake(empty, *models, "--dry-run", "--printshellcmds", config=change_config(empty, change))
    commands = [line for line in text.splitlines() if "jetpulse train" in line]
    augmented, plain = (next(line for line in commands if model in line) for model in models)
    assert "--constituents data/tiny/samples.h5 --checkpoints" in augmented
    assert "--constituents" not in plain


def test_views_change_what_is_predicted_and_not_what_is_trained(empty: Path) -> None:
    def change(value: dict, views: dict) -> None:
        value["experiments"] = {"tiny-cnn": value["experiments"]["tiny-cnn"]}
        value["experiments"]["tiny-cnn"] |= {"representation": "samples", "model": {"name": "particle-flow"}} | views
        del value["scans"], value["experiments"]["tiny-cnn"]["training"]

    commands = {}
    for name, views in {"one": {}, "four": {"views": 4}}.items():
        config = change_config(empty, lambda value, views=views: change(value, views))
        text = snakemake(empty, "--dry-run", "--printshellcmds", config=config)
        commands[name] = {part.split()[0]: part.splitlines()[0] for part in text.split("jetpulse ")[1:]}
    for verb in ("predict", "calibrate", "release"):
        assert " --views 4 > logs/" in commands["four"][verb]
        assert "--views" not in commands["one"][verb]
    assert commands["four"]["train"] == commands["one"]["train"]
    samples = " --samples tiny=data/tiny/samples.h5 tiny-particles=data/tiny-particles/samples.h5"
    assert samples in commands["one"]["predict"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("pixels: 16", "pixel: 16", "representations.small-images.pixel: unknown key; did you mean 'pixels'?"),
        ("dataset: tiny\n", "dataset: tiny-particle\n", "did you mean 'tiny-particles'?"),
        ("jets_per_class: 120", "jets_per_class: many", "datasets.tiny.source.simulation.jets_per_class"),
        ("epochs: 2, max_train", "epochs: 0, max_train", "experiments.tiny-dense.training.epochs"),
        ("name: dense", "name: dens", "did you mean 'dense'?"),
        ("fresh: {entries: 100}", "fresh: {entries: 100, settings: {backgroud: 2}}", "did you mean 'background'?"),
        ("{name: autoencoder}", "{name: gan}", "'gan' does not learn reconstruction; networks that do: autoencoder"),
        ("counts: {n: 200", "waveforms: {n: 200", "datasets.tiny-spectra.source.waveforms: unknown key"),
    ],
)
def test_a_config_mistake_stops_before_any_job(empty: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    folder = copy_project(tmp_path / "mistake")
    edit(folder / "config/tiny.yaml", old, new)
    text = snakemake(folder, "--cores", "1", check=False)
    assert words in text
    assert "config/tiny.yaml: " in text
    assert "Traceback" not in text
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("$JETPULSE_UNSET_VARIABLE/test.h5", "the environment variable JETPULSE_UNSET_VARIABLE is not set"),
        ("missing/test.h5", "missing/test.h5: no such file"),
    ],
)
def test_files_that_are_not_there_stop_before_any_job(tmp_path: Path, file: str, words: str) -> None:
    folder = copy_project(tmp_path / "missing")

    def change(value: dict) -> None:
        value["datasets"]["tiny-particles"]["source"] = {"files": {"test": file}}

    text = snakemake(folder, "--cores", "1", check=False, config=change_config(folder, change))
    assert "config/changed.yaml: datasets.tiny-particles.source: " in text
    assert words in text
    assert "Traceback" not in text
    assert not (folder / "data").exists()


def test_targets_that_there_are_not_are_told_with_the_nearest_that_there_are(empty: Path) -> None:
    words = ("pulse", "tiny-cnn", "problems", "results/tiny-cn/metrics.json", "Snakefile", "./data/tiny/samples.h5")
    text = snakemake(empty, *words, "--dry-run", check=False)
    said = dict(line.split(": ", 1) for line in text.splitlines() if line.startswith(tuple(f"{w}: " for w in words)))
    assert sorted(said) == ["problems", "pulse", "results/tiny-cn/metrics.json", "tiny-cnn"]
    assert said["problems"].endswith("config/tiny.yaml has no experiments on problems, only on jets, pulses, spectra")
    assert "did you mean 'pulses'?" in said["pulse"]
    assert "did you mean 'results/tiny-cnn/metrics.json' or " in said["results/tiny-cn/metrics.json"]
    assert "did you mean 'experiments@tiny-cnn'?" in said["tiny-cnn"]


def test_a_path_with_an_unknown_name_has_no_rule(empty: Path) -> None:
    text = snakemake(empty, "data/nobody/small-images.h5", "--dry-run", check=False)
    assert "data/nobody/small-images.h5: nothing of that name can be made; did you mean 'data/tiny" in text
