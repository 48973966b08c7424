"""Interrupted trainings end with the same bytes as others."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from jetpulse.errors import UserError
from jetpulse.samples import read_block
from jetpulse.training import checkpoints, keeping, loop
from jetpulse.training.checkpoints import Progress, load_checkpoint, save_checkpoint
from jetpulse.training.inputs import Inputs, make_inputs
from jetpulse.training.loop import Trained, train_network
from jetpulse.training.normalisation import fit_normalisation
from jetpulse.training.objectives import load_objective
from jetpulse.training.objectives.classification import Classification
from toy_jets import assert_one_line
from toys import (
    BINS,
    CLASSIFICATION,
    CPU,
    builder,
    experiment,
    load_both,
    load_split,
    random_images,
    task_experiment,
    weight_bytes,
    write_images,
    write_spectra,
)

OPTIMISERS = {
    "sgd": {"optimiser": "sgd", "learning_rate": 0.05},
    "sgd with momentum": {"optimiser": "sgd", "momentum": 0.9, "learning_rate": 0.05},
    "adagrad": {"optimiser": "adagrad", "learning_rate": 0.02, "weight_decay": 0.01},
    "rmsprop": {"optimiser": "rmsprop"},
    "rmsprop with momentum": {"optimiser": "rmsprop", "momentum": 0.5, "weight_decay": 0.01},
    "adam": {"optimiser": "adam", "weight_decay": 0.01},
    "adamw": {"optimiser": "adamw", "weight_decay": 0.01},
    "running mean": {"average": 0.8, "learning_rate": 0.02},
    "running mean until the best": {"average": 0.8, "learning_rate": 0.3, "patience": 5},
    "schedule": {"schedule": "cosine", "warmup": 5, "clip": 0.5, "steps": 18, "learning_rate": 0.02},
    "sixteen bits": {"precision": "bfloat16", "betas": [0.5, 0.9]},
}


class StoppedError(Exception):
    """Stands for whatever ends a job too early."""


@pytest.fixture(autouse=True)
def _checkpoint_every_epoch(monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> tuple[Inputs, Inputs]:
    return load_both(write_images(tmp_path_factory.mktemp("toys") / "images.h5"))


def interrupt_after(epoch: int):
    def report(row):
        if row["epoch"] == epoch:
            raise StoppedError

    return report


def train(inputs, spec, checkpoint: Path | None = None, report=lambda row: None, objective=CLASSIFICATION) -> Trained:
    return train_network(builder(spec), objective, spec.training, 1, *inputs, checkpoint, report)


def assert_same(first: Trained, second: Trained) -> None:
    assert weight_bytes(first.weights) == weight_bytes(second.weights)
    assert first.history == second.history
    assert first.best_epoch == second.best_epoch


@pytest.mark.parametrize("training", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_resumed_training_ends_with_the_same_bytes(inputs, tmp_path, training, epoch):
    spec = experiment(training, dropout=0.4)
    checkpoint, reported = tmp_path / "folder" / "c.safetensors", []
    with pytest.raises(StoppedError):
        train(inputs, spec, checkpoint, interrupt_after(epoch))
    assert [path.name for path in checkpoint.parent.iterdir()] == ["c.safetensors"]
    resumed = train(inputs, spec, checkpoint, reported.append)
    assert_same(resumed, train(inputs, spec))
    assert reported == resumed.history


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_resumed_convolutional_training_ends_with_the_same_bytes(inputs, tmp_path, epoch):
    arguments = {"name": "jet-cnn", "filters": 3, "kernel": 2, "hidden": [4]}
    model = experiment().model.model_validate(arguments)
    spec = experiment({"epochs": 4, "learning_rate": 0.01}).model_copy(update={"model": model})
    with pytest.raises(StoppedError):
        train(inputs, spec, tmp_path / "c.safetensors", interrupt_after(epoch))
    assert_same(train(inputs, spec, tmp_path / "c.safetensors"), train(inputs, spec))


@pytest.mark.parametrize("training", [{}, {"average": 0.9, "learning_rate": 0.02}], ids=str)
def test_a_resumed_training_on_entries_of_every_epoch_ends_with_the_same_bytes(inputs, tmp_path, training):
    def make(epoch: int) -> Inputs:
        block = random_images(np.random.default_rng([7, epoch]), 40)
        return make_inputs(block, inputs[0].attributes, CLASSIFICATION, CPU)

    spec, fresh = experiment(training), (make, inputs[1])
    with pytest.raises(StoppedError):
        train(fresh, spec, tmp_path / "c.safetensors", interrupt_after(3))
    whole = train(fresh, spec)
    assert_same(train(fresh, spec, tmp_path / "c.safetensors"), whole)
    assert weight_bytes(train((make(0), inputs[1]), spec).weights) != weight_bytes(whole.weights)


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize(
    "training",
    [{"average": 0.5}, {"patience": 4}, {"optimiser": "sgd", "momentum": 0.5, "learning_rate": 1e-6}],
    ids=str,
)
def test_resumed_alternating_and_variational_trainings_end_with_the_same_bytes(tmp_path, training, epoch):
    path = write_spectra(tmp_path / "s.h5")
    for task in ("adversarial", "variational"):
        objective, spec = load_objective(task), task_experiment(task, {"learning_rate": 0.002} | training)
        values = read_block(path, "train").entries["counts"]
        options = {"objective": objective, "normalisation": fit_normalisation("residual", values, 1, "")}
        splits = [load_split(path, split, **options) for split in ("train", "val")]

        def run(*more, spec=spec, splits=splits, objective=objective):
            return train_network(builder(spec, (BINS,)), objective, spec.training, 1, *splits, *more)

        checkpoint = tmp_path / f"{task}.safetensors"
        with pytest.raises(StoppedError):
            run(checkpoint, interrupt_after(epoch))
        with safe_open(checkpoint, "pt") as handle:
            turns = {name.split("/")[1] for name in handle.keys() if name.startswith("optimiser/")}  # noqa: SIM118
        assert turns == set(objective.turns)
        assert_same(run(checkpoint), run())


def test_a_checkpoint_is_not_written_more_often_than_worth_it(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 3600.0)
    with pytest.raises(StoppedError):
        train(inputs, experiment(), tmp_path / "c.safetensors", interrupt_after(3))
    assert list(tmp_path.iterdir()) == []


class Counting(Classification):
    """Counts the steps of training, and fails in one of them if asked to."""

    def __init__(self, fails_in: int = 0) -> None:
        self.steps, self.fails_in = 0, fails_in

    def loss(self, network, batch, turn):
        self.steps += network.training
        if network.training and self.steps == self.fails_in:
            raise StoppedError
        return super().loss(network, batch, turn)


@pytest.mark.parametrize("training", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("step", [2, 5, 10])
def test_a_training_interrupted_within_an_epoch_goes_on_from_its_last_step(inputs, tmp_path, training, step):
    spec, checkpoint = experiment(training, dropout=0.4), tmp_path / "c.safetensors"
    with pytest.raises(StoppedError):
        train(inputs, spec, checkpoint, objective=Counting(fails_in=step))
    whole, rest = Counting(), Counting()
    assert_same(train(inputs, spec, checkpoint, objective=rest), train(inputs, spec, objective=whole))
    assert rest.steps == whole.steps - (step - 1)


def test_a_training_interrupted_in_the_middle_of_a_short_epoch_repeats_that_epoch(inputs, tmp_path, monkeypatch):
    # Between epochs 0.0 seconds are up; within one six times as much counts, which is more.
    monkeypatch.setattr(keeping, "_LONG", math.inf)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 1e-9)
    spec, rest = experiment(dropout=0.4), Counting()
    with pytest.raises(StoppedError):
        train(inputs, spec, tmp_path / "c.safetensors", objective=Counting(fails_in=10))
    assert_same(train(inputs, spec, tmp_path / "c.safetensors", objective=rest), train(inputs, spec))
    assert rest.steps == 3 * 4  # three epochs of four batches were left


def test_a_training_interrupted_twice_ends_with_the_same_bytes(inputs, tmp_path):
    spec = experiment(OPTIMISERS["rmsprop with momentum"], dropout=0.4)
    for epoch in (1, 3):
        with pytest.raises(StoppedError):
            train(inputs, spec, tmp_path / "c.safetensors", interrupt_after(epoch))
    assert_same(train(inputs, spec, tmp_path / "c.safetensors"), train(inputs, spec))


def test_the_best_weights_of_before_the_interruption_are_kept(inputs, tmp_path):
    spec = experiment({"learning_rate": 0.5, "epochs": 6, "patience": 6}, dropout=0.0)
    whole = train(inputs, spec)
    assert whole.best_epoch < 5
    with pytest.raises(StoppedError):
        train(inputs, spec, tmp_path / "c.safetensors", interrupt_after(5))
    assert_same(train(inputs, spec, tmp_path / "c.safetensors"), whole)


def test_early_stopping_counts_the_epochs_before_the_interruption(inputs, tmp_path):
    spec = experiment({"learning_rate": 0.5, "epochs": 40, "patience": 3}, dropout=0.0)
    whole = train(inputs, spec)
    assert len(whole.history) == whole.best_epoch + 3 < 40
    for epoch in (len(whole.history) - 1, len(whole.history)):
        with pytest.raises(StoppedError):
            train(inputs, spec, tmp_path / "c.safetensors", interrupt_after(epoch))
        assert_same(train(inputs, spec, tmp_path / "c.safetensors"), whole)


def test_a_checkpoint_holds_no_pickle_and_can_be_read_by_safetensors(inputs, tmp_path):
    with pytest.raises(StoppedError):
        train(inputs, experiment(), tmp_path / "c.safetensors", interrupt_after(2))
    content = (tmp_path / "c.safetensors").read_bytes()
    assert int.from_bytes(content[:8], "little") < len(content)
    assert content[8:9] == b"{"


def damaged_in_the_middle(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def with_another_weight(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)


def with_another_history(path: Path) -> None:
    content = path.read_bytes()
    assert b'best_epoch\\": 1' in content
    path.write_bytes(content.replace(b'best_epoch\\": 1', b'best_epoch\\": 0'))


def of_another_network(path: Path) -> None:
    metadata = {"progress": '{"history": [], "best_epoch": 0}', "scalars": "{}"}
    save_file({"network/other": torch.zeros(3)}, path, metadata)


def without_progress(path: Path) -> None:
    save_file({"network/other": torch.zeros(3)}, path)


@pytest.mark.parametrize(
    "damage",
    [
        damaged_in_the_middle,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no tensors here" * 30),
        with_another_weight,
        with_another_history,
        of_another_network,
        without_progress,
    ],
    ids=[
        "truncated",
        "empty",
        "other bytes",
        "one bit of a weight",
        "one digit of the progress",
        "another network",
        "no progress",
    ],
)
def test_a_damaged_checkpoint_is_an_error_that_says_to_delete_it(inputs, tmp_path, damage):
    checkpoint = tmp_path / "c.safetensors"
    with pytest.raises(StoppedError):
        train(inputs, experiment(), checkpoint, interrupt_after(1))
    damage(checkpoint)
    with pytest.raises(UserError) as error:
        train(inputs, experiment(), checkpoint)
    assert_one_line(error, checkpoint, "delete it")


def test_what_an_optimiser_remembers_lies_in_memory_as_the_weights_do(tmp_path):
    network = torch.nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3, 5, 5)).sum().backward()
    optimiser.step()
    before = {name: value.clone() for name, value in optimiser.state[network.weight].items()}
    save_checkpoint(tmp_path / "c", {"network": network}, {"": optimiser}, Progress())
    again = torch.optim.Adam(network.parameters())
    load_checkpoint(tmp_path / "c", {"network": network}, {"": again})
    for name in ("exp_avg", "exp_avg_sq"):
        assert again.state[network.weight][name].stride() == network.weight.stride() != torch.ones(4, 3, 2, 2).stride()
        assert torch.equal(again.state[network.weight][name], before[name])


def test_a_checkpoint_that_is_replaced_while_it_is_read_gives_one_of_the_two(tmp_path, monkeypatch):
    """Header and tensors are of the same bytes, whenever another training replaces the file."""
    path, networks = tmp_path / "c", [torch.nn.Linear(3, 2) for _ in range(3)]
    for number in (0, 1):
        save_checkpoint(tmp_path / f"{number}", {"network": networks[number]}, {}, Progress(best_epoch=number))
    path.write_bytes((tmp_path / "0").read_bytes())
    unpacked = checkpoints.load

    def replaced(content: bytes):
        (tmp_path / "1").replace(path)
        return unpacked(content)

    monkeypatch.setattr(checkpoints, "load", replaced)
    assert load_checkpoint(path, {"network": networks[2]}, {}).best_epoch == 0
    assert torch.equal(networks[2].weight, networks[0].weight)
