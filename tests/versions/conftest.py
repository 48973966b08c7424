import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.versions.support import SMALL, clone, commit, make_project, run, script


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was made by plain `snakemake`, saved and pushed to a folder beside it; look, do not touch."""
    folder = make_project(tmp_path_factory.mktemp("origin") / "project", SMALL)
    run(folder, "snakemake", "--cores", "2", "all", "versioned")
    code, text = script(folder, "save")
    assert code == 0, text
    commit(folder, "First results")
    run(folder, "dvc", "remote", "add", "--quiet", "--default", "store", str(folder.parent / "store"))
    run(folder, "dvc", "push", "--quiet")
    return folder


@pytest.fixture
def fresh(origin: Path, tmp_path: Path) -> Callable[[], Path]:
    """Return a function that clones the project, each time with a copy of the remote that may be damaged."""

    def make(name: str = "clone") -> Path:
        store = tmp_path / f"{name}-store"
        shutil.copytree(origin.parent / "store", store)
        return clone(origin, tmp_path / name, store)

    return make
