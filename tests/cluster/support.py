"""Snakemake on the tests' SLURM, and what SLURM says about its jobs."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.workflow.support import ROOT

# The tests of one file have a partition, and in it a node, of their own, so as not to wait for those of the others.
CHAIN = {"cpu": {"max_threads": 6}, "gpu": {"max_threads": 2, "max_gpu": 2}}
TRAININGS = {"long": {"max_threads": 2}, "gpu": CHAIN["gpu"]}
FAILURES = {"spare": {"max_threads": 4}}
MANY = {"many": {"max_threads": 4}}
# A site's first look comes later: its jobs are longer.
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10")


@dataclass(frozen=True)
class Job:
    """A job or an array's task, as squeue describes it."""

    number: str
    name: str
    comment: str
    state: str
    partition: str
    array: str

    @property
    def rule(self) -> str:
        """The rule; tasks of an array have the comment of the first one."""
        return self.comment.removeprefix("rule_").split("_wildcards_")[0]


def jobs(run: str) -> list[Job]:
    """Return the jobs of the Snakemake run with a name, ended ones too."""
    form = "%i|%j|%k|%T|%P|%F"
    lines = slurm("squeue", "--states=all", "--noheader", "--array", "--name", run, f"--format={form}").splitlines()
    return sorted((Job(*line.split("|")) for line in lines), key=lambda job: (int(job.array), job.number))


def slurm(*command: str) -> str:
    """Run a command of SLURM; return what it printed."""
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def prepare_profile(
    folder: Path, partitions: dict[str, dict[str, int]], change: Callable[[dict[str, Any]], None] = lambda _: None
) -> None:
    """Put the SLURM profile into a folder, with partitions of the tests' cluster and what ``change`` changes."""
    profile = folder / "profiles/slurm"
    shutil.copytree(ROOT / "profiles/slurm", profile, dirs_exist_ok=True)
    (profile / "partitions.yaml").write_text(yaml.safe_dump({"partitions": partitions}), encoding="utf-8")
    settings = yaml.safe_load((profile / "config.yaml").read_text(encoding="utf-8"))
    change(settings)
    (profile / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


class Run:
    """A Snakemake that submits jobs, in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, quick: bool = True) -> None:
        self.folder = folder
        self.log = folder / f"snakemake{len(list(folder.glob('snakemake*.txt')))}.txt"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        profile = ("--workflow-profile", "profiles/slurm")
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *profile, *(QUICK if quick else ()), *arguments],
                cwd=folder,
                env={**os.environ, "PATH": path, "PYTHONPATH": str(folder / "workflow"), "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """What Snakemake has printed so far."""
        return self.log.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        """The name of all its jobs."""
        wait_until(lambda: "SLURM run ID: " in self.output, f"no run ID in {self.log}")
        return self.output.split("SLURM run ID: ")[1].split()[0]

    def jobs(self, rule: str = "") -> list[Job]:
        """Return its jobs, or those of one rule."""
        return [job for job in jobs(self.name) if rule in ("", job.rule)]

    def states(self, rule: str) -> list[str]:
        """Return the states of a rule's jobs, in the order of their numbers."""
        return [job.state for job in self.jobs(rule)]

    def finish(self, seconds: float = 1800) -> int:
        """Wait for the end; return the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s: {self.jobs()}\n{self.output}") from None

    def kill(self) -> None:
        """End Snakemake with SIGKILL; its jobs live on."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(folder: Path, *arguments: str, quick: bool = True):
    """Yield a ``Run`` of which nothing is left afterwards, whatever happens."""
    run = Run(folder, *arguments, quick=quick)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.kill()
        if "SLURM run ID: " in run.output:
            slurm("scancel", "--name", run.name)


def wait_until(condition: Callable[[], object], otherwise: str, seconds: float = 900) -> None:
    """Wait for something that has to come true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: {otherwise}")
        time.sleep(0.3)


def write_workflow(folder: Path, text: str, partitions: dict[str, dict[str, int]] = FAILURES) -> Path:
    """Make a folder with a workflow of a few lines and the project's SLURM profile."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Snakefile").write_text(text, encoding="utf-8")
    prepare_profile(folder, partitions)
    return folder
