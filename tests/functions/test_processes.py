"""Several processes train together as one would, up to rounding."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from jetpulse.cli import main
from jetpulse.config import Training
from jetpulse.errors import StoppedError, UserError
from jetpulse.training import processes
from jetpulse.training.files import write_model
from jetpulse.training.objectives import Batch
from jetpulse.training.processes import ALONE, LOST, Group, launch
from jetpulse.training.steps import Stepper
from toy_jets import assert_one_line
from toys import CLASSIFICATION, experiment, specification, write_images

# 60 entries in batches of 17 leave a last one of 9: parts of 9 and 8, then of 5 and 4.
SETTINGS = {"batch": 17, "epochs": 4, "processes": 2, "l1": 1e-4, "clip": 0.5, "average": 0.5, "patience": 3}


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return write_images(tmp_path_factory.mktemp("toys") / "images.h5")


def command(images: Path, model: Path, training: dict, dropout: float = 0.0, *more: str) -> list[str]:
    spec = json.dumps(specification(training, dropout=dropout))
    return ["train", str(images), str(model), "--seed", "1", "--spec", spec, *more]


def history(model: Path) -> np.ndarray:
    with model.with_name("history.csv").open(encoding="utf-8") as handle:
        return np.array([[float(value) for value in row.values()] for row in csv.DictReader(handle)])


# What sites set for trainings over several machines, or forget to unset.
SITE = {
    "GLOO_SOCKET_IFNAME": "ib7",
    "NCCL_SOCKET_IFNAME": "ib7",
    "MASTER_ADDR": "there.is.no.such.host",
    "MASTER_PORT": "",
    "WORLD_SIZE": "",
    "RANK": "",
    "LOCAL_RANK": "",
    "OMP_NUM_THREADS": "",
    "CUDA_VISIBLE_DEVICES": "",
    "SLURM_JOB_ID": "",
}


def test_two_processes_train_as_one_whatever_the_site_and_the_working_folder_have(images, tmp_path, capfd, monkeypatch):
    for name, value in SITE.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "random.py").write_text("raise SystemExit('a file of the working folder was imported')")
    monkeypatch.chdir(tmp_path)
    together, alone = (tmp_path / name / "model.safetensors" for name in ("together", "alone"))
    assert main(command(images, together, SETTINGS)) == 0
    lines = capfd.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch ")] == ["1", "2", "3", "4"]
    assert len([line for line in lines if line.startswith("device: ")]) == 1
    write_model(images, alone, experiment(SETTINGS | {"processes": 1}, dropout=0.0), 1)
    one, two = load_file(alone), load_file(together)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(history(together), history(alone), rtol=1e-5, atol=1e-6)


def test_two_processes_that_are_stopped_go_on_to_the_same_bytes(images, tmp_path):
    training = SETTINGS | {"epochs": 300, "patience": None}
    stopped, alone = (tmp_path / name / "model.safetensors" for name in ("stopped", "alone"))
    words = command(images, stopped, training, 0.3, "--checkpoints", str(tmp_path / "c"))
    # A small pipe: who is not read waits, and cannot be at its end before it is asked to stop.
    with subprocess.Popen(
        [sys.executable, "-m", "jetpulse.cli", *words], stderr=subprocess.PIPE, text=True, pipesize=4096
    ) as job:
        for line in job.stderr:
            if line.startswith("epoch 3 "):
                break
        job.send_signal(signal.SIGUSR1)
        lines = job.stderr.read().splitlines()
        assert job.wait() == 128 + signal.SIGUSR1
    assert lines[-1].startswith("jetpulse train: stopped by SIGUSR1 ")
    assert len([line for line in lines if "stopped" in line]) == 1
    assert len(list((tmp_path / "c").iterdir())) == 1
    assert main(words) == 0
    assert list((tmp_path / "c").iterdir()) == []
    assert main(command(images, alone, training, 0.3)) == 0
    assert stopped.read_bytes() == alone.read_bytes()
    assert stopped.with_name("history.csv").read_bytes() == alone.with_name("history.csv").read_bytes()


def test_a_process_that_was_started_alone_is_not_one_of_two(images, tmp_path):
    with pytest.raises(UserError) as error:
        write_model(images, tmp_path / "m" / "model.safetensors", experiment({"processes": 2}), 1)
    assert_one_line(error, "training.processes: 2", "started alone", "jetpulse train", "torchrun")


def test_more_processes_than_the_training_wants_are_refused(images, tmp_path, monkeypatch):
    for name, value in {"WORLD_SIZE": "3", "RANK": "0", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as error:
        write_model(images, tmp_path / "m" / "model.safetensors", experiment({"processes": 2}), 1)
    assert_one_line(error, "training.processes: 2", "3 were started")


def test_a_mistake_is_told_once_by_two_processes(tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main(command(tmp_path / "none.h5", tmp_path / "m" / "model.safetensors", SETTINGS))
    assert ended.value.code == 1
    told = [line for line in capfd.readouterr().err.splitlines() if "none.h5" in line]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, (0, 0, 1)),
        ({"WORLD_SIZE": "", "RANK": "", "LOCAL_RANK": ""}, (0, 0, 1)),
        ({"WORLD_SIZE": "4", "MASTER_ADDR": "a"}, (0, 0, 1)),
        ({"WORLD_SIZE": "1", "RANK": "0", "MASTER_ADDR": "a"}, (0, 0, 1)),
        ({"WORLD_SIZE": "four", "RANK": "1", "MASTER_ADDR": "a"}, (0, 0, 1)),
        ({"WORLD_SIZE": "2", "RANK": "2", "MASTER_ADDR": "a"}, (0, 0, 1)),
        ({"WORLD_SIZE": "2", "RANK": "-1", "MASTER_ADDR": "a"}, (0, 0, 1)),
        ({"WORLD_SIZE": "4", "RANK": "3"}, (0, 0, 1)),
        ({"LOCAL_RANK": "1"}, (0, 0, 1)),
        ({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "MASTER_ADDR": "a"}, (3, 1, 4)),
        ({"WORLD_SIZE": "4", "RANK": "3", "JETPULSE_MEETING": "/m"}, (3, 3, 4)),
    ],
)
def test_who_is_alone_is_not_taken_for_one_of_several(monkeypatch, given, place):
    for name in (*SITE, "JETPULSE_MEETING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert (processes.is_worker(), processes.place(), processes.leads()) == (place[2] > 1, place[1], place[0] == 0)


def test_processes_that_do_not_find_each_other_say_so(monkeypatch):
    for name, value in (SITE | {"WORLD_SIZE": "2", "RANK": "1"}).items():
        monkeypatch.setenv(name, value)
    words = r"do not find each other \(.*check GLOO_SOCKET_IFNAME, NCCL_SOCKET_IFNAME, MASTER_ADDR"
    with pytest.raises(UserError, match=words), processes.joined(2, torch.device("cpu")):
        pass


WORKER = "import os, sys, time; rank = int(os.environ['RANK']); "


@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        ("", 0, ""),
        ("print('well', file=sys.stderr) if rank else None", 0, ""),
        (f"print('why', file=sys.stderr) if rank else None; sys.exit(1 if rank else {LOST})", 1, "why"),
        ("print(rank, file=sys.stderr); sys.exit(5 + rank)", 5, "0"),
        (f"sys.exit({LOST})", LOST, ""),
        ("rank and os.kill(os.getpid(), 9); time.sleep(600 * (1 - rank))", 137, ""),
    ],
    ids=["well", "chatty", "left alone", "all failed", "lost", "killed"],
)
def test_the_exit_code_is_that_of_what_went_wrong(monkeypatch, capfd, script, code, told):
    # The others end by themselves, however long a busy machine takes.
    monkeypatch.setattr("jetpulse.training.processes._GRACE", 0.5 if "sleep" in script else 600)
    assert launch(2, ["-c", WORKER + script]) == code
    assert capfd.readouterr().err.strip() == told


def test_a_signal_while_processes_are_started_ends_the_training(monkeypatch):
    started: list[subprocess.Popen] = []
    start = processes._start

    def interrupted(*arguments: Any) -> subprocess.Popen:
        started.append(start(*arguments))
        signal.raise_signal(signal.SIGUSR1)
        return started[-1]

    monkeypatch.setattr(processes, "_start", interrupted)
    with pytest.raises(StoppedError) as error:
        launch(3, ["-c", "import time; time.sleep(600)"])
    assert (str(error.value), error.value.code) == ("stopped by SIGUSR1 before the training had begun", 138)
    assert [worker.poll() for worker in started] == [-signal.SIGKILL]


def test_signals_are_handed_on_to_all_processes(tmp_path):
    script = (
        f"import signal, pathlib; mark = pathlib.Path({str(tmp_path)!r}, str(rank)); "
        "signal.signal(signal.SIGUSR1, lambda *_: (mark.touch(), os._exit(138))); "
        "ready = mark.with_name('ready'); rank and ready.touch()\n"
        "while not ready.exists(): time.sleep(0.01)\n"
        "rank or os.kill(os.getppid(), signal.SIGUSR1); time.sleep(600)"
    )
    assert launch(2, ["-c", WORKER + script]) == 138
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "ready"]


class Recorded(Group):
    """A group of which this process sees what it would add up."""

    def add(self, tensor: torch.Tensor) -> torch.Tensor:
        self.__dict__.setdefault("seen", []).append(tensor.clone())
        return tensor


@pytest.mark.parametrize("sizes", [(9, 8), (5, 4), (1, 0), (6, 6, 5)])
def test_gradients_are_weighed_by_entries(sizes):
    generator = torch.Generator().manual_seed(1)
    features, label = torch.randn(sum(sizes), 4, generator=generator), torch.arange(sum(sizes)) % 2
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    whole = gradient(network, features, label, ALONE, sum(sizes))
    parts, first = torch.zeros_like(whole), 0
    for rank, size in enumerate(sizes):
        group = Recorded(rank, len(sizes))
        gradient(network, features[first : first + size], label[first : first + size], group, sum(sizes))
        (seen,) = group.__dict__["seen"]
        parts += seen
        first += size
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-7)


def gradient(network: nn.Module, features: torch.Tensor, label: torch.Tensor, group: Group, entries: int):
    """Return the gradient of one step that changes nothing."""
    made = Stepper(network, CLASSIFICATION, Training(optimiser="sgd", learning_rate=1e-30, batch=50), 50, group)
    made.step(Batch(features, {"label": label}), 0, entries)
    return torch.cat([parameter.grad.reshape(-1) for parameter in network.parameters()])


@given(st.integers(1, 50), st.integers(1, 8))
def test_parts_of_a_batch_are_the_batch(entries, size):
    index = torch.randperm(entries)
    parts = [Group(rank, size).part(index) for rank in range(size)]
    assert torch.equal(torch.cat(parts), index)
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 1
    assert lengths == sorted(lengths, reverse=True)
