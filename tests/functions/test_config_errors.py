"""Every mistake is one line: where, which key, what was given, what is allowed, the nearest spelling."""

import os
import time

import pytest

from configurations import EXPERIMENT, IMAGES, MINIMAL, SIMULATION, changed, without
from jetpulse.config import check_files, load_config, parse_config
from jetpulse.errors import UserError

SOURCE = "datasets.jets.source"
TRAINING = f"{EXPERIMENT}.training"


def mistakes(config: object) -> list[str]:
    with pytest.raises(UserError) as error:
        parse_config(config, "my.yaml")
    lines = str(error.value).split("\n")
    for line in lines:
        assert line.startswith("my.yaml: "), line
    return [line.removeprefix("my.yaml: ") for line in lines]


def only_mistake(config: object) -> str:
    lines = mistakes(config)
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("experimens", "experiments"),
        ("datasets.jets.splitt", "split"),
        ("datasets.jets.split.trian", "train"),
        (f"{SOURCE}.simulaton", "simulation"),
        (f"{SIMULATION}.jet_per_class", "jets_per_class"),
        (f"{IMAGES}.pixel", "pixels"),
        (f"{EXPERIMENT}.trainig", "training"),
        (f"{TRAINING}.learning-rate", "learning_rate"),
        (f"{EXPERIMENT}.reference.acuracy", "accuracy"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_spelling(key, nearest):
    (line,) = [line for line in mistakes(changed((key, 1))) if "unknown key" in line]
    assert line.startswith(f"{key}: unknown key; did you mean {nearest!r}? allowed here: ")
    assert nearest in line.split("allowed here: ")[1].split(", ")


def test_an_unknown_key_unlike_any_other_lists_what_is_allowed():
    line = only_mistake(changed((f"{IMAGES}.zzz", 1)))
    assert line == f"{IMAGES}.zzz: unknown key; allowed here: kind, pixels, half_width, steps"


@pytest.mark.parametrize(
    "key",
    [
        "datasets",
        "experiments",
        "datasets.jets.kind",
        "datasets.jets.source",
        f"{SIMULATION}.jets_per_class",
        f"{EXPERIMENT}.dataset",
        f"{EXPERIMENT}.model.name",
    ],
)
def test_a_missing_key_is_named(key):
    assert only_mistake(without(key)) == f"{key}: is required and missing"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{SIMULATION}.jets_per_class", "many"),
        (f"{SIMULATION}.jets_per_class", 10.5),
        (f"{SIMULATION}.jets_per_class", True),
        (f"{SIMULATION}.multiple_interactions", "off"),
        (f"{SIMULATION}.pt", 600),
        (f"{SIMULATION}.radius", "wide"),
        (f"{SIMULATION}.radius", True),
        (f"{IMAGES}.pixels", None),
        (f"{IMAGES}.steps", "centre"),
        (f"{EXPERIMENT}.seeds", 3),
        (f"{TRAINING}.batch", [50]),
        (f"{EXPERIMENT}.model", "jet-cnn"),
        ("datasets.jets", None),
        ("experiments", ["top-cnn"]),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_what_was_given(key, value):
    line = only_mistake(changed((key, value)))
    assert line.startswith(f"{key}: should be a valid ")
    assert line.endswith(f"(given {value!r})")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{SIMULATION}.jets_per_class", 0),
        (f"{SIMULATION}.seed", -1),
        (f"{SIMULATION}.eta_max", 5.0),
        (f"{SIMULATION}.radius", 0),
        (f"{SIMULATION}.energy", "1e9"),
        (f"{SIMULATION}.max_constituents", 1001),
        (f"{IMAGES}.pixels", 0),
        (f"{IMAGES}.half_width", -0.8),
        (f"{IMAGES}.half_width", float("nan")),
        (f"{TRAINING}.learning_rate", float("inf")),
        (f"{TRAINING}.learning_rate", 0),
        (f"{TRAINING}.momentum", 1),
        (f"{TRAINING}.epochs", 0),
        (f"{TRAINING}.patience", 0),
        (f"{EXPERIMENT}.seeds", []),
    ],
)
def test_a_value_out_of_range_is_named_with_its_key(key, value):
    assert only_mistake(changed((key, value))).startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        (f"{SIMULATION}.detector", "atlass", "atlas"),
        (f"{SIMULATION}.shower", "vinca", "vincia"),
        (f"{TRAINING}.optimiser", "adamm", "adam"),
        ("datasets.jets.kind", "jet", "jets"),
        (f"{EXPERIMENT}.task", "clasification", "classification"),
    ],
)
def test_a_word_that_is_not_allowed_is_named_with_the_nearest_one(key, value, nearest):
    line = only_mistake(changed((key, value)))
    assert line.startswith(f"{key}: {value!r} is not allowed, expected ")
    assert line.endswith(f"did you mean {nearest!r}?")


def test_an_unknown_step_is_named_with_its_place():
    line = only_mistake(changed((f"{IMAGES}.steps", ["centre", "rotation"])))
    assert line.startswith(f"{IMAGES}.steps.1: 'rotation' is not allowed")
    assert line.endswith("did you mean 'rotate'?")


def test_steps_in_the_wrong_order_are_shown_in_the_right_one():
    line = only_mistake(changed((f"{IMAGES}.steps", ["normalise", "flip-phi", "centre"])))
    assert line.startswith(f"{IMAGES}.steps: ")
    assert "write [centre, flip-phi, normalise]" in line


@pytest.mark.parametrize(
    "steps", [["centre", "centre-centroid"], ["rotate", "rotate"], ["flip-eta", "flip-eta"], ["normalise-sum"] * 2]
)
def test_two_steps_of_one_family_are_refused(steps):
    line = only_mistake(changed((f"{IMAGES}.steps", steps)))
    assert line.startswith(f"{IMAGES}.steps: at most one of ")
    assert steps[0] in line


@pytest.mark.parametrize("window", [[650, 550], [600, 600], [550], [1, 2, 3]])
def test_a_window_needs_a_lower_and_an_upper_bound(window):
    assert only_mistake(changed((f"{SIMULATION}.pt", window))).startswith(f"{SIMULATION}.pt: ")


def test_a_hard_process_outside_the_jet_window_is_refused():
    line = only_mistake(changed((f"{SIMULATION}.pt_hat", [100, 200])))
    assert line.startswith(f"{SIMULATION}: pt_hat [100.0, 200.0] does not overlap")


@pytest.mark.parametrize(("split", "total"), [((0.6, 0.2, 0.1), "0.9"), ((1, 1, 1), "3"), ((0, 0, 0), "0")])
def test_a_split_that_does_not_add_up_says_what_it_adds_up_to(split, total):
    line = only_mistake(changed(("datasets.jets.split", dict(zip(("train", "val", "test"), split, strict=True)))))
    assert line == f"datasets.jets.split: train + val + test is {total}, must be 1"


@pytest.mark.parametrize("source", [{}, {"simulation": {"jets_per_class": 1}, "files": {"train": "a.h5"}}])
def test_a_source_is_exactly_one_thing(source):
    assert only_mistake(changed((SOURCE, source))) == f"{SOURCE}: needs exactly one of simulation, files, download"


def test_files_that_name_no_file_are_refused():
    assert only_mistake(changed((SOURCE, {"files": {}}))) == f"{SOURCE}.files: names no file"


def test_equal_seeds_are_refused():
    line = only_mistake(changed((f"{EXPERIMENT}.seeds", [1, 2, 1])))
    assert line == f"{EXPERIMENT}.seeds: seeds [1, 2, 1] are not all different"


@pytest.mark.parametrize("name", ["Top", "top_cnn", "top cnn", "-top", "", "top/cnn", "tøp"])
@pytest.mark.parametrize("section", ["datasets", "representations", "experiments"])
def test_a_name_that_cannot_be_a_folder_is_refused(section, name):
    (value,) = MINIMAL[section].values()
    config = changed((section, {**MINIMAL[section], name: value}))
    assert only_mistake(config).startswith(f"{section}.{name}: {name!r} is not a valid name")


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [("dataset", "jet", "jets"), ("representation", "image", "images"), ("test_on", "jetss", "jets")],
)
def test_a_name_that_points_nowhere_is_named_with_the_nearest_one(key, value, nearest):
    line = only_mistake(changed((f"{EXPERIMENT}.{key}", [value] if key == "test_on" else value)))
    defined = f"samples, {nearest}" if key == "representation" else nearest
    assert line == f"{EXPERIMENT}.{key}: {value!r} is not defined; did you mean {nearest!r}? defined: {defined}"


def test_an_unknown_network_is_named_with_the_nearest_one():
    line = only_mistake(changed((f"{EXPERIMENT}.model.name", "jet-cn")))
    assert line.startswith(f"{EXPERIMENT}.model: no network is called 'jet-cn'; did you mean 'jet-cnn'? there are: ")


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"filter": 8}, "argument 'filter': unknown; did you mean 'filters'?"),
        ({"filters": "eight"}, "(given 'eight')"),
        ({"filters": 0}, "(given 0)"),
        ({"hidden": [64, 0]}, "argument 'hidden.1'"),
    ],
)
def test_a_wrong_argument_of_a_network_is_named_with_those_it_takes(arguments, fragment):
    line = only_mistake(changed((f"{EXPERIMENT}.model", {"name": "jet-cnn", **arguments})))
    assert line.startswith(f"{EXPERIMENT}.model: jet-cnn: ")
    assert fragment in line
    assert line.endswith("it takes filters, kernel, hidden")


@pytest.mark.parametrize("name", ["benchmarks", "comparison", "datasets"])
def test_an_experiment_may_not_take_the_name_of_another_folder(name):
    config = changed(("experiments", {name: MINIMAL["experiments"]["top-cnn"]}))
    assert only_mistake(config).startswith(f"experiments.{name}: this name is reserved")


def test_a_representation_may_not_take_the_name_of_the_samples():
    config = changed(("representations.samples", {"kind": "jet-image"}))
    assert only_mistake(config).startswith("representations.samples: this name is taken")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_experiment_needs_all_three_splits(split):
    files = {name: "a.h5" for name in ("train", "val", "test") if name != split}
    line = only_mistake(changed((SOURCE, {"files": files})))
    assert line.startswith(f"{EXPERIMENT}.dataset: 'jets' has no {split} split")


def test_testing_on_a_dataset_without_a_test_split_is_refused():
    real = {"kind": "jets", "source": {"files": {"train": "a.h5"}}}
    config = changed(("datasets.real", real), (f"{EXPERIMENT}.test_on", ["real"]))
    assert only_mistake(config).startswith(f"{EXPERIMENT}.test_on: 'real' has no test split")


def test_testing_on_the_experiments_own_dataset_is_refused():
    line = only_mistake(changed((f"{EXPERIMENT}.test_on", ["jets"])))
    assert line.startswith(f"{EXPERIMENT}.test_on: 'jets' is the experiment's own dataset")


def test_several_mistakes_are_several_lines():
    config = changed((f"{IMAGES}.pixels", 0), (f"{TRAINING}.optimizer", "adam"), (f"{SIMULATION}.seed", "one"))
    keys = [line.split(": ")[0] for line in mistakes(config)]
    assert sorted(keys) == sorted([f"{IMAGES}.pixels", f"{TRAINING}.optimizer", f"{SIMULATION}.seed"])


def test_several_names_that_point_nowhere_are_several_lines():
    config = changed((f"{EXPERIMENT}.dataset", "no"), (f"{EXPERIMENT}.representation", "none"))
    assert [line.split(": ")[0] for line in mistakes(config)] == [
        f"{EXPERIMENT}.{k}" for k in ("dataset", "representation")
    ]


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_what_is_not_a_mapping_is_one_line(value):
    assert "datasets, representations, experiments" in only_mistake(value)


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\ta: 1", "a: 'x\nb: 2"])
def test_broken_yaml_is_one_line_that_names_the_file_and_the_place(tmp_path, text):
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        load_config(tmp_path / "my.yaml")
    assert str(error.value).startswith(f"{tmp_path / 'my.yaml'}: not valid YAML: ")
    assert "\n" not in str(error.value)
    assert "line " in str(error.value)


def test_a_file_that_is_not_text_is_one_line(tmp_path):
    (tmp_path / "my.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"my\.yaml: not valid YAML"):
        load_config(tmp_path / "my.yaml")


@pytest.mark.parametrize("name", ["no.yaml", "."])
def test_a_missing_file_or_a_folder_is_one_line(tmp_path, name):
    with pytest.raises(UserError) as error:
        load_config(tmp_path / name)
    assert str(error.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(error.value)


def checked_file(path):
    files = {"datasets.jets.source": {"files": [str(path)]}}
    check_files(parse_config(changed(*files.items()), "my.yaml"), "my.yaml")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing.h5", "no such file"),
        ("jets.h5/below", "no such file"),
        ("x" * 300, "File name too long"),
        (".", "is a folder, expected a file"),
        ("null\0", "no such file"),
        ("~there-is-no-such-user/jets.h5", "there is no such user"),
    ],
)
def test_files_that_no_job_could_read_are_one_line(tmp_path, monkeypatch, path, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jets.h5").touch()
    with pytest.raises(UserError) as error:
        checked_file(path)
    assert str(error.value).startswith("my.yaml: datasets.jets.source: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ahead", [-1e10, -1.0, 0.0, 1e5, 1e9])
def test_a_file_from_the_future_is_refused_before_it_fails_a_job(tmp_path, ahead):
    path = tmp_path / "jets.h5"
    path.touch()
    os.utime(path, (time.time() + ahead, time.time() + ahead))
    if ahead <= 0:
        checked_file(path)
        return
    with pytest.raises(UserError, match=r"jets\.h5: was changed \d+ s in the future.*`touch` it"):
        checked_file(path)
