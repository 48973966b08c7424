"""What runs for which config, and what reruns after which change; nothing is executed here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.workflow.support import clone_results, copy_project, edit, planned, snakemake

AFTER_TRAINING = {
    "predict",
    "evaluate",
    "combine",
    "compare",
    "plot_training",
    "plot_classification",
    "plot_comparison",
}


@pytest.fixture
def finished(chain: Path, tmp_path: Path) -> Iterator[Path]:
    yield clone_results(chain, tmp_path / "chain")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("empty"))


def write_config(folder: Path, change) -> str:
    value = yaml.safe_load((folder / "config/tiny.yaml").read_text(encoding="utf-8"))
    change(value)
    (folder / "config/changed.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    return "config/changed.yaml"


def test_default_config_plans_a_job_for_every_block_experiment_and_seed(empty: Path) -> None:
    rules = planned(empty, config="config/config.yaml")
    assert rules["simulate_jets"] == 6
    assert rules["build_samples"] == rules["build_jet_images"] == rules["plot_jets"] == 1
    assert rules["train"] == rules["predict"] == rules["evaluate"] == 6
    assert rules["combine"] == 2
    assert rules["compare"] == 1


def test_named_target_jets_plans_what_all_plans(empty: Path) -> None:
    rules = planned(empty, "jets")
    assert rules.pop("jets") == 1
    assert rules == planned(empty)


def test_datasets_that_no_experiment_uses_are_not_made(empty: Path) -> None:
    config = write_config(empty, lambda value: value["experiments"]["tiny-cnn"].pop("test_on"))
    rules = planned(empty, config=config)
    assert rules["simulate_jets"] == 4
    assert rules["build_samples"] == 1


def test_training_parameter_reruns_training_and_what_follows(finished: Path) -> None:
    edit(finished / "config/tiny.yaml", "training: {epochs: 2}", "training: {epochs: 3}")
    rules = planned(finished)
    assert set(rules) == {"train", *AFTER_TRAINING}
    assert rules["train"] == 2


def test_a_further_seed_trains_only_that_seed(finished: Path) -> None:
    edit(finished / "config/tiny.yaml", "seeds: [3]", "seeds: [3, 4]")
    assert planned(finished)["train"] == 1


def test_exchanging_two_values_is_noticed(finished: Path) -> None:
    edit(
        finished / "config/tiny.yaml",
        "{jets_per_class: 60, block: 60, seed: 2,",
        "{jets_per_class: 2, block: 2, seed: 60,",
    )
    assert planned(finished)["simulate_jets"] == 2


def test_reference_reruns_the_comparison_only(finished: Path) -> None:
    def change(value: dict) -> None:
        value["experiments"]["tiny-cnn"]["reference"] = {"auc": 0.9, "source": "nowhere"}

    assert set(planned(finished, config=write_config(finished, change))) == {"compare"}


def test_preprocessing_reruns_images_and_what_follows(finished: Path) -> None:
    edit(finished / "config/tiny.yaml", "pixels: 16", "pixels: 15")
    assert set(planned(finished)) == {"build_jet_images", "plot_jets", "train", *AFTER_TRAINING}


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        ("figures/jets.py", "DECADES = 4", "DECADES = 5", {"plot_jets"}),
        ("figures/training.py", 'set_xlabel("epoch")', 'set_xlabel("epochs")', {"plot_training"}),
        ("models/dense.py", "nn.ReLU()", "nn.GELU()", {"train", *AFTER_TRAINING}),
        (
            "evaluation/classification.py",
            "cut = signal[max(0,",
            "cut = signal[max(0 + 0,",
            {"evaluate", "combine", "compare", "plot_comparison"},
        ),
        ("jets/kernels.py", "TIE = 1e-4", "TIE = 2e-4", {"build_jet_images", "plot_jets", "train", *AFTER_TRAINING}),
        ("jets/readers.py", '_LABEL = "is_signal_new"', '_LABEL = "is_signal"', None),
    ],
)
def test_editing_one_function_reruns_the_rules_that_use_it(
    finished: Path, file: str, old: str, new: str, rules: set[str] | None
) -> None:
    edit(finished / "workflow/jetpulse" / file, old, new)
    found = set(planned(finished))
    if rules is None:
        assert "build_samples" in found
        assert "simulate_jets" not in found
    else:
        assert found == rules


def test_comments_and_docstrings_rerun_nothing(finished: Path) -> None:
    edit(finished / "workflow/jetpulse/jets/detector.py", "ETA_MAX = 4.9", "ETA_MAX = 4.9  # of the calorimeter")
    edit(finished / "workflow/jetpulse/training/loop.py", '"""The training loop:', '"""The loop of training:')
    assert planned(finished) == {}


def test_touching_inputs_reruns_nothing(finished: Path) -> None:
    for path in sorted((finished / "data").rglob("*.h5")):
        path.touch()
    assert planned(finished) == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("pixels: 16", "pixel: 16", "representations.small-images.pixel: unknown key; did you mean 'pixels'?"),
        ("dataset: tiny\n", "dataset: tiny-particle\n", "did you mean 'tiny-particles'?"),
        ("jets_per_class: 120", "jets_per_class: many", "datasets.tiny.source.simulation.jets_per_class"),
        ("epochs: 2, max_train", "epochs: 0, max_train", "experiments.tiny-dense.training.epochs"),
        ("name: dense", "name: dens", "did you mean 'dense'?"),
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
        ("$JETPULSE_UNSET_VARIABLE/test.h5", "uses an environment variable that is not set"),
        ("missing/test.h5", "missing/test.h5: no such file"),
    ],
)
def test_files_that_are_not_there_stop_before_any_job(tmp_path: Path, file: str, words: str) -> None:
    folder = copy_project(tmp_path / "missing")

    def change(value: dict) -> None:
        value["datasets"]["tiny-particles"]["source"] = {"files": {"test": file}}

    text = snakemake(folder, "--cores", "1", check=False, config=write_config(folder, change))
    assert "config/changed.yaml: datasets.tiny-particles.source.files: " in text
    assert words in text
    assert "Traceback" not in text
    assert not (folder / "data").exists()


def test_a_path_with_an_unknown_name_has_no_rule(empty: Path) -> None:
    text = snakemake(empty, "data/nobody/small-images.h5", "--dry-run", check=False)
    assert "MissingRuleException" in text
