"""Scans become ordinary experiments: by hand, shared where equal, mistakes in one line."""

import copy
import re
from typing import Any

import pytest
import yaml

from configurations import MINIMAL, changed
from jetpulse.cli import main
from jetpulse.config import Analysis, ScanPlan, expand_scans, parse_config
from jetpulse.errors import UserError

STEPS = [[], ["centre"], ["centre", "rotate"], ["centre", "rotate", "normalise"]]


def config(**scans: dict[str, Any]) -> dict[str, Any]:
    return changed(*((f"scans.{name}", {"experiment": "top-cnn", **scan}) for name, scan in scans.items()))


def expand(value: dict[str, Any]) -> tuple[Analysis, dict[str, ScanPlan]]:
    return expand_scans(parse_config(value, "my.yaml"), "my.yaml")


def expand_one(**scan: Any) -> tuple[Analysis, ScanPlan]:
    analysis, plans = expand(config(scan=scan))
    return analysis, plans["scan"]


def mistake(value: dict[str, Any]) -> str:
    with pytest.raises(UserError) as error:
        expand(value)
    (line,) = str(error.value).split("\n")
    assert line.startswith("my.yaml: ")
    return line.removeprefix("my.yaml: ")


def mistake_of(**scan: Any) -> str:
    return mistake(config(scan=scan))


def test_without_scans_nothing_changes():
    analysis = parse_config(MINIMAL, "my.yaml")
    assert expand_scans(analysis, "my.yaml") == (analysis, {})


def test_a_key_of_the_training_by_hand():
    analysis, plan = expand_one(vary="training.learning_rate", values=["1e-4", 0.001, 0.5])
    assert list(analysis.experiments) == ["top-cnn", "scan-0p0001", "scan-0p5"]
    rates = {name: value.training.learning_rate for name, value in analysis.experiments.items()}
    assert rates == {"top-cnn": 0.001, "scan-0p0001": 0.0001, "scan-0p5": 0.5}
    assert [point.experiment for point in plan.points] == ["scan-0p0001", "top-cnn", "scan-0p5"]
    assert [point.place for point in plan.points] == [[0], [1], [2]]
    assert plan.axes[0].model_dump() == {
        "key": "training.learning_rate",
        "values": [0.0001, 0.001, 0.5],  # the first is a text in YAML
        "labels": ["0.0001", "0.001", "0.5"],
        "scale": "log",
    }
    assert (plan.base, plan.task) == ("top-cnn", "classification")


def test_a_preprocessing_ablation_makes_a_representation_for_every_value_but_the_experiments_own():
    analysis, plan = expand_one(vary="representation.steps", values=STEPS)
    assert {name: value.steps for name, value in analysis.representations.items()} == {
        "images": STEPS[3],
        "images-steps-none": STEPS[0],
        "images-steps-centre": STEPS[1],
        "images-steps-centre-rotate": STEPS[2],
    }
    names = ["scan-none", "scan-centre", "scan-centre-rotate", "top-cnn"]
    assert [point.experiment for point in plan.points] == names
    assert [analysis.experiments[name].representation for name in names[:3]] == list(analysis.representations)[1:]
    assert plan.axes[0].labels == ["none", "centre", "centre, rotate", "centre, rotate, normalise"]
    assert plan.axes[0].scale == "category"
    assert analysis.representations["images-steps-none"].pixels == 40


def test_arguments_of_the_network_and_whole_networks():
    analysis, plan = expand_one(vary="model.hidden", values=[[], [8, 8], [64, 64, 64]])
    assert analysis.experiments["scan-none"].model.arguments() | {"hidden": 0} == (
        analysis.experiments["top-cnn"].model.arguments() | {"hidden": 0}
    )
    assert analysis.experiments["scan-8-8"].model.arguments()["hidden"] == [8, 8]
    assert plan.points[2].experiment == "top-cnn"  # 64, 64, 64 is the default
    analysis, plan = expand_one(vary="model", values=[{"name": "dense"}, {"name": "jet-cnn"}])
    assert [point.experiment for point in plan.points] == ["scan-dense", "top-cnn"]
    assert analysis.experiments["scan-dense"].model.name == "dense"


def test_several_keys_at_once_make_a_ladder_of_networks():
    values = [
        {"model": {"name": "particle-transformer"}, "representation": "samples", "training": {"batch": 256}},
        {"model": {"name": "dense"}},
    ]
    analysis, plan = expand_one(vary="experiment", values=values, labels=["transformer", "dense"], seeds=[7])
    first, second = (analysis.experiments[point.experiment] for point in plan.points)
    assert (first.model.name, first.representation, first.training.batch) == ("particle-transformer", "samples", 256)
    assert (second.model.name, second.representation, second.training.batch) == ("dense", "images", 50)
    assert first.seeds == second.seeds == [7]
    assert plan.axes[0].labels == ["transformer", "dense"]


def test_another_sample_for_each_value_of_a_key_of_the_dataset():
    key = "dataset.source.simulation.multiple_interactions"
    analysis, plan = expand_one(vary=key, values=[False, True])
    assert [point.dataset for point in plan.points] == ["jets", "jets-multiple-interactions-true"]
    assert [point.experiment for point in plan.points] == ["top-cnn", "scan-true"]
    made = analysis.datasets["jets-multiple-interactions-true"].source.simulation
    assert made.multiple_interactions
    assert made.jets_per_class == 100


def test_a_named_dataset_that_is_also_tested_on_is_tested_once():
    other = {"kind": "jets", "source": {"simulation": {"jets_per_class": 50, "seed": 2}}}
    value = config(scan={"vary": "dataset", "values": ["jets", "other"]})
    value["datasets"]["other"] = other
    value["experiments"]["top-cnn"]["test_on"] = ["other"]
    analysis, _ = expand(value)
    assert analysis.experiments["scan-other"].test_on == []


def test_a_grid_has_all_combinations():
    analysis, plan = expand_one(vary={"training.batch": [10, 50], "model.filters": [4, 8, 16]})
    assert [point.place for point in plan.points] == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert [point.experiment for point in plan.points] == [
        "scan-batch-10-filters-4",
        "scan-batch-10-filters-8",
        "scan-batch-10-filters-16",
        "scan-batch-50-filters-4",
        "top-cnn",
        "scan-batch-50-filters-16",
    ]
    chosen = analysis.experiments["scan-batch-10-filters-16"]
    assert (chosen.training.batch, chosen.model.arguments()["filters"]) == (10, 16)


def test_two_scans_share_what_they_have_in_common():
    scans = {
        "first": {"vary": "training.batch", "values": [10, 50]},
        "second": {"vary": {"training.batch": [10], "representation.pixels": [20, 40]}},
        "third": {"vary": "representation.pixels", "values": [20]},
    }
    analysis, plans = expand(config(**scans))
    assert plans["first"].experiments() == ["first-10", "top-cnn"]
    assert plans["second"].experiments() == ["second-batch-10-pixels-20", "first-10"]
    assert plans["third"].experiments() == ["third-20"]
    assert list(analysis.representations) == ["images", "images-pixels-20"]


def test_a_representation_that_is_defined_already_is_used():
    value = config(scan={"vary": "representation.pixels", "values": [20]})
    value["representations"]["coarse"] = {"kind": "jet-image", "pixels": 20}
    analysis, plans = expand(value)
    assert analysis.experiments[plans["scan"].points[0].experiment].representation == "coarse"
    assert list(analysis.representations) == ["images", "coarse"]


def test_the_experiment_serves_with_more_seeds_than_asked_for_but_not_with_fewer():
    batches = {"vary": "training.batch", "values": [10, 50]}
    analysis, plan = expand_one(**batches, seeds=[1, 2])
    assert [point.experiment for point in plan.points] == ["scan-10", "top-cnn"]
    assert analysis.experiments["scan-10"].seeds == [1, 2]
    analysis, plan = expand_one(**batches, seeds=[1, 2, 3, 4])
    assert [point.experiment for point in plan.points] == ["scan-10", "scan-50"]


def test_varied_seeds_are_those_and_no_more():
    analysis, plan = expand_one(vary="seeds", values=[[1], [3, 2, 1]])
    assert [point.experiment for point in plan.points] == ["scan-1", "top-cnn"]
    assert analysis.experiments["scan-1"].seeds == [1]


def test_a_point_has_no_reference_but_is_tested_where_the_experiment_is():
    value = config(scan={"vary": "training.batch", "values": [10]})
    value["datasets"]["real"] = {"kind": "jets", "source": {"files": {"test": "a.h5"}}}
    value["experiments"]["top-cnn"] |= {"test_on": ["real"], "reference": {"auc": 0.9, "source": "a paper"}}
    analysis, _ = expand(value)
    point = analysis.experiments["scan-10"]
    assert (point.reference, point.test_on) == (None, ["real"])
    assert analysis.experiments["top-cnn"].reference.auc == 0.9


def test_a_value_put_between_others_renames_nothing():
    before, _ = expand_one(vary="training.batch", values=[10, 100])
    after, _ = expand_one(vary="training.batch", values=[10, 25, 100])
    assert {name: after.experiments[name] for name in before.experiments} == before.experiments


def test_expanding_changes_nothing_that_it_was_given_and_gives_the_same_again():
    analysis = parse_config(config(scan={"vary": "representation.steps", "values": STEPS}), "my.yaml")
    before = copy.deepcopy(analysis)
    first, second = expand_scans(analysis, "my.yaml"), expand_scans(analysis, "my.yaml")
    assert analysis == before
    assert first == second


def test_an_expanded_analysis_is_a_configuration_that_expands_to_itself():
    analysis, plans = expand_one(vary={"representation.pixels": [20, 40], "training.batch": [10]})
    again, second = expand_scans(parse_config(analysis.model_dump(exclude_unset=True), "my.yaml"), "my.yaml")
    assert again == analysis
    assert second["scan"] == plans


@pytest.mark.parametrize(
    ("values", "scale", "expected"),
    [
        ([1, 2, 10], "auto", "linear"),
        ([1, 2, 20], "auto", "log"),
        ([1, 2, 20], "linear", "linear"),
        ([1, 2], "log", "log"),
        ([1, 2], "category", "category"),
    ],
)
def test_numbers_over_more_than_a_decade_get_a_logarithmic_axis(values, scale, expected):
    _, plan = expand_one(vary="training.batch", values=values, x_scale=scale)
    assert plan.axes[0].scale == expected


def test_a_zero_has_no_place_on_a_logarithmic_axis():
    _, plan = expand_one(vary="training.weight_decay", values=[0.0, 0.001, 0.1])
    assert plan.axes[0].scale == "linear"
    assert "'log' needs positive numbers" in mistake_of(vary="training.weight_decay", values=[0.0, 0.1], x_scale="log")


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (
            {"vary": "training.learing_rate", "values": [1]},
            "training.learing_rate: unknown key; did you mean 'learning_ra",
        ),
        ({"vary": "trainin.batch", "values": [1]}, "'trainin.batch' cannot be varied; did you mean 'training.batch'?"),
        ({"vary": "task", "values": ["localisation"]}, "keys begin with training, model, seeds, representation, "),
        ({"vary": "training..batch", "values": [1]}, "'training..batch' is no key"),
        ({"vary": "seeds.first", "values": [1]}, "'seeds.first' is no key"),
        (
            {"vary": "training.batch", "values": [10, 0]},
            "training.batch: should be greater than or equal to 1 (given 0)",
        ),
        ({"vary": "training.batch.x", "values": [1]}, "training.batch: should be a valid integer"),
        ({"vary": "model.filtrs", "values": [1]}, "argument 'filtrs': unknown; did you mean 'filters'?"),
        ({"vary": "model", "values": [{"name": "vae"}]}, "model: 'vae' does not learn classification"),
        ({"vary": "representation.step", "values": [[]]}, "representation.step: unknown key; did you mean 'steps'?"),
        ({"vary": "representation.steps", "values": [["rotate", "centre"]]}, "write [centre, rotate]"),
        ({"vary": "representation", "values": ["image"]}, "'image' is not defined; did you mean 'images'?"),
        ({"vary": "dataset.source.simulation.sed", "values": [1]}, "dataset.source.simulation.sed: unknown key; did"),
        ({"vary": "experiment", "values": [{"task": "localisation"}]}, "experiment.task: cannot be varied"),
        ({"vary": "experiment", "values": ["dense"]}, "expected keys and values such as {model: {name: dense}}"),
        ({"vary": "training.batch", "values": [10, 10]}, "training.batch: the value 10 is given twice"),
        ({"vary": "training.batch", "values": []}, "scan.values: "),
        ({"vary": "training.batch"}, "values: is required and missing"),
        ({"vary": {"training.batch": [1]}, "values": [1]}, "values: has no meaning for a grid"),
        ({"vary": {}}, "names no key"),
        ({"vary": "training.batch", "values": [1, 2], "labels": ["one"]}, "labels: needs 2 different ones"),
        ({"vary": "training.batch", "values": [1, 2], "labels": ["a", "a"]}, "labels: needs 2 different ones"),
        ({"vary": {"training.batch": [1], "model.filters": [1]}, "labels": ["a"]}, "labels: a grid needs a mapping"),
        (
            {"vary": {"training.batch": [1]}, "labels": {"training.bach": ["a"]}},
            "labels: 'training.bach' is not",
        ),
        ({"vary": "seeds", "values": [[1]], "seeds": [2]}, "seeds: are what is varied"),
        ({"vary": "training.batch", "values": [1], "seeds": [2, 2]}, "seeds [2, 2] are not all different"),
        ({"vary": "training.optimiser", "values": ["adam"], "x_scale": "linear"}, "x_scale: 'linear' needs numbers"),
        ({"vary": "training.batch", "value": [1]}, "unknown key; did you mean 'values'?"),
    ],
)
def test_a_mistake_is_one_line(scan, words):
    with pytest.raises(UserError) as error:
        expand(config(scan=scan))
    lines = str(error.value).split("\n")
    assert all(line.startswith("my.yaml: scans.scan") for line in lines)
    assert any(words in line for line in lines), lines


def test_an_unknown_experiment_and_one_with_scores_are_refused():
    scan = {"vary": "training.batch", "values": [1]}
    line = mistake(config(scan=scan | {"experiment": "top-cn"}))
    assert line == "scans.scan: experiment: 'top-cn' is not defined; did you mean 'top-cnn'? defined: top-cnn"
    value = config(scan=scan | {"experiment": "theirs"})
    value["experiments"]["theirs"] = {"dataset": "jets", "scores": {"files": ["a.npz"]}}
    assert "'theirs' has scores from elsewhere" in mistake(value)


def test_a_network_that_reads_constituents_needs_samples():
    line = mistake_of(vary="model", values=[{"name": "particle-transformer"}])
    assert line.startswith("scans.scan: representation: 'images' does not suit particle-transformer")


def test_waveforms_have_no_representation_to_vary():
    value = config(scan={"vary": "representation.pixels", "values": [1]})
    value["datasets"]["pulses"] = {"kind": "pulses", "source": {"waveforms": {"n": 10}}}
    value["experiments"]["top-cnn"] = {
        "task": "localisation",
        "dataset": "pulses",
        "model": {"name": "pulse-reference"},
        "training": {"patience": None},
    }
    assert "representation.pixels: representation 'samples' has no keys" in mistake(value)


def test_names_that_are_taken_are_told():
    value = config(scan={"vary": "training.batch", "values": [10]})
    value["experiments"]["scan-10"] = value["experiments"]["top-cnn"]
    assert "a point would be called 'scan-10', which another experiment is" in mistake(value)
    value = config(scan={"vary": "representation.pixels", "values": [10]})
    value["representations"]["images-pixels-10"] = {"kind": "jet-image", "pixels": 11}
    assert "representations.images-pixels-10: this name is needed for" in mistake(value)


@pytest.mark.parametrize("name", ["scans", "searches"])
def test_the_folders_of_scans_and_searches_are_reserved(name):
    value = changed((f"experiments.{name}", MINIMAL["experiments"]["top-cnn"]))
    assert "this name is reserved" in mistake(value)


def search(**changes: Any) -> dict[str, Any]:
    space = {"training.learning_rate": {"low": 0.0001, "high": 0.01, "log": True}}
    return changed(("searches.tune", {"experiment": "top-cnn", "space": space} | changes))


def test_a_search_gets_its_defaults():
    analysis, _ = expand(search())
    found = analysis.searches["tune"]
    assert (found.trials, found.seed, found.metric, found.prune, found.max_epochs) == (30, 1, "val_loss", True, None)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"training.bach": {"low": 1, "high": 2}}, "training.bach: unknown key; did you mean 'batch'?"),
        ({"training.batch": {"low": 0, "high": 2}}, "training.batch: should be greater than or equal to 1 (given 0)"),
        ({"training.batch": {"low": 3, "high": 2}}, "low 3 is not below high 2"),
        ({"training.batch": {"low": 3}}, "needs low and high, or choices"),
        ({"training.batch": {"low": 3, "high": 4, "choices": [1]}}, "needs either choices or low and high"),
        ({"training.weight_decay": {"low": 0.0, "high": 1.0, "log": True}}, "log needs low above 0"),
        ({"training.batch": {"choices": []}}, "at least 1 item"),
        ({"model.name": {"choices": ["dense"]}}, "'model.name' cannot be searched"),
        ({"representation.pixels": {"low": 10, "high": 40}}, "keys begin with training, model"),
        ({"model.hidden": {"choices": [[8], 8]}}, "argument 'hidden'"),
        ({"training.batch": {"lo": 1, "high": 2}}, "unknown key; did you mean 'low'?"),
        ({}, "at least 1 item"),
    ],
)
def test_a_mistake_in_a_search_is_one_line(space, words):
    with pytest.raises(UserError) as error:
        expand(search(space=space))
    lines = str(error.value).split("\n")
    assert all(line.startswith("my.yaml: searches.tune") for line in lines)
    assert any(words in line for line in lines), lines


def test_a_search_needs_a_validation_split_and_an_experiment():
    value = search()
    value["datasets"]["jets"]["split"] = {"train": 0.8, "val": 0.0, "test": 0.2}
    value["experiments"]["top-cnn"]["training"] = {"patience": None}
    assert "dataset 'jets' has no val split" in mistake(value)
    assert "did you mean 'top-cnn'?" in mistake(search(experiment="topcnn"))


def test_the_ends_of_a_range_may_be_written_without_a_dot():
    analysis, _ = expand(search(space={"training.learning_rate": {"low": "1e-4", "high": "1e-2"}}))
    span = analysis.searches["tune"].space["training.learning_rate"]
    assert (span.low, span.high) == (0.0001, 0.01)


def test_checking_a_config_lists_the_points(tmp_path, capsys):
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(config(batches={"vary": "training.batch", "values": [10, 50]})), encoding="utf-8")
    assert main(["check-config", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines == [
        "scan batches of top-cnn:",
        "  10: batches-10",
        "  50: top-cnn",
        "with the points of scans 2 experiments",
    ]
    path.write_text(yaml.safe_dump(config(batches={"vary": "training.bach", "values": [10]})), encoding="utf-8")
    assert main(["check-config", str(path)]) == 1
    assert "did you mean 'batch'?" in capsys.readouterr().err


NINE = {
    "training.learning_rate": [1.2345e-5, 1.2346e-5],
    "training.weight_decay": [1.2345e-5],
    "training.initialisation": ["torch"],
    "training.optimiser": ["adamw"],
    "training.schedule": ["cosine"],
    "training.batch": [50],
    "training.warmup": [100],
    "training.initial_accumulator": [0.0],
    "model.hidden": [[64, 64], [64, 32]],
}


def test_long_names_of_a_grid_end_with_a_hash_and_fit_into_names_of_files():
    scan = "a-scan-of-everything-that-can-be-thought-of-in-the-settings-of-a-whole-training"
    analysis, plans = expand(config(**{scan: {"vary": NINE}}))
    names = [point.experiment for point in plans[scan].points]
    assert len(set(names)) == 4
    assert all(re.fullmatch(rf"{scan}-learning-rate-.*-[0-9a-f]{{12}}", name) for name in names)
    assert max(len(f"{name}.seed1234567890.jsonl") for name in names) <= 255
    again = parse_config(analysis.model_dump(exclude_unset=True), "again")
    assert list(again.experiments) == list(analysis.experiments)
    shorter, _ = expand_one(vary={key: NINE[key] for key in list(NINE)[:2]})
    assert "scan-learning-rate-1p2345e-05-weight-decay-1p2345e-05" in shorter.experiments


def test_a_representation_that_many_keys_change_has_a_name_that_fits():
    keys = ("half_width", "pixels", "steps")
    values = [0.123456789012345, 64, STEPS[3]]
    analysis, _ = expand_one(vary={f"representation.{key}": [value] for key, value in zip(keys, values, strict=True)})
    assert max(map(len, analysis.representations)) <= 110


@pytest.mark.parametrize(("section", "length"), [("datasets", 111), ("representations", 111), ("experiments", 231)])
def test_a_name_that_is_too_long_for_files_is_refused(section, length):
    value = copy.deepcopy(MINIMAL)
    entry = next(iter(value[section].values()))
    value[section]["n" * (length - 1)] = entry
    parse_config(value, "my.yaml")
    value[section]["n" * length] = entry
    with pytest.raises(UserError, match=rf"{section}\.{'n' * 30}\.\.\.: this name has {length} characters"):
        parse_config(value, "my.yaml")
