import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.workflow.support import copy_project, snakemake


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny analysis, run once on two cores for all tests and workers; look, do not touch."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = shared / "chain", shared / "chain.done"
    with FileLock(shared / "chain.lock"):
        if not done.exists():
            copy_project(folder)
            report = ("--report-after-run", "--report", "results/report.html")
            (folder / "output.txt").write_text(snakemake(folder, "--cores", "2", *report), encoding="utf-8")
            done.touch()
    return folder
