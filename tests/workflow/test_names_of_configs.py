"""An analysis is the same, however its config was named and documented; nothing is executed here."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.versions.support import SMALL, run
from tests.workflow.support import copy_project, edit

SCAN = "scans: {width: {experiment: lines, vary: {training.batch: [10, 20]}}}"
# Each job of the targets `all` and `versioned` by its output, with all that Snakemake compares.
LOOK = """
import contextlib, io, json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.cli import parse_config
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings

def jobs(*configs):
    with SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api:
        settings = {"resource_settings": ResourceSettings(cores=1), "snakefile": Path("Snakefile")}
        changes = [sys.argv[2]] if sys.argv[2] else []
        given = {"configfiles": list(map(Path, configs)), "config": parse_config(changes), "config_args": changes}
        workflow = api.workflow(config_settings=ConfigSettings(**given), **settings)
        workflow.dag(DAGSettings(targets=set(sys.argv[1].split()))).execute_workflow(executor="dryrun")
        found = [job for job in workflow._workflow.dag.jobs if job.output]
        return {str(job.output): [*sorted(map(str, job.non_derived_params)), *job.input] for job in found}

with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
    found = [jobs(*([name] if name else [])) for name in sys.argv[3:]]
print("JSON" + json.dumps(found))
"""


def jobs(folder: Path, targets: str, *configs: str, change: str = "") -> list[dict[str, list[str]]]:
    """Return what Snakemake compares of every job, for every name of a config; "" names none."""
    return json.loads(run(folder, sys.executable, "-c", LOOK, targets, change, *configs).split("JSON")[-1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose default analysis has a scan of its own, beside that of config/problems.yaml."""
    folder = copy_project(tmp_path_factory.mktemp("names") / "p")
    text = f"{SMALL}{SCAN}\n".replace("inputs/own.npz", "README.npz")
    (folder / "README.npz").touch()
    (folder / "config/config.yaml").write_text(text, encoding="utf-8")
    (folder / "copy.yaml").write_text(text, encoding="utf-8")
    (folder / "link.yaml").symlink_to("config/config.yaml")
    return folder


def test_jobs_do_not_depend_on_the_name_of_the_config(project: Path) -> None:
    path = str((project / "config/config.yaml").absolute())
    plain, *others = jobs(project, "all versioned", "", "config/config.yaml", path, "link.yaml", "copy.yaml")
    assert len(plain) > 20
    assert any("width=lines" in text for texts in plain.values() for text in texts)
    assert all(other == plain for other in others)


def test_neither_where_entries_wait_nor_tensorboard_is_part_of_a_training(project: Path) -> None:
    edit(project / "copy.yaml", "batch: 20, epochs: 2", "batch: 20, epochs: 2, resident: disk, tensorboard: true")
    plain, other = jobs(project, "all", "", "copy.yaml")
    edit(project / "copy.yaml", ", resident: disk, tensorboard: true", "")
    assert plain == other


def test_words_and_keys_that_nobody_reads_yet_change_no_job(project: Path, tmp_path: Path) -> None:
    (before,) = jobs(project, "all versioned", "")
    after = shutil.copytree(project, tmp_path / "p")
    for path in (after / "workflow/jetpulse/config").glob("*.py"):
        text = path.read_text(encoding="utf-8").replace('description="', 'description="Another. ')
        key = r'\1    further_key: int = Field(3, description="Further.")\n\n'
        path.write_text(re.sub(r'(class \w+\(Section\):\n    """[^"]+"""\n\n)', key, text), encoding="utf-8")
    (jobs_after,) = jobs(after, "all versioned", "")
    assert [name for name in before if jobs_after.get(name) != before[name]] == []


def test_a_file_of_the_users_counts_by_its_content(project: Path) -> None:
    file = project / "README.npz"
    (before,) = jobs(project, "all", "")
    file.touch()
    (touched,) = jobs(project, "all", "")
    file.write_bytes(b"other")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    (replaced,) = jobs(project, "all", "")
    file.write_bytes(b"")
    assert touched == before
    assert [name for name in before if replaced[name] != before[name]] == ["data/own/samples.h5"]


def test_values_on_the_command_line_are_those_of_the_file(project: Path) -> None:
    changed = project / "changed.yaml"
    changed.write_text(
        (project / "copy.yaml").read_text(encoding="utf-8").replace("epochs: 2", "epochs: 3"), encoding="utf-8"
    )
    (wanted,) = jobs(project, "all", changed.name)
    change = "experiments={lines: {training: {epochs: 3}}}"
    (default,) = jobs(project, "all", "", change=change)
    (copy,) = jobs(project, "all", "copy.yaml", change=change)
    assert default == copy == wanted


def test_problems_on_request_stand_beside_the_default_analysis_by_any_name(project: Path) -> None:
    plain, named, link = jobs(project, "problems", "", "config/config.yaml", "link.yaml")
    assert any("circles-mlp" in name for name in plain)
    assert plain == named == link


def test_an_analysis_with_problems_of_its_own_has_no_others(project: Path, tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "p")
    text = (project / "config/problems.yaml").read_text(encoding="utf-8")
    (folder / "config/config.yaml").write_text(text, encoding="utf-8")
    edit(folder / "config/config.yaml", "line-least-squares", "line")
    (plain,) = jobs(folder, "all", "")
    assert any("results/line/" in name for name in plain)
    assert not any("line-least-squares" in name for name in plain)
