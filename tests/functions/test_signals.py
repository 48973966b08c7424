"""A signal at any moment of a training's command ends it cleanly, or comes too late and the model is whole."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from jetpulse.cli import main
from jetpulse.errors import StoppedError
from jetpulse.training import files, keeping
from jetpulse.training.interruptions import SIGNALS, explained_exit
from jetpulse.training.loop import train_network
from toys import CLASSIFICATION, builder, experiment, load_both, specification, write_images

FILES = ("model.safetensors", "history.csv", "model.json")


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return write_images(tmp_path_factory.mktemp("toys") / "images.h5")


@pytest.fixture(autouse=True)
def _exits_on_signals():
    """Answer signals as the program does, which starts by `run`."""
    before = {n: signal.signal(n, lambda number, frame: sys.exit(128 + number)) for n in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def command(images: Path, folder: Path, *more: str) -> list[str]:
    spec = json.dumps(specification({}, dropout=0.4))
    return ["train", str(images), str(folder / FILES[0]), "--seed", "1", "--spec", spec, *more]


def content(folder: Path) -> list[bytes]:
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    return [(folder / name).read_bytes() for name in FILES]


def signalling(monkeypatch, module, name: str, *numbers: int) -> None:
    """Let a function of a module send signals to this process before it does its work, once."""
    function, left = getattr(module, name), list(numbers)

    def replaced(*arguments, **options):
        while left:
            os.kill(os.getpid(), left.pop(0))
        return function(*arguments, **options)

    monkeypatch.setattr(module, name, replaced)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("moment", ["load_objective", "read_split", "build_network", "count_parameters"])
def test_outside_its_steps_a_training_ends_at_once_and_goes_on_to_the_same_bytes(
    images, tmp_path, monkeypatch, capsys, number, moment
):
    kept = ("--checkpoints", str(tmp_path / "c"), "--checkpoint-seconds", "0")
    with monkeypatch.context() as patches:
        signalling(patches, files, moment, number)
        assert main(command(images, tmp_path / "stopped", *kept)) == 128 + number
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == (
        f"jetpulse train: stopped by {number.name} outside the training's steps; the same command goes on from the "
        f"last checkpoint, if there is one"
    )
    assert not (tmp_path / "stopped").exists()
    assert (tmp_path / "c").exists() == (moment == "count_parameters")  # which are counted after the loop
    assert main(command(images, tmp_path / "stopped", *kept)) == 0
    assert main(command(images, tmp_path / "alone")) == 0
    assert content(tmp_path / "stopped") == content(tmp_path / "alone")


IMPORTING = """
import os, sys
class Finder:
    def find_spec(self, name, *rest):
        if name == "torch":
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder())
from jetpulse.cli import run
sys.exit(run())
"""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_while_torch_is_loaded_is_told_too(images, tmp_path, number):
    words = [sys.executable, "-c", IMPORTING.format(number=int(number)), *command(images, tmp_path / "m")]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 128 + number
    assert ran.stderr == (
        f"jetpulse train: stopped by {number.name} outside the training's steps; the same command begins anew\n"
    )
    assert not (tmp_path / "m").exists()


SWALLOWING = """
import os, sys, weakref
from jetpulse.cli import run
from jetpulse.training import files
class Object: pass
build, thing = files.build_network, Object()
held = [weakref.ref(thing, lambda gone: [os.kill(os.getpid(), {number}), 0])]
def build_network(*arguments, **options):
    global thing
    thing = None  # the signal comes in a callback, out of which Python lets no exception
    return build(*arguments, **options)
files.build_network = build_network
sys.exit(run())
"""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_whose_exit_python_drops_stops_the_first_step(images, tmp_path, number):
    words = command(images, tmp_path / "m", "--checkpoints", str(tmp_path / "c"))
    code = SWALLOWING.format(number=int(number))
    ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert f"SystemExit: {128 + number}" in ran.stderr  # Python's own report of what it drops
    assert ran.returncode == 128 + number
    told = ran.stderr.splitlines()[-1]
    assert told.startswith(f"jetpulse train: stopped by {number.name} in epoch 1; state kept in ")
    assert not (tmp_path / "m").exists()
    assert len(list((tmp_path / "c").iterdir())) == 1


ENDING = """
import os, sys
class Last:  # lives until Python has dropped its handlers of signals
    def __init__(self): self.kill = os.kill, os.getpid()
    def __del__(self): [self.kill[0](self.kill[1], number) for number in (15, 10)]
sys.last = Last()
from jetpulse.cli import run
sys.exit(run())
"""


def test_a_signal_while_python_ends_comes_too_late_too():
    ran = subprocess.run([sys.executable, "-c", ENDING, "list-models"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "jet-cnn: " in ran.stdout


@pytest.mark.parametrize("moment", ["dump_json", "save", "remove_checkpoint"])
def test_a_signal_while_the_model_is_written_comes_too_late(images, tmp_path, monkeypatch, capsys, moment):
    kept = ("--checkpoints", str(tmp_path / "c"))
    with monkeypatch.context() as patches:
        signalling(patches, files, moment, signal.SIGUSR1, signal.SIGTERM)
        assert main(command(images, tmp_path / "signalled", *kept)) == 0
    assert capsys.readouterr().err.splitlines()[-1] == f"wrote {tmp_path / 'signalled' / FILES[0]}"
    assert main(command(images, tmp_path / "alone")) == 0
    assert content(tmp_path / "signalled") == content(tmp_path / "alone")
    assert not (tmp_path / "c").exists() or not list((tmp_path / "c").iterdir())


def test_more_signals_while_the_state_is_kept_change_nothing(images, tmp_path, monkeypatch, capsys):
    kept = ("--checkpoints", str(tmp_path / "c"))
    with monkeypatch.context() as patches:
        signalling(patches, keeping.Keeper, "after_step", signal.SIGUSR1)
        signalling(patches, keeping, "save_checkpoint", signal.SIGTERM, signal.SIGUSR1)
        assert main(command(images, tmp_path / "m", *kept)) == 128 + signal.SIGUSR1
    assert len(list((tmp_path / "c").iterdir())) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("jetpulse train: stopped by SIGUSR1 in epoch 1; state kept in ")
    assert main(command(images, tmp_path / "m", *kept)) == 0
    assert main(command(images, tmp_path / "alone")) == 0
    assert content(tmp_path / "m") == content(tmp_path / "alone")


def test_a_second_signal_does_not_hide_what_the_first_has_led_to():
    with pytest.raises(StoppedError, match=r"^the first$") as stopped, explained_exit("never told"):
        try:
            raise StoppedError("the first", 138)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.code == 138


@pytest.mark.parametrize("code", [0, 1, 3, "text", None, 128 + signal.SIGINT])
def test_another_exit_stays_what_it_is(code):
    with pytest.raises(SystemExit) as ended, explained_exit("never told"):
        sys.exit(code)
    assert ended.value.code == code


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_signal_that_ends_the_compiler_is_no_mistake_of_the_network(images, tmp_path, monkeypatch):
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\nkill -USR1 {os.getpid()} $$\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    ending = torch._inductor.config.patch({"cpp.cxx": (str(compiler),)})
    torch.compiler.reset()
    spec = experiment({"compile": True})
    with ending, pytest.raises(StoppedError, match=r"^stopped by SIGUSR1 while torch compiled; there is no") as stopped:
        train_network(builder(spec), CLASSIFICATION, spec.training, 1, *load_both(images), tmp_path / "c.safetensors")
    assert stopped.value.code == 128 + signal.SIGUSR1
