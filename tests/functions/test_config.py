import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configurations import EXPERIMENT, IMAGES, MINIMAL, SIMULATION, changed
from jetpulse.config import expand_path, load_config, parse_config
from jetpulse.config.jets import STEP_FAMILIES
from jetpulse.config.networks import check_model, model_names, model_summary
from jetpulse.errors import UserError


def test_a_minimal_configuration_gets_its_defaults():
    analysis = parse_config(MINIMAL, "config.yaml")
    jets, images = analysis.datasets["jets"], analysis.representations["images"]
    simulation, experiment = jets.source.simulation, analysis.experiments["top-cnn"]
    assert (simulation.jets_per_class, simulation.seed, simulation.block) == (100, 1, 5000)
    assert (simulation.pt, simulation.eta_max, simulation.radius) == ([550, 650], 2, 0.8)
    assert (simulation.detector, simulation.max_constituents) == ("atlas", 200)
    assert (simulation.energy, simulation.multiple_interactions) == (14_000, False)
    assert (jets.split.train, jets.split.val, jets.split.test, jets.split.seed) == (0.6, 0.2, 0.2, 0)
    assert (images.pixels, images.half_width, images.steps) == (40, 0.8, ["centre", "rotate", "normalise"])
    assert (experiment.task, experiment.seeds, experiment.test_on) == ("classification", [1, 2, 3], [])
    assert (experiment.training.batch, experiment.training.patience) == (50, 2)
    assert experiment.reference is None


def test_the_defaults_of_a_network_are_filled_in():
    model = parse_config(MINIMAL, "config.yaml").experiments["top-cnn"].model
    assert model.arguments() == {"filters": 8, "kernel": 4, "hidden": [64, 64, 64]}


def test_arguments_of_a_network_replace_its_defaults():
    config = changed((f"{EXPERIMENT}.model", {"name": "jet-cnn", "filters": 16, "hidden": []}))
    model = parse_config(config, "config.yaml").experiments["top-cnn"].model
    assert model.arguments() == {"filters": 16, "kernel": 4, "hidden": []}


def test_the_configuration_is_not_changed_by_reading_it():
    before = copy.deepcopy(MINIMAL)
    parse_config(MINIMAL, "config.yaml")
    assert before == MINIMAL


def test_what_was_parsed_parses_again_to_the_same():
    once = parse_config(MINIMAL, "config.yaml")
    assert parse_config(once.model_dump(), "config.yaml") == once


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("1.e-3", 0.001), ("1e-3 # comment", 0.001), ("1", 1)])
def test_a_number_without_a_dot_is_a_number(text, value):
    config = changed((f"{EXPERIMENT}.training", yaml.safe_load(f"learning_rate: {text}")))
    assert parse_config(config, "config.yaml").experiments["top-cnn"].training.learning_rate == value


def test_numbers_without_a_dot_are_numbers_in_windows_and_fractions_too():
    config = changed(
        (f"{SIMULATION}.pt", ["5e2", "6e2"]),
        (f"{SIMULATION}.pt_hat", ["4e2", "8e2"]),
        ("datasets.jets.split", {"train": "6e-1", "val": "2e-1", "test": "2e-1"}),
    )
    jets = parse_config(config, "config.yaml").datasets["jets"]
    assert jets.source.simulation.pt == [500, 600]
    assert jets.split.train == 0.6


def test_numbers_without_a_dot_are_numbers_in_arguments_of_networks_too():
    config = changed((f"{EXPERIMENT}.model", {"name": "dense", "dropout": "1e-1"}))
    assert parse_config(config, "config.yaml").experiments["top-cnn"].model.arguments()["dropout"] == 0.1


@given(st.sets(st.sampled_from([step for family in STEP_FAMILIES.values() for step in family])))
def test_steps_in_their_fixed_order_are_accepted_and_only_those(chosen):
    ordered = [step for family in STEP_FAMILIES.values() for step in family if step in chosen]
    if any(len(chosen & set(family)) > 1 for family in STEP_FAMILIES.values()):
        with pytest.raises(UserError, match="at most one of"):
            parse_config(changed((f"{IMAGES}.steps", ordered)), "config.yaml")
        return
    analysis = parse_config(changed((f"{IMAGES}.steps", ordered)), "config.yaml")
    assert analysis.representations["images"].steps == ordered
    if len(ordered) > 1:
        with pytest.raises(UserError, match="order of the steps is fixed"):
            parse_config(changed((f"{IMAGES}.steps", ordered[::-1])), "config.yaml")


def test_one_file_of_a_split_may_be_given_without_a_list():
    files = {"train": "a.h5", "val": ["b.h5", "c.h5"], "test": "d.h5"}
    config = changed(("datasets.jets.source", {"files": files}))
    source = parse_config(config, "config.yaml").datasets["jets"].source
    found = [[file.path for file in getattr(source.files, split)] for split in files]
    assert found == [["a.h5"], ["b.h5", "c.h5"], ["d.h5"]]
    assert source.format == "top-tagging"


def test_a_dataset_that_is_only_tested_on_needs_no_training_files():
    real = {"kind": "jets", "source": {"files": {"test": "a.h5"}}}
    config = changed(("datasets.real-jets", real), (f"{EXPERIMENT}.test_on", ["real-jets"]))
    assert parse_config(config, "config.yaml").experiments["top-cnn"].test_on == ["real-jets"]


def test_a_yaml_file_is_read(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(MINIMAL), encoding="utf-8")
    assert load_config(path) == parse_config(MINIMAL, "elsewhere")
    assert load_config(str(path)).datasets.keys() == {"jets"}


def test_every_network_has_a_summary_and_complete_defaults():
    assert {"dense", "jet-cnn"} <= set(model_names())
    for name in model_names():
        assert "Arguments: " in model_summary(name)
        assert check_model(name, {}) == check_model(name, check_model(name, {}))


def test_paths_expand_home_and_variables(monkeypatch):
    monkeypatch.setenv("JETS", "/data/jets")
    monkeypatch.setenv("HOME", "/home/someone")
    assert expand_path("$JETS/a.h5", "key") == "/data/jets/a.h5"
    assert expand_path("${JETS}/a.h5", "key") == "/data/jets/a.h5"
    assert expand_path("~/a.h5", "key") == "/home/someone/a.h5"
    assert expand_path("my jets/a.h5", "key") == "my jets/a.h5"


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("NO_SUCH_JETS", raising=False)
    with pytest.raises(UserError, match=r"^source\.files\.test: '\$NO_SUCH_JETS/a\.h5': .* NO_SUCH_JETS is not set"):
        expand_path("$NO_SUCH_JETS/a.h5", "source.files.test")
