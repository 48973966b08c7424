"""What the shell around a rule's command makes of it: which program it is, long values, the first line of the log."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from jetpulse.cli import expand_arguments
from jetpulse.resources import resource
from toys import write_predictions_file

SPEC = '{"text": "' + "ä'\n$x " * 30_000 + '"}'


def program(path: Path) -> Path:
    """Write a program that prints its arguments, each with a null character behind it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    path.chmod(0o755)
    return path


def shell(folder: Path, python: str, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command of a rule as Snakemake does: a long one is a script."""
    head = f"set -euo pipefail; . {shlex.quote(str(resource('jetpulse.sh')))} {shlex.quote(python)}\n"
    script = folder / "script.sh"
    script.write_text(head + shlex.join(["jetpulse", *arguments]), encoding="utf-8")
    environment = {**os.environ, "PATH": f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin"}
    return subprocess.run(
        ["bash", script], cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )


def given(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\0")[:-1]


def test_the_command_is_that_of_the_given_python_whatever_the_path_says(tmp_path):
    program(tmp_path / "elsewhere/jetpulse")
    python = program(tmp_path / "my env/python")
    done = shell(tmp_path, str(python), "train", "a b", "", "$c", path=tmp_path / "elsewhere")
    assert given(done) == ["-P", "-m", "jetpulse.cli", "train", "a b", "", "$c"]


def test_without_a_python_the_command_is_that_of_the_environment(tmp_path):
    program(tmp_path / "env/jetpulse")
    assert given(shell(tmp_path, "", "train", "a b", path=tmp_path / "env")) == ["train", "a b"]
    done = shell(tmp_path, "", "train")
    assert done.returncode == 127
    assert done.stderr.startswith("jetpulse: no such command in this rule's environment (PATH is /usr/bin:/bin)")
    assert done.stderr.count("\n") == 1


def test_a_long_value_reaches_the_command_through_a_file_that_stays(tmp_path):
    python = str(program(tmp_path / "python"))
    for _ in range(2):
        *_, verb, option, value, last = given(shell(tmp_path, python, "train", "--spec", SPEC, "--last"))
        assert (verb, option, value[0], last) == ("train", "--spec", "@", "--last")
        assert (tmp_path / value[1:]).read_text(encoding="utf-8") == SPEC
    assert [path.name for path in (tmp_path / ".jetpulse/arguments").iterdir()] == [Path(value).name]


@pytest.mark.parametrize(
    "texts", [[f"name-{i}=results/{'x' * 150}/{i}" for i in range(20_000)], ["--q", "t" * 140_000]]
)
def test_long_lists_reach_the_command_through_a_file_as_well(tmp_path, monkeypatch, texts):
    python = str(program(tmp_path / "python"))
    *_, verb, file = given(shell(tmp_path, python, "compare", "a b", "", *texts, "--spec", SPEC))
    monkeypatch.chdir(tmp_path)
    *found, option, spec = expand_arguments([verb, file])
    assert found == ["compare", "a b", "", *texts]
    assert (option, Path(spec[1:]).read_text(encoding="utf-8")) == ("--spec", SPEC)


def test_the_first_line_of_a_log_is_a_command_that_makes_the_same(tmp_path):
    folder = tmp_path / "my results"
    write_predictions_file(folder / "p.h5", {"toys": ([1, 0, 1, 0], [0.4, 0.6, 0.7, 0.1])})
    arguments = ["evaluate", "my results/p.h5", "my results/m.json", "--task", "classification"]
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-m", "jetpulse.cli", *arguments]
        subprocess.run(command, cwd=tmp_path, stdout=log, stderr=log, check=True)
    before = (folder / "m.json").read_bytes()
    (folder / "m.json").unlink()
    first = (tmp_path / "log").read_text(encoding="utf-8").splitlines()[0]
    assert shlex.split(first) == ["jetpulse", *arguments]
    beside = f'jetpulse() {{ {shlex.quote(sys.executable)} -m jetpulse.cli "$@"; }}; '
    subprocess.run(["bash", "-c", beside + first], cwd=tmp_path, check=True)
    assert (folder / "m.json").read_bytes() == before


def test_a_wrong_call_says_in_its_log_what_was_called(tmp_path):
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-m", "jetpulse.cli", "trian"], stdout=log, stderr=log, check=False)
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "jetpulse trian"
    assert len(lines) == 2
