"""A training that is killed, or asked to stop, ends with the same bytes as one that was left alone."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from jetpulse.cli import main
from jetpulse.errors import StoppedError
from jetpulse.training.files import write_model
from jetpulse.training.interruptions import SIGNALS, noted_signals
from jetpulse.training.loop import Trained, train_network
from jetpulse.training.objectives.classification import Classification
from toys import CLASSIFICATION, builder, experiment, load_both, specification, weight_bytes, write_images

FILES = ("model.safetensors", "history.csv", "model.json")
# 8 steps in an epoch, 480 in all.
LONG = {"average": 0.9, "learning_rate": 0.01, "epochs": 60, "batch": 8}


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return write_images(tmp_path_factory.mktemp("toys") / "images.h5")


def read_files(folder: Path) -> dict[str, bytes]:
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    return {name: (folder / name).read_bytes() for name in FILES}


def train_with_checkpoints(images: Path, folder: Path, checkpoints: Path | None, moment: float | None = None) -> None:
    """Train with a checkpoint after every step; runs in a process of its own.

    Kill this process so many seconds after its first checkpoint, if ``moment`` is given. On a busy machine another
    process might do so when all is over.
    """
    torch.set_num_threads(1)
    before = states(checkpoints) if checkpoints else set()

    def kill() -> None:
        while states(checkpoints) == before:
            time.sleep(0.001)
        time.sleep(moment)
        os.kill(os.getpid(), signal.SIGKILL)

    if moment is not None:
        threading.Thread(target=kill, daemon=True).start()
    spec = experiment(LONG, dropout=0.4)
    write_model(images, folder / FILES[0], spec, 1, checkpoints=checkpoints, checkpoint_seconds=0.0)


def states(folder: Path) -> set[tuple[str, int]]:
    """Return which checkpoints there are, and when they were written."""
    return {(path.name, path.stat().st_mtime_ns) for path in folder.glob("[!.]*.safetensors")}


def test_a_training_that_is_killed_at_ten_moments_ends_with_the_same_bytes(images, tmp_path):
    # A server that has imported torch forks the processes, each of which would take seconds to start otherwise.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jetpulse.training.files", "toys"])
    moments, checkpoints = random.Random(1), tmp_path / "checkpoints"
    checkpoints.mkdir()
    for _ in range(10):
        arguments = (images, tmp_path / "killed", checkpoints, moments.uniform(0, 0.02))
        job = context.Process(target=train_with_checkpoints, args=arguments)
        job.start()
        job.join()
        assert job.exitcode == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    for folder, kept in {"killed": checkpoints, "alone": None}.items():
        job = context.Process(target=train_with_checkpoints, args=(images, tmp_path / folder, kept))
        job.start()
        job.join()
        assert job.exitcode == 0
    assert read_files(tmp_path / "killed") == read_files(tmp_path / "alone")
    assert list(checkpoints.iterdir()) == []


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_command_that_is_asked_to_stop_keeps_its_state_says_so_and_goes_on_from_there(images, tmp_path, number):
    spec = experiment(LONG | {"epochs": 4000}, dropout=0.4).model_dump_json(include={"dataset", "model", "training"})
    arguments = ["train", str(images), str(tmp_path / "m" / FILES[0]), "--seed", "1", "--spec", spec]
    arguments += ["--checkpoints", str(tmp_path / "c")]
    with subprocess.Popen([sys.executable, "-m", "jetpulse.cli", *arguments], stderr=subprocess.PIPE, text=True) as job:
        for line in job.stderr:
            if line.startswith("epoch 2 "):
                break
        job.send_signal(number)
        last = job.stderr.read().splitlines()[-1]
        assert job.wait() == 128 + number
    (checkpoint,) = (tmp_path / "c").iterdir()
    assert last.startswith(f"jetpulse train: stopped by {number.name} ")
    assert f"state kept in {checkpoint}; the same command goes on from there" in last
    assert not (tmp_path / "m").exists()


class Signalling(Classification):
    """Sends this process a signal in one step of the training or evaluation, and counts the steps of training."""

    def __init__(self, number: int, training: bool, step: int) -> None:
        self.number, self.training, self.left, self.steps = number, training, step, 0

    def loss(self, network, batch, turn):
        self.steps += network.training
        self.left -= network.training == self.training
        if self.left == 0 and network.training == self.training:
            os.kill(os.getpid(), self.number)
            os.kill(os.getpid(), self.number)  # a cluster may send it to the job and to each process
        return super().loss(network, batch, turn)


def train(images: Path, spec, objective=CLASSIFICATION, checkpoint: Path | None = None) -> Trained:
    return train_network(builder(spec), objective, spec.training, 1, *load_both(images), checkpoint)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("training", "step", "where", "left"),
    [
        (True, 1, "in epoch 1", 19),
        (True, 7, "in epoch 2", 13),
        (True, 20, "in epoch 5", 0),
        (False, 3, "in epoch 3", 8),
    ],
    ids=["first step", "middle", "last step", "evaluation"],
)
@pytest.mark.parametrize("settings", [{}, {"average": 0.8, "patience": 5, "learning_rate": 0.05}], ids=str)
def test_a_signal_ends_the_training_after_its_step(images, tmp_path, number, training, step, where, left, settings):
    spec, checkpoint = experiment(settings, dropout=0.4), tmp_path / "c.safetensors"
    with pytest.raises(StoppedError, match=f"^stopped by {number.name} {where}; state kept in ") as stopped:
        train(images, spec, Signalling(number, training, step), checkpoint)
    assert stopped.value.code == 128 + number
    rest = Signalling(number, training, 0)
    resumed, whole = train(images, spec, rest, checkpoint), train(images, spec)
    assert weight_bytes(resumed.weights) == weight_bytes(whole.weights)
    assert (resumed.history, resumed.best_epoch) == (whole.history, whole.best_epoch)
    assert rest.steps == left


def test_a_stopped_training_is_reported_by_the_command_line(images, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "jetpulse.training.files.load_objective", lambda task: Signalling(signal.SIGUSR1, training=True, step=6)
    )
    arguments = ["train", str(images), str(tmp_path / "m" / FILES[0]), "--seed", "1", "--checkpoints", str(tmp_path)]
    arguments += ["--spec", json.dumps(specification())]
    assert main(arguments) == 128 + signal.SIGUSR1
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("jetpulse train: stopped by SIGUSR1 in epoch 2; state kept in ")


def test_without_a_place_for_its_state_a_training_ends_as_every_command(images):
    received = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: received.append(number))
    try:
        train(images, experiment(), Signalling(signal.SIGUSR1, training=True, step=2))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert received == [signal.SIGUSR1] * 2


def test_signals_are_noted_only_as_long_as_they_are_wanted():
    before = [signal.getsignal(number) for number in SIGNALS]
    with noted_signals() as signals:
        assert signals.number == 0
        os.kill(os.getpid(), signal.SIGUSR1)
        assert signals.number == signal.SIGUSR1
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with noted_signals(wanted=False):
        assert [signal.getsignal(number) for number in SIGNALS] == before
