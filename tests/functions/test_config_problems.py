"""Small problems in the configuration: what fits together, and one line for what does not."""

from typing import Any

import pytest

from jetpulse.config import add_sections, check_files, parse_config
from jetpulse.errors import UserError

RINGS = {"kind": "problems", "source": {"points": {"shape": "rings"}}}
LINE = {"kind": "problems", "source": {"points": {"shape": "line"}}}
STREAM = {"kind": "problems", "source": {"stream": {"n": 10}}}
DIGITS = {"kind": "problems", "source": {"digits": {}}}
JETS = {"kind": "jets", "source": {"simulation": {"jets_per_class": 100}}}
KNOWN = {"rings": RINGS, "line": LINE, "stream": STREAM, "digits": DIGITS, "jets": JETS}
KINDS = {"images": {"kind": "jet-image"}, "some": {"kind": "columns", "columns": ["m_*"]}}


def config(experiment: dict[str, Any], **datasets: Any) -> dict[str, Any]:
    """Return a configuration of one experiment."""
    return {"datasets": KNOWN | datasets, "representations": KINDS, "experiments": {"e": experiment}}


def rings(**changes: Any) -> dict[str, Any]:
    """Return an experiment on points."""
    return {"dataset": "rings", "model": {"name": "dense"}} | changes


def mistakes(value: dict[str, Any]) -> list[str]:
    """Return the lines of the error."""
    with pytest.raises(UserError) as error:
        parse_config(value, "my.yaml")
    return str(error.value).removeprefix("my.yaml: ").split("\nmy.yaml: ")


@pytest.mark.parametrize(
    ("source", "answers"),
    [
        ({"points": {"shape": "xor"}}, "classes"),
        ({"points": {"shape": "line", "n": 2}}, "number"),
        ({"houses": {}}, "number"),
        ({"decays": {}}, "classes"),
        ({"digits": {}}, "classes"),
        ({"stream": {}}, "episodes"),
        ({"files": "my.csv", "label": "signal"}, "classes"),
        ({"files": "my.csv", "target": "price"}, "number"),
        ({"files": "my.h5", "targets": "theirs.h5"}, "number"),
        ({"download": "mnist"}, "classes"),
    ],
)
def test_what_the_answers_are_is_known_from_the_config(source, answers):
    dataset = {"kind": "problems", "source": source}
    assert parse_config(config(rings(), d=dataset), "my.yaml").datasets["d"].answers == answers


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({}, "source: needs exactly one of points, houses, decays, digits, stream, files, download"),
        ({"digits": {}, "houses": {}}, "source: needs exactly one of points"),
        ({"files": "a.csv"}, "source: files need exactly one of label, target (columns of a csv), labels, targets"),
        ({"files": "a.csv", "label": "y", "target": "z"}, "source: files need exactly one of label"),
        ({"files": ["a.h5", "b.h5"], "labels": "c.h5"}, "source: labels: 1 files for 2 in `files`; give one for each"),
        ({"points": {"shape": "xor"}, "columns": ["a"]}, "source: columns: belongs to files; remove it"),
        ({"points": {"shape": "xor"}, "event": "id"}, "source: event: belongs to files; remove it"),
        ({"houses": {}, "duplicates": "keep"}, "source: duplicates: is about files, which this source does not read"),
        ({"points": {"shape": "ring"}}, "source.points.shape: 'ring' is not allowed"),
        ({"points": {"shape": "xor", "n": 0}}, "source.points.n: "),
        ({"points": {"shape": "xor", "noise": -1}}, "source.points.noise: "),
        ({"stream": {"target": 500.0}}, "source.stream: target 500 is out of reach"),
    ],
)
def test_a_mistake_in_a_source_is_one_line_with_its_key(source, line):
    found = mistakes(config(rings(), d={"kind": "problems", "source": source}))
    assert len(found) == 1
    assert found[0].startswith(f"datasets.d.{line}")


@pytest.mark.parametrize(
    ("experiment", "line"),
    [
        (rings(dataset="line"), "dataset: 'line' has number to be learned, task 'classification' needs classes"),
        (rings(test_on=["line"]), "test_on: 'line' has number to be learned, task 'classification' needs classes"),
        (rings(test_on=["jets"]), "test_on: is of another kind of dataset than 'rings'; name datasets of one kind"),
        (rings(task="localisation"), "dataset: 'rings' is of kind 'problems', task 'localisation' needs 'pulses'"),
        (
            rings(representation="images"),
            "representation: 'images' is made of jets, of which 'rings' has none; choose one of samples, some",
        ),
        (rings(dataset="digits", representation="some"), "representation: 'digits' has no columns; choose 'samples'"),
        (
            rings(model={"name": "particle-flow"}),
            "model: particle-flow reads constituents of jets, of which 'rings' has none",
        ),
        (rings(model={"name": "digit-cnn"}), "model: digit-cnn reads pictures, of which 'rings' has none"),
        (
            rings(training={"augment": {"flip": True}}),
            "training.augment: changes the constituents of jets, which problems have not; remove it",
        ),
        (
            rings(training={"fresh": {"entries": 10}}),
            "training.fresh: 'rings' is not of generated waveforms or spectra; remove it",
        ),
        (
            rings(model={"name": "boosted-trees"}, training={"batch": 7}),
            "training.batch: means nothing to boosted-trees, which makes no steps of an optimiser; remove it",
        ),
        (
            {"dataset": "rings", "scores": {"files": ["a.npz"]}},
            "scores: are compared on datasets of kind 'jets', not 'problems'; name a model",
        ),
        (
            {"dataset": "jets", "representation": "some", "model": {"name": "dense"}},
            "representation: 'some' does not suit dense, which reads images or observables; choose one of "
            "`representations` of kind jet-image or jet-observables, which are images",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_line(experiment, line):
    assert mistakes(config(experiment)) == [f"experiments.e.{line}"]


def test_files_that_are_missing_are_found_before_anything_runs(tmp_path):
    source = {"files": {"train": "a.csv", "test": "b.csv"}, "label": "y"}
    analysis = parse_config(config(rings(dataset="d"), d={"kind": "problems", "source": source}), "my.yaml")
    with pytest.raises(UserError) as error:
        check_files(analysis, "my.yaml")
    assert [line.split(": ")[2] for line in str(error.value).splitlines()] == ["a.csv", "b.csv"]


def test_files_by_split_have_a_validation_split_if_the_config_says_so():
    for val, split in [([], {"train": 1.0, "val": 0.0, "test": 0.0}), (["v.csv"], {"train": 1.0, "val": 0, "test": 0})]:
        source = {"files": {"train": "a.csv", "val": val, "test": "b.csv"}, "label": "y"}
        value = config(rings(training={"patience": None}), d={"kind": "problems", "source": source, "split": split})
        dataset = parse_config(value, "my.yaml").datasets["d"]
        assert [dataset.has(name) for name in ("train", "val", "test")] == [True, bool(val), True]


def test_two_configurations_are_put_together_by_section():
    first, second = {"datasets": {"a": 1}, "experiments": {"x": 2}}, {"datasets": {"b": 3}, "scans": {"s": 4}}
    both = add_sections(first, second, "both")
    assert both == {"datasets": {"a": 1, "b": 3}, "experiments": {"x": 2}, "scans": {"s": 4}}
    assert first == {"datasets": {"a": 1}, "experiments": {"x": 2}}
    with pytest.raises(UserError, match=r"^both: datasets\.a: is defined in both; rename one$"):
        add_sections(first, {"datasets": {"a": 1}}, "both")
