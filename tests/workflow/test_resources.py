"""The table of docs/cluster.md says what the workflow asks SLURM for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.support import ROOT, copy_project

SCRIPT = ROOT / "docs/resources.py"
PROFILE = """
executor: local
default-resources:
  nodes: 1
  mem_mb: 500 * attempt
  runtime: 45
set-resources:
  predict:
    slurm_partition: "'long'"
    mem_mb: "(1000 + 2 * input.size_mb) * attempt"
    runtime: "60 * attempt"
    gres: "'gpu:1'"
  combine:
    slurm_partition: "'long' if attempt > 1 else 'short'"
set-threads:
  evaluate: 3
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("resources") / "project")
    (folder / "profiles/known").mkdir()
    (folder / "profiles/known/config.yaml").write_text(PROFILE, encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "workflow")}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_page_on_clusters_is_up_to_date(project: Path) -> None:
    ran = run(project, str(SCRIPT), "--check")
    assert ran.returncode == 0, ran.stderr


def test_another_profile_makes_another_table(project: Path) -> None:
    ran = run(project, str(SCRIPT), "--check", "--profile", "profiles/known")
    assert ran.returncode == 1
    assert "make document-resources" in ran.stderr


def test_the_table_is_that_of_a_profile_worked_out_by_hand(project: Path) -> None:
    ran = run(project, "-c", f"import runpy; print(runpy.run_path({str(SCRIPT)!r})['render']('profiles/known'))")
    assert ran.returncode == 0, ran.stderr
    rows = {}
    for line in ran.stdout.splitlines()[2:]:
        if line.startswith("|"):
            names, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows |= dict.fromkeys(names.split(", "), cells)
    assert rows["`evaluate`"] == ["3", "500 MB / 1 GB", "45 min", "", ""]
    assert rows["`predict`"] == ["1", "1 GB / 2 GB +", "1 h / 2 h", "", "`gres: gpu:1`, `slurm_partition: long`"]
    assert rows["`combine`"] == ["1", "500 MB / 1 GB", "45 min", "", "`slurm_partition: short / long`"]
    assert "`simulate_jets`" in rows
    assert "`all`" not in rows
    assert "Every job asks for `nodes: 1` as well." in ran.stdout
    # Threads and GPUs are those of the experiment.
    assert {(cells[0], cells[3]) for name, cells in rows.items() if name.startswith("`train`")} == {
        ("1", ""),
        ("1", "1"),
        ("2", "2"),
    }
