"""What writers that were killed have left is removed, what living ones write is not, and a lock has one holder."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jetpulse.errors import UserError
from jetpulse.samples import dump_json, publish
from jetpulse.samples.locks import held, sweep
from toy_jets import assert_one_line

WRITE = """
import sys, time
from pathlib import Path
from jetpulse.samples import publish
with publish(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    time.sleep(600)
"""
HOLD = """
import sys, time
from pathlib import Path
from jetpulse.samples.locks import held
with held(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def started():
    """Start a process that runs some code with an argument; return it and the first line that it prints."""
    running = []

    def start(code: str, argument: Path) -> tuple[subprocess.Popen, str]:
        running.append(subprocess.Popen([sys.executable, "-c", code, argument], stdout=subprocess.PIPE, text=True))
        return running[-1], running[-1].stdout.readline().strip()

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_writer_has_left_goes_when_the_same_file_is_written_again(tmp_path, started):
    process, left = started(WRITE, tmp_path / "a.json")
    kill(process)
    assert names(tmp_path) == [left]
    dump_json(tmp_path / "b.json", 1)
    assert names(tmp_path) == [left, "b.json"]
    dump_json(tmp_path / "a.json", 1)
    assert names(tmp_path) == ["a.json", "b.json"]


def test_what_a_living_writer_writes_stays(tmp_path, started):
    _, temporary = started(WRITE, tmp_path / "a.json")
    dump_json(tmp_path / "a.json", 1)
    assert names(tmp_path) == [temporary, "a.json"]


@pytest.mark.parametrize("process", [1, None])
def test_the_number_of_a_process_does_not_say_that_it_lives(tmp_path, process):
    name = f".a.json.{process or os.getpid()}.tmp"
    (tmp_path / name).write_text("left by a process whose number another one has now")
    dump_json(tmp_path / "a.json", 1)
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    "name", [".a.json.tmp", ".a.json.x.tmp", ".a.json.b.12.tmp", "a.json.12.tmp", ".b.json.12.tmp"]
)
def test_files_of_other_names_are_left_alone(tmp_path, name):
    (tmp_path / name).write_text("somebody's")
    (tmp_path / ".a.json.12.tmp").mkdir()
    (tmp_path / ".a.json.13.tmp").symlink_to("/etc/passwd")
    sweep(tmp_path / "a.json")
    assert names(tmp_path) == sorted([name, ".a.json.12.tmp", ".a.json.13.tmp"])


def test_where_there_are_no_locks_files_are_written_and_nothing_is_removed(tmp_path, monkeypatch):
    def without(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    (tmp_path / ".a.json.12.tmp").write_text("perhaps of a writer on another machine")
    dump_json(tmp_path / "a.json", 1)
    assert names(tmp_path) == [".a.json.12.tmp", "a.json"]
    lines = []
    with held(tmp_path / "lock", "it", lines.append):
        assert "no locks" in lines[0]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_have_the_mode_that_the_umask_says(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with publish(tmp_path / "a") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_a_lock_has_one_holder_who_is_named(tmp_path, started):
    process, _ = started(HOLD, tmp_path / "lock")
    with pytest.raises(UserError) as error, held(tmp_path / "lock", "the thing"):
        pass
    assert_one_line(error, "the thing is in use", f"process {process.pid} on ", "since")
    kill(process)
    with held(tmp_path / "lock", "the thing"):
        assert f"process {os.getpid()} on" in (tmp_path / "lock").read_text()
    assert names(tmp_path) == []


def test_a_lock_is_gone_after_a_failure_and_another_may_wait_for_it(tmp_path):
    def wait() -> None:
        with held(tmp_path / "lock", "it", wait=True):
            order.append("second")

    order: list[str] = []
    second = threading.Thread(target=wait)
    with pytest.raises(KeyError), held(tmp_path / "lock", "it", wait=True):
        second.start()
        time.sleep(0.2)
        order.append("first")
        raise KeyError
    second.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []
