"""The workflow used from elsewhere, as other projects and cron jobs do: nothing activated, any folder."""

import os
import re
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


def snakemake_by_path(project: Path, folder: Path, *arguments: str, check: bool = True) -> str:
    """Run a project's Snakefile in a folder by Snakemake's path, nothing activated; return what was printed."""
    command = Path(sys.executable).with_name("snakemake")
    if not command.exists():
        pytest.skip("Snakemake's command is not installed beside this Python")
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(project / "workflow")}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_workflow_runs_from_elsewhere_and_has_nothing_to_do_then(tmp_path: Path) -> None:
    project, host = copy_project(tmp_path / "a project"), tmp_path / "their {work}"
    host.mkdir()
    (tmp_path / "their.yaml").write_text(CONFIG)
    words = ("-s", "a project/Snakefile", "--directory", str(host), "--configfile", "their.yaml", "--cores", "1")
    snakemake_by_path(project, tmp_path, *words, "results/summary.csv")
    assert (host / "results/summary.csv").is_file()
    first = (host / "logs/build_problems/rings.log").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("jetpulse build-problems data/rings/samples.h5 --spec '{")
    assert "Nothing to be done" in snakemake_by_path(project, tmp_path, *words, "results/summary.csv")
    assert sorted(path.name for path in host.iterdir()) == [".jetpulse", ".snakemake", "data", "logs", "results"]


HOST = """\
configfile: "my.yaml"
module jetpulse:
    snakefile: "../project/Snakefile"
    config: config
    prefix: "below/results/here"
use rule * from jetpulse as their_*
rule mine:
    default_target: True
    input: [f"below/results/here/{file}" for file in FILES]
"""


def test_every_path_of_a_module_with_a_prefix_has_it(tmp_path: Path) -> None:
    project, host = copy_project(tmp_path / "project"), tmp_path / "host"
    host.mkdir()
    (host / "my.yaml").write_bytes((project / "config/tiny.yaml").read_bytes())
    with_seeds = ["seed1/model.safetensors", "metrics.json", "figures/roc.svg", "release/model.json"]
    files = [f"results/tiny-cnn/{file}" for file in with_seeds]
    files += [
        "results/summary.csv",
        "results/comparison/tiny/table.html",
        "results/comparison/tiny-pulses/residuals.svg",
    ]
    files += ["results/comparison/transfers.svg", "results/scans/tiny-data/scan.csv"]
    (host / "Snakefile").write_text(f"FILES = {files!r}\n{HOST}")
    text = snakemake_by_path(project, host, "--dry-run", "--printshellcmds")
    commands = [line for line in text.splitlines() if "jetpulse " in line and " > " in line]
    assert len(commands) > 50
    bare = [re.sub(r"below/results/here/(data|results|logs)/", "", line) for line in commands]
    assert [line for line in bare if re.search(r"(?<![\w-])(data|results|logs)/", line)] == []
