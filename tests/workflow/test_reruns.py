"""What reruns after which change of a finished analysis; nothing is executed here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.support import change_config, clone_results, edit, planned, planned_jobs

AFTER_TRAINING = {
    "predict",
    "evaluate",
    "combine",
    "release",
    "compare",
    "plot_training",
    "calibrate",
    "plot_classification",
    "plot_saliency",
    "plot_sculpting",
    "plot_comparison",
    "plot_transfers",
    "tabulate",
}
# What follows on top where the experiment of the scan is concerned, tiny-dense.
SCAN = {"summarise_scan"}


@pytest.fixture
def finished(chain: Path, tmp_path: Path) -> Iterator[Path]:
    yield clone_results(chain, tmp_path / "chain")


def test_training_parameter_reruns_training_and_what_follows(finished: Path) -> None:
    edit(finished / "config/tiny.yaml", "training: {epochs: 2}", "training: {epochs: 3}")
    rules = planned(finished)
    assert set(rules) == {"train", *AFTER_TRAINING}
    assert rules["train"] == 2


def test_a_further_seed_trains_only_that_seed(finished: Path) -> None:
    edit(finished / "config/tiny.yaml", "seeds: [3]", "seeds: [3, 4]")
    assert planned(finished)["train"] == 2  # of the experiment and of the other point of its scan


def test_exchanging_two_values_is_noticed(finished: Path) -> None:
    edit(
        finished / "config/tiny.yaml",
        "{jets_per_class: 60, block: 60, seed: 2,",
        "{jets_per_class: 2, block: 2, seed: 60,",
    )
    assert planned(finished)["simulate_jets"] == 2


@pytest.mark.parametrize(
    ("experiment", "jobs"),
    [
        ("tiny-cnn", {"Tabulating the experiments on tiny", "Tabulating the experiments on tiny-particles"}),
        ("tiny-pulse-cnn", {"Tabulating the experiments on tiny-pulses", "Comparing the pulse finders on tiny-pulses"}),
    ],
)
def test_reference_reruns_the_comparisons_only(finished: Path, experiment: str, jobs: set[str]) -> None:
    def change(value: dict) -> None:
        value["experiments"][experiment]["reference"] = {"accuracy": 0.9, "source": "nowhere"}

    config = change_config(finished, change)
    assert planned_jobs(finished, config=config) == jobs | {"Comparing all experiments"}


def test_preprocessing_reruns_images_and_what_follows(finished: Path) -> None:
    edit(finished / "config/tiny.yaml", "pixels: 16", "pixels: 15")
    assert set(planned(finished)) == {"build_jet_images", "plot_jets", "train", *AFTER_TRAINING, *SCAN}


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        ("figures/jets.py", "DECADES = 4", "DECADES = 5", {"plot_jets"}),
        ("figures/training.py", 'set_xlabel("epoch")', 'set_xlabel("epochs")', {"plot_training"}),
        ("models/dense.py", "nn.Flatten()", "nn.Flatten(1)", {"train", *AFTER_TRAINING, *SCAN}),
        (
            "evaluation/classification.py",
            "cut = signal[max(0,",
            "cut = signal[max(0 + 0,",
            # A rejection is drawn with its error, too.
            {"evaluate", "combine", "release", "compare", "plot_transfers", "plot_sculpting", "tabulate", *SCAN}
            | {"plot_classification", "plot_comparison"},
        ),
        (
            "jets/kernels.py",
            "TIE = 1e-4",
            "TIE = 2e-4",
            {"build_jet_images", "plot_jets", "train", *AFTER_TRAINING, *SCAN},
        ),
        ("jets/checks.py", "MOST_PT = 50_000.0", "MOST_PT = 60_000.0", None),
        ("jets/readers/top_tagging.py", '_LABEL = "is_signal_new"', '_LABEL = "is_signal"', set()),
    ],
)
def test_editing_one_function_reruns_the_rules_that_use_it(
    finished: Path, file: str, old: str, new: str, rules: set[str] | None
) -> None:
    edit(finished / "workflow/jetpulse" / file, old, new)
    found = set(planned(finished))
    if rules is None:
        assert "build_jet_samples" in found
        assert "simulate_jets" not in found
    else:
        assert found == rules


SEEDS = {
    "tiny-pulse-reference": (1, 2),
    "tiny-pulse-cnn": (1,),
    "tiny-autoencoder": (1,),
    "tiny-vae": (1,),
    "tiny-gan": (1,),
}
PULSES = ("tiny-pulse-reference", "tiny-pulse-cnn")
SPECTRA = ("tiny-autoencoder", "tiny-vae", "tiny-gan")
ABOUT_PULSES = {"Building the samples of tiny-pulses", "Drawing pulses of tiny-pulses"}
ABOUT_SPECTRA = {"Collecting the spectra of tiny-spectra", "Drawing the spectra of tiny-spectra"}
COMPARED = "Comparing the pulse finders on tiny-pulses"
KERNELS = "Drawing the kernels of tiny-pulse-reference"


def measuring(dataset: str, *experiments: str) -> set[str]:
    """Return the jobs from the measures of these experiments on."""
    each = {f"Evaluating {name}, seed {seed}" for name in experiments for seed in SEEDS[name]}
    combined = {f"{do} of {name}" for do in ("Combining the seeds", "Releasing a model") for name in experiments}
    return each | combined | {f"Tabulating the experiments on {dataset}", "Comparing all experiments"}


def training(dataset: str, *experiments: str) -> set[str]:
    """Return the jobs from the trainings of these experiments on, without comparisons by figure."""
    do = ("Training", "Predicting with")
    each = {f"{verb} {name}, seed {seed}" for verb in do for name in experiments for seed in SEEDS[name]}
    drawn = {f"Drawing the {what} of {name}" for what in ("trainings", "results") for name in experiments}
    return each | drawn | measuring(dataset, *experiments)


ONLY_FRESH = training("tiny-pulses", "tiny-pulse-cnn") | {COMPARED}
ALL_PULSES = training("tiny-pulses", *PULSES) | {COMPARED, KERNELS}


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        (
            "spectra/generator.py",
            "rng.lognormal(0.0, spread",
            "rng.lognormal(0.1, spread",
            ABOUT_SPECTRA | training("tiny-spectra", *SPECTRA),
        ),
        # No experiment here trains on fresh spectra.
        ("spectra/generator.py", '"spectra/fresh", block', '"spectra/new", block', set()),
        ("pulses/generator.py", "WIDTH = 0.02 ", "WIDTH = 0.03 ", ABOUT_PULSES | ALL_PULSES),
        ("pulses/fresh.py", '"waveforms/fresh"', '"waveforms/new"', ONLY_FRESH),
        (
            "training/objectives/variational.py",
            "- 2 * log_sigma - 1).sum(1)",
            "- 2 * log_sigma).sum(1)",
            training("tiny-spectra", "tiny-vae"),
        ),
        ("training/objectives/localisation.py", "(-8.0, 4.0)", "(-9.0, 4.0)", ALL_PULSES),
        ("models/gan.py", "nn.LeakyReLU(0.2)", "nn.LeakyReLU(0.3)", training("tiny-spectra", "tiny-gan")),
        (
            "evaluation/localisation.py",
            '"bias": mean_with_error(residuals)',
            '"bias": mean_with_error(-residuals)',
            measuring("tiny-pulses", *PULSES),
        ),
        # A figure uses this one, too.
        (
            "evaluation/localisation.py",
            "probability.argmax(axis=1) == label",
            "label == probability.argmax(axis=1)",
            measuring("tiny-pulses", *PULSES) | {COMPARED, *(f"Drawing the results of {name}" for name in PULSES)},
        ),
    ],
)
def test_an_edit_stays_within_its_kind_of_data_and_its_task(
    finished: Path, file: str, old: str, new: str, jobs: set[str]
) -> None:
    edit(finished / "workflow/jetpulse" / file, old, new)
    assert planned_jobs(finished) == jobs


@pytest.mark.parametrize(
    ("old", "new", "jobs"),
    [
        ("fresh: {entries: 100}", "fresh: {entries: 100, settings: {background: 2.0}}", ONLY_FRESH),
        ("{name: autoencoder}", "{name: autoencoder, latent: 3}", training("tiny-spectra", "tiny-autoencoder")),
        ("bins: 60, block: 80", "bins: 60, block: 40", ABOUT_SPECTRA | training("tiny-spectra", *SPECTRA)),
    ],
)
def test_a_setting_reruns_what_it_decides(finished: Path, old: str, new: str, jobs: set[str]) -> None:
    edit(finished / "config/tiny.yaml", old, new)
    assert planned_jobs(finished) == jobs


def test_comments_and_docstrings_rerun_nothing(finished: Path) -> None:
    edit(finished / "workflow/jetpulse/jets/detector.py", "ETA_MAX = 4.9", "ETA_MAX = 4.9  # of the calorimeter")
    edit(finished / "workflow/jetpulse/training/loop.py", '"""The training loop:', '"""The loop of training:')
    assert planned(finished) == {}


def test_touching_inputs_reruns_nothing(finished: Path) -> None:
    for path in sorted((finished / "data").rglob("*.h5")):
        path.touch()
    assert planned(finished) == {}
