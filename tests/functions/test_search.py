"""The search for settings: the same trials again, bad ones stopped early, the best one as an experiment."""

import builtins
import json
import math
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from jetpulse.cli import main
from jetpulse.config import Experiment
from jetpulse.config.models import SearchPlan
from jetpulse.errors import DivergedError, UserError
from jetpulse.figures.search import search_figure
from jetpulse.training import search
from jetpulse.training.files import write_model
from jetpulse.training.search import Trial, best_trial, search_settings
from toy_jets import assert_one_line
from toys import read_rows, specification, write_images

pytest.importorskip("optuna", reason="the search needs Optuna: pip install 'jetpulse[search]'")

SPACE = {
    "training.learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
    "model.hidden": {"choices": [[], [6], [8, 4]]},
    "training.batch": {"low": 8, "high": 32},
}


def plan_of(**changes: Any) -> SearchPlan:
    value = {"experiment": specification({"epochs": 4, "patience": 2}), "space": SPACE, "trials": 8}
    return SearchPlan.model_validate(value | changes)


@pytest.fixture
def images(tmp_path) -> Path:
    return write_images(tmp_path / "images.h5")


def test_a_search_ends_with_the_best_trial_as_an_experiment(images, tmp_path):
    lines: list[str] = []
    plan = plan_of(name="cnn")
    trials = search_settings(images, tmp_path / "out", plan, lines.append)
    assert [line.split(":")[0] for line in lines if line.startswith("trial")] == [f"trial {n}" for n in range(1, 9)]
    assert len(trials) == 8
    assert any(line.startswith("device: ") for line in lines)
    rows = read_rows(tmp_path / "out/trials.csv")
    assert list(rows[0]) == ["trial", *sorted(SPACE), "state", "epochs", "val_loss"]
    assert [row["trial"] for row in rows] == [str(n) for n in range(1, 9)]
    for row, trial in zip(rows, trials, strict=True):
        assert 0.0001 <= float(row["training.learning_rate"]) <= 0.1
        assert json.loads(row["model.hidden"]) in SPACE["model.hidden"]["choices"]
        assert 8 <= int(row["training.batch"]) <= 32
        assert (row["state"], row["epochs"]) == (trial.state, str(len(trial.epochs)))
        # With patience the epoch with the least loss is the one that is kept.
        assert float(row["val_loss"]) == pytest.approx(min(trial.epochs), rel=1e-5)
    best = min((row for row in rows if row["state"] == "complete"), key=lambda row: float(row["val_loss"]))
    text = (tmp_path / "out/best.yaml").read_text(encoding="utf-8")
    assert best["val_loss"] in text.splitlines()[0]
    ((name, entry),) = yaml.safe_load(text).items()
    experiment = Experiment.model_validate(entry)
    assert name == "cnn-tuned"
    assert experiment.training.learning_rate == pytest.approx(float(best["training.learning_rate"]))
    assert experiment.training.batch == int(best["training.batch"])
    assert experiment.model.arguments()["hidden"] == json.loads(best["model.hidden"])
    assert (experiment.training.epochs, experiment.model.arguments()["dropout"]) == (4, 0.2)  # as they were


def test_the_same_search_gives_the_same_bytes(images, tmp_path):
    for name in ("a", "b"):
        spec = plan_of(trials=6).model_dump_json()
        assert main(["search", str(images), str(tmp_path / name), "--spec", spec]) == 0
    for file in ("trials.csv", "best.yaml", "search.svg"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    other = search_settings(images, tmp_path / "c", plan_of(trials=6, seed=2))
    (_, first, *_) = (tmp_path / "a/trials.csv").read_text(encoding="utf-8").splitlines()
    assert str(other[0].settings["training.batch"]) != first.split(",")[-5]  # another seed tries something else


def test_a_search_that_was_ended_goes_on_where_it_was(images, tmp_path, monkeypatch, capsys):
    """By a signal in the third trial's second epoch; and trials that have ended are not trained again."""
    spec = plan_of(trials=6).model_dump_json()
    assert main(["search", str(images), str(tmp_path / "whole"), "--spec", spec]) == 0
    options = ["--spec", spec, "--checkpoints", str(tmp_path / "kept")]
    trained: list[int] = []

    def train(*arguments: Any, **rest: Any) -> None:
        trained.append(0)
        report = rest.pop("report")

        def interrupting(row: dict[str, float]) -> None:
            report(row)
            trained[-1] += 1
            if len(trained) == 3 and row["epoch"] == 1:
                os.kill(os.getpid(), signal.SIGUSR1)

        write_model(*arguments, **rest, report=interrupting)

    monkeypatch.setattr(search, "write_model", train)
    assert main(["search", str(images), str(tmp_path / "cut"), *options]) == 128 + signal.SIGUSR1
    assert "stopped by SIGUSR1" in capsys.readouterr().err
    assert not (tmp_path / "cut").exists()
    assert len(trained) == 3
    assert main(["search", str(images), str(tmp_path / "cut"), *options]) == 0
    assert "resuming after 2 trials" in capsys.readouterr().err
    assert len(trained) == 3 + 4  # the interrupted one once more, from its checkpoint, and the others
    for file in ("trials.csv", "best.yaml", "search.svg"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert list((tmp_path / "kept").iterdir()) == []


def test_inputs_and_kept_trials_that_cannot_be_read_are_one_line(images, tmp_path, monkeypatch):
    with pytest.raises(UserError) as error:
        search_settings(tmp_path / "no.h5", tmp_path / "out", plan_of(), checkpoints=tmp_path / "kept")
    assert_one_line(error, tmp_path / "no.h5", "no such file", "check the path")
    monkeypatch.setattr(search, "write_model", Script(GOOD))
    with pytest.raises(IndexError):  # as if it had crashed in the second trial
        search_settings(images, tmp_path / "out", plan_of(), checkpoints=tmp_path / "kept")
    (kept,) = (tmp_path / "kept").glob("search-*/trials.json")
    for text in ('{"trial": 1}', "[1]", '[{"value": 1}]'):
        kept.write_text(text, encoding="utf-8")
        with pytest.raises(UserError) as error:
            search_settings(images, tmp_path / "out", plan_of(), checkpoints=tmp_path / "kept")
        assert_one_line(error, kept, "no list of trials", f"delete {kept.parent}")


@pytest.mark.parametrize("change", [{"seed": 2}, {"trials": 4}])
def test_kept_trials_of_another_search_are_left_alone(monkeypatch, images, tmp_path, change):
    monkeypatch.setattr(search, "write_model", Script(GOOD, [math.nan]))
    with pytest.raises(IndexError):  # as if it had crashed in the third trial
        search_settings(images, tmp_path / "out", plan_of(trials=3), checkpoints=tmp_path / "kept")
    monkeypatch.setattr(search, "write_model", script := Script(*[GOOD] * 4))
    search_settings(images, tmp_path / "out", plan_of(**{"trials": 3} | change), checkpoints=tmp_path / "kept")
    assert len(script.epochs) == ({"trials": 3} | change)["trials"]
    monkeypatch.setattr(search, "write_model", script := Script(GOOD))
    trials = search_settings(images, tmp_path / "out", plan_of(trials=3), checkpoints=tmp_path / "kept")
    assert [trial.state for trial in trials] == ["complete", "failed", "complete"]
    assert "val_loss is nan" in trials[1].reason
    assert len(script.epochs) == 1


class Script:
    """Stands in place of a training: loss after each epoch by number of the trial; nan is what a training refuses."""

    def __init__(self, *losses: list[float]) -> None:
        self.losses = list(losses)
        self.epochs: list[int] = []

    def __call__(self, inputs: Path, model: Path, spec: Experiment, seed: int, **rest: Any) -> None:
        losses, run = self.losses.pop(0), []
        self.epochs.append(spec.training.epochs)
        for number, loss in enumerate(losses, 1):
            if math.isnan(loss):
                raise DivergedError(f"epoch {number}: val_loss is nan; lower training.learning_rate")
            run.append(loss)
            rest["report"]({"epoch": number, "train_loss": loss, "val_loss": loss, "val_accuracy": 1 - loss})
        best = run.index(min(run)) + 1
        model.with_name("model.json").write_text(json.dumps({"best_epoch": best}))


GOOD, BAD = [0.5, 0.4, 0.3, 0.3], [0.9, 0.8, 0.7, 0.1]


@pytest.mark.parametrize(("prune", "state", "epochs"), [(True, "pruned", 2), (False, "complete", 4)])
def test_a_trial_that_is_worse_than_the_median_is_stopped(monkeypatch, tmp_path, prune, state, epochs):
    monkeypatch.setattr(search, "write_model", Script(GOOD, GOOD, GOOD, GOOD, BAD))
    trials = search_settings(tmp_path / "no.h5", tmp_path, plan_of(trials=5, prune=prune))
    assert [trial.state for trial in trials] == ["complete"] * 4 + [state]
    assert len(trials[4].epochs) == epochs
    assert trials[4].value == min(BAD[:epochs])
    # A trial that was stopped is never the best.
    assert best_trial(trials, plan_of()) is trials[0 if prune else 4]


def test_a_loss_that_is_not_finite_is_a_failed_trial_and_the_search_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(search, "write_model", Script([math.nan], GOOD, [0.5, math.nan]))
    lines: list[str] = []
    trials = search_settings(tmp_path / "no.h5", tmp_path, plan_of(trials=3), lines.append)
    assert [trial.state for trial in trials] == ["failed", "complete", "failed"]
    assert "val_loss is nan" in next(line for line in lines if line.startswith("trial 1: "))
    rows = read_rows(tmp_path / "trials.csv")
    assert [(row["epochs"], row["val_loss"]) for row in rows] == [("0", ""), ("4", "0.3"), ("1", "")]
    search_figure(trials, plan_of())


@pytest.mark.parametrize("what", ["UserError", "full disk"])
def test_any_other_error_ends_the_search_which_then_goes_on_from_the_trials_before(monkeypatch, images, tmp_path, what):
    """As a folder for scratch files that is full for a while: no result, and no trial is lost or counted as failed."""
    plan, kept = plan_of(trials=3), tmp_path / "kept"
    trained = Script(GOOD, BAD)

    def until_full(*arguments: Any, **rest: Any) -> None:
        if len(trained.losses) == 1:
            if what == "UserError":
                raise UserError("/scratch/x.h5: cannot be written (No space left on device)")
            monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        trained(*arguments, **rest)

    monkeypatch.setattr(search, "write_model", until_full)
    with pytest.raises(UserError) as error:
        search_settings(images, tmp_path / "out", plan, checkpoints=kept)
    number = 2 if what == "UserError" else 3
    assert_one_line(error, f"trial {number}, {{", "No s" if what == "UserError" else "TMPDIR")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    rest = Script(*[GOOD] * (4 - number))
    monkeypatch.setattr(search, "write_model", rest)
    trials = search_settings(images, tmp_path / "out", plan, checkpoints=kept)
    assert [trial.state for trial in trials] == ["complete"] * 3
    assert rest.losses == []


def test_a_search_without_any_success_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(search, "write_model", Script([math.nan], [math.nan]))
    with pytest.raises(UserError) as error:
        search_settings(tmp_path / "no.h5", tmp_path / "out", plan_of(trials=2))
    assert_one_line(error, tmp_path / "out", "none of 2 trials came to its end", "val_loss is nan")
    assert not (tmp_path / "out").exists()


def test_a_search_without_any_success_is_made_anew_by_the_same_command(monkeypatch, images, tmp_path):
    plan, kept = plan_of(trials=2), tmp_path / "kept"
    monkeypatch.setattr(search, "write_model", Script([math.nan], [math.nan]))
    with pytest.raises(UserError):
        search_settings(images, tmp_path / "out", plan, checkpoints=kept)
    monkeypatch.setattr(search, "write_model", Script(GOOD, BAD))
    trials = search_settings(images, tmp_path / "out", plan, checkpoints=kept)
    assert [trial.state for trial in trials] == ["complete", "complete"]


def test_the_accuracy_is_to_be_large_and_epochs_are_limited(monkeypatch, tmp_path):
    script = Script(GOOD, [0.2, 0.3])
    monkeypatch.setattr(search, "write_model", script)
    plan = plan_of(trials=2, metric="val_accuracy", max_epochs=3)
    trials = search_settings(tmp_path / "no.h5", tmp_path, plan)
    assert [trial.value for trial in trials] == [0.7, 0.8]
    assert best_trial(trials, plan) is trials[1]
    assert script.epochs == [3, 3]
    assert read_rows(tmp_path / "trials.csv")[0]["val_accuracy"] == "0.7"
    entry = yaml.safe_load((tmp_path / "best.yaml").read_text(encoding="utf-8"))["best-tuned"]
    assert entry["training"]["epochs"] == 4  # that of the experiment


def test_a_metric_that_the_training_does_not_watch_is_named(monkeypatch, tmp_path):
    def train(inputs: Path, model: Path, spec: Experiment, seed: int, **rest: Any) -> None:
        rest["report"]({"epoch": 1, "train_loss": 0.5})

    monkeypatch.setattr(search, "write_model", train)
    with pytest.raises(UserError) as error:
        search_settings(tmp_path / "no.h5", tmp_path, plan_of(trials=1))
    assert_one_line(error, "has no val_loss", "train_loss")


def test_without_optuna_the_command_says_what_to_install(images, tmp_path, monkeypatch, capsys):
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "optuna":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["search", str(images), str(tmp_path / "out"), "--spec", plan_of().model_dump_json()]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jetpulse search:")]
    assert "needs Optuna, which is not installed; pip install 'jetpulse[search]'" in line
    assert not (tmp_path / "out").exists()


def test_the_figure_shows_every_trial_where_it_belongs():
    plan = plan_of()
    settings = [
        {"training.learning_rate": 10.0**-n, "model.hidden": hidden, "training.batch": 8 * n}
        for n, hidden in ((1, []), (2, [8, 4]), (3, [6]))
    ]
    trials = [
        Trial(settings[0], "complete", 0.5, [0.5]),
        Trial(settings[1], "pruned", 0.6, [0.6]),
        Trial(settings[2], "complete", 0.4, [0.4]),
    ]
    first, hidden, batch, rate = (axis for axis in search_figure(trials, plan).axes if axis.get_visible())
    assert [tick.get_text() for tick in hidden.get_xticklabels()] == ["none", "6", "8, 4"]
    dots = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in hidden.lines}
    assert dots["complete"] == ([0, 1], [0.5, 0.4])
    assert dots["pruned"] == ([2], [0.6])
    assert dots["best"] == ([1], [0.4])
    assert (rate.get_xscale(), batch.get_xscale()) == ("log", "linear")
    steps = next(line for line in first.lines if line.get_label() == "best so far")
    assert list(steps.get_ydata()) == [0.5, 0.5, 0.4]
    assert first.get_ylabel() == "validation loss"
