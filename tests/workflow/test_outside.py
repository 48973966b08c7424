"""The workflow used from elsewhere, as other projects and cron jobs do: nothing activated, any folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.support import copy_project

CONFIG = """\
datasets:
  rings: {kind: problems, source: {points: {shape: rings, n: 60}}}
representations: {}
experiments:
  tree:
    dataset: rings
    model: {name: estimator, estimator: DecisionTreeClassifier, parameters: {max_depth: 2}}
    training: {patience: null}
    seeds: [1]
"""


def snakemake_by_path(project: Path, folder: Path, *arguments: str) -> str:
    """Run Snakemake in a folder by its path, nothing activated; return what it printed."""
    command = Path(sys.executable).with_name("snakemake")
    if not command.exists():
        pytest.skip("Snakemake's command is not installed beside this Python")
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(project / "workflow")}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_snakemake_by_its_path_finds_the_command_of_its_own_python(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "a project")
    (project / "my.yaml").write_text(CONFIG)
    snakemake_by_path(project, project, "data/rings/samples.h5", "--cores", "1", "--configfile", "my.yaml")
    first = (project / "logs/build_problems/rings.log").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("jetpulse build-problems data/rings/samples.h5 --spec '{")
