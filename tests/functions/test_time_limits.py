"""A training asks SLURM how much time its job has, and stops itself before that is over."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from jetpulse.cli import main
from jetpulse.training import loop, time_limits
from jetpulse.training.interruptions import noted_signals
from jetpulse.training.time_limits import parse_time, seconds_left, stopped_in_time
from toys import specification, write_images


@pytest.fixture
def squeue(tmp_path, monkeypatch) -> Callable[..., None]:
    """Return a function that puts a program in place of `squeue`, which says these lines, one each time."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")

    def answer(*lines: str, code: int = 0) -> None:
        for number, line in enumerate(lines):
            (folder / f"{number}.txt").write_text(f"{line}\n")
        script = ["#!/bin/sh", f"cd {folder}", 'echo "$@" >> asked', "n=$(($(wc -l < asked) - 1))"]
        script += [f"cat $n.txt 2>/dev/null || cat {len(lines) - 1}.txt", f"exit {code}", ""]
        (folder / "squeue").write_text("\n".join(script))
        (folder / "squeue").chmod(0o755)

    return answer


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:07", 7),
        ("12:34", 754),
        ("2:03:04", 7384),
        ("1-00:00:00", 86400),
        ("3-12:30:45", 304245),
        ("UNLIMITED", None),
        ("NOT_SET", None),
        ("INVALID", None),
        ("", None),
        ("12", None),
        ("1-2", None),
        ("0:07\n0:08", None),
    ],
)
def test_times_are_read_as_slurm_writes_them(text, seconds):
    assert parse_time(text) == seconds


def test_slurm_is_asked_for_this_job(squeue, tmp_path):
    squeue("1:00:00")
    assert seconds_left() == 3600
    assert (tmp_path / "bin/asked").read_text() == "--noheader --format=%L --jobs 4711\n"


def test_no_answer_is_no_limit(squeue, monkeypatch):
    assert seconds_left() is None  # no such command
    squeue("slurm_load_jobs error: Invalid job id specified", code=1)
    assert seconds_left() is None
    squeue("1:00:00")
    monkeypatch.delenv("SLURM_JOB_ID")
    assert seconds_left() is None


def test_a_slow_answer_is_not_waited_for(squeue, tmp_path, monkeypatch):
    monkeypatch.setattr(time_limits, "_PATIENCE", 0.1)
    (tmp_path / "bin/squeue").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "bin/squeue").chmod(0o755)
    before = time.monotonic()
    assert seconds_left() is None
    assert time.monotonic() - before < 300


def waited(seconds: float, *, wanted: bool = True) -> tuple[int, list[str]]:
    """Return the signal that came in so many seconds at most, and what was said."""
    lines: list[str] = []
    end = time.monotonic() + seconds
    with noted_signals() as signals, stopped_in_time(wanted, lines.append):
        while not signals.number and time.monotonic() < end:
            time.sleep(0.01)
    return signals.number, lines


def test_the_signal_comes_when_a_part_of_a_short_time_is_left(squeue):
    squeue("0:01", "0:00")
    before = time.monotonic()
    assert waited(300) == (signal.SIGUSR1, ["SLURM time left: 1 s, of which the last 0 s are kept free"])
    assert time.monotonic() - before >= 0.75


def test_of_a_long_time_the_last_200_seconds_are_kept_free(squeue, monkeypatch):
    squeue("2-00:00:00")
    assert waited(0)[1] == ["SLURM time left: 172800 s, of which the last 200 s are kept free"]
    squeue("3:21", "3:20")
    monkeypatch.setattr(time_limits, "_PART", 1.0)
    assert waited(300)[0] == signal.SIGUSR1


def test_who_gets_more_time_goes_on(squeue, tmp_path):
    squeue("0:01", "0:02", "0:00")
    assert waited(300)[0] == signal.SIGUSR1
    assert len((tmp_path / "bin/asked").read_text().splitlines()) == 3


@pytest.mark.parametrize(("answer", "wanted"), [("UNLIMITED", True), ("0:01", False)], ids=["no limit", "not wanted"])
def test_without_a_limit_nothing_is_watched(squeue, answer, wanted):
    squeue(answer, "0:00")
    before = set(threading.enumerate())
    assert waited(1.2, wanted=wanted) == (0, [])
    assert set(threading.enumerate()) <= before


def test_nothing_is_sent_after_the_end(squeue):
    squeue("0:01", "0:00")
    with noted_signals() as signals:
        with stopped_in_time(True, lambda line: None):
            pass
        time.sleep(1.2)
    assert signals.number == 0


def test_a_training_stops_itself_and_goes_on_to_the_same_bytes(squeue, tmp_path, monkeypatch, capsys):
    images = write_images(tmp_path / "images.h5")
    spec = json.dumps(specification({"epochs": 20}, dropout=0.4))
    folders = [tmp_path / "stopped", tmp_path / "alone"]
    words = [["train", str(images), str(f / "model.safetensors"), "--seed", "1", "--spec", spec] for f in folders]
    words[0] += ["--checkpoints", str(tmp_path / "c")]
    squeue("0:00")
    # An epoch takes less time than squeue: the end is near when the first one is over, which waits for the signal.
    begun, sent, kill, count, left = threading.Event(), threading.Event(), os.kill, loop._count, [seconds_left]
    monkeypatch.setattr(time_limits.os, "kill", lambda *given: (kill(*given), sent.set()))
    monkeypatch.setattr(time_limits, "seconds_left", lambda: left.pop()() if left else begun.wait(600) - 1.0)
    monkeypatch.setattr(loop, "_count", lambda *given: (begun.set(), sent.wait(600), count(*given)))
    assert main(words[0]) == 128 + signal.SIGUSR1
    assert "jetpulse train: stopped by SIGUSR1 " in capsys.readouterr().err
    assert not folders[0].exists()
    assert sent.is_set()
    monkeypatch.delenv("SLURM_JOB_ID")
    left.append(seconds_left)
    assert main(words[0]) == 0
    left.append(seconds_left)
    assert main(words[1]) == 0
    assert len({(folder / "model.safetensors").read_bytes() for folder in folders}) == 1
