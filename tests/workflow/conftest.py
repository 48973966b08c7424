import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.workflow.support import copy_project, snakemake


def make_once(factory: pytest.TempPathFactory, name: str, run: Callable[[Path], str]) -> Path:
    """Return a copy of the project in which ``run`` was called once for all workers; what it returns is kept."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = shared / name, shared / f"{name}.done"
    with FileLock(shared / f"{name}.lock"):
        if not done.exists():
            copy_project(folder)
            (folder / "output.txt").write_text(run(folder), encoding="utf-8")
            done.touch()
    return folder


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny analysis, run once on two cores for all tests and workers; look, do not touch."""
    report = ("--report-after-run", "--report", "results/report.html")
    return make_once(tmp_path_factory, "chain", lambda folder: snakemake(folder, "--cores", "2", *report))


@pytest.fixture(scope="session")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny problems, run once in the same way."""
    config = "config/tiny-problems.yaml"
    return make_once(
        tmp_path_factory, "problems", lambda folder: snakemake(folder, "problems", "--cores", "2", config=config)
    )
