"""Experiments that name scores in place of a model: what may be written, and the line for what may not."""

import json
from pathlib import Path
from typing import Any

import pytest

from configurations import EXPERIMENT, MINIMAL, changed
from jetpulse.cli import main
from jetpulse.config import Analysis, Experiment, check_files, parse_config
from jetpulse.errors import UserError

SCORES = f"{EXPERIMENT}.scores"


def config(scores: Any = None, **keys: Any) -> dict[str, Any]:
    """Return the minimal configuration with an experiment of scores and further keys."""
    given = {} if scores is None else {"scores": scores}
    return changed((EXPERIMENT, {"dataset": "jets", **given, **keys}))


def parse(*arguments: Any, **keys: Any) -> Experiment:
    return parse_config(config(*arguments, **keys), "my.yaml").experiments["top-cnn"]


def mistakes(*arguments: Any, **keys: Any) -> list[str]:
    with pytest.raises(UserError) as error:
        parse(*arguments, **keys)
    return [line.removeprefix("my.yaml: ") for line in str(error.value).split("\n")]


@pytest.mark.parametrize("given", ["a.npz", ["a.npz"], {"files": "a.npz"}, {"files": ["a.npz"], "event": "event"}])
def test_a_file_may_be_written_in_several_ways(given):
    experiment = parse(given)
    assert experiment.scores.files == ["a.npz"]
    assert experiment == parse("a.npz")
    assert experiment.numbers() == [1]


def test_several_files_stand_for_several_trainings():
    experiment = parse({"files": ["a.npz", "b.csv"], "score": "p_top", "meaning": "logit"})
    assert (experiment.scores.score, experiment.scores.meaning) == (["p_top"], "logit")
    assert experiment.numbers() == [1, 2]
    assert parse_config(MINIMAL, "my.yaml").experiments["top-cnn"].numbers() == [1, 2, 3]


def test_what_an_experiment_is_written_as_can_be_read_again():
    for experiment in (parse("a.npz"), parse_config(MINIMAL, "my.yaml").experiments["top-cnn"]):
        assert Experiment.model_validate(json.loads(json.dumps(experiment.model_dump()))) == experiment
    written = parse("a.npz").model_dump()
    assert set(written) == {"task", "dataset", "scores", "method", "reference"}
    whole = parse_config(config("a.npz"), "my.yaml")
    assert parse_config(whole.model_dump(), "my.yaml") == whole
    assert "scores" not in parse_config(MINIMAL, "my.yaml").experiments["top-cnn"].model_dump()


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("training", {}, "nothing is trained"),
        ("seeds", [1, 2, 3], "there is one result for each file, numbered from 1"),
        ("representation", "images", "no network sees the dataset"),
        ("test_on", [], "write an experiment for those on another"),
    ],
)
def test_keys_without_meaning_are_refused_even_if_they_hold_the_default(key, value, why):
    (line,) = mistakes("a.npz", **{key: value})
    assert line.startswith(f"{EXPERIMENT}.{key}: has no meaning with `scores`: ")
    assert why in line
    assert line.endswith("; remove it")


MISTAKES = {
    "neither": ([], {}, "top-cnn: model is required and missing (or scores in its place)"),
    "both": (["a.npz"], {"model": {"name": "dense"}}, "top-cnn: has model and scores, needs exactly one of them"),
    "no file": ([[]], {}, "top-cnn.scores.files: "),
    "files missing": ([{"label": "y"}], {}, "top-cnn.scores.files: is required and missing"),
    "a number": ([3], {}, "top-cnn.scores: should be a valid dictionary"),
    "a number in a list": ([[3]], {}, "top-cnn.scores.files.0: should be a valid string (given 3)"),
    "three columns": ([{"files": "a.npz", "score": ["a", "b", "c"]}], {}, "top-cnn.scores.score: "),
    "spelling": ([{"files": "a.npz", "lable": "y"}], {}, "scores.lable: unknown key; did you mean 'label'?"),
    "meaning": ([{"files": "a.npz", "meaning": "logits"}], {}, "'logits' is not allowed, expected 'probability', "),
    "dataset": (["a.npz"], {"dataset": "jet"}, "dataset: 'jet' is not defined; did you mean 'jets'?"),
}


@pytest.mark.parametrize(("given", "keys", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(given, keys, words):
    (line,) = mistakes(*given, **keys)
    assert words in line


def test_scores_belong_to_a_classification():
    waves = {"kind": "pulses", "source": {"waveforms": {"n": 100}}}
    value = changed(
        ("datasets.waves", waves), (EXPERIMENT, {"task": "localisation", "dataset": "waves", "scores": "a"})
    )
    with pytest.raises(UserError, match="scores: belong to task 'classification', not to 'localisation'; name a model"):
        parse_config(value, "my.yaml")


def test_a_dataset_with_a_test_split_alone_is_enough_and_one_without_is_not():
    assert parse_files({"test": "a.h5"}).experiments["top-cnn"].scores
    with pytest.raises(UserError, match="dataset: 'jets' has no test split, which the results are taken from"):
        parse_files({"train": "a.h5", "val": "b.h5"})


def parse_files(files: dict[str, str]) -> Analysis:
    value = config("a.npz")
    value["datasets"]["jets"]["source"] = {"files": files}
    return parse_config(value, "my.yaml")


def test_files_must_be_there_before_any_job(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("THEIRS", str(tmp_path))
    value = parse_config(config(["$THEIRS/a.npz", "$THEIRS/b.csv"]), "my.yaml")
    (tmp_path / "a.npz").touch()
    with pytest.raises(UserError) as error:
        check_files(value, "my.yaml")
    path = tmp_path / "b.csv"
    assert str(error.value).startswith(f"my.yaml: {SCORES}.files: {path}: no such file; check the path")
    path.touch()
    check_files(value, "my.yaml")
    monkeypatch.delenv("THEIRS")
    with pytest.raises(UserError, match=r"scores\.files: '\$THEIRS/a\.npz': .* THEIRS is not set"):
        check_files(value, "my.yaml")


def test_scores_cannot_be_trained(tmp_path, capsys):
    spec = json.dumps({"dataset": "jets", "scores": "a.npz"})
    call = ["train", str(tmp_path / "i.h5"), str(tmp_path / "m.safetensors"), "--seed", "1", "--spec", spec]
    assert main(call) == 1
    assert capsys.readouterr().err == "jetpulse train: --spec: names scores, which are not trained; give a model\n"
