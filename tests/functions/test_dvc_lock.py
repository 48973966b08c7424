"""What `dvc` and several Snakemakes see of one another: DVC's own file of who reads and writes where."""

import atexit
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

snakemake_exceptions = pytest.importorskip("snakemake.exceptions")
rwlock = pytest.importorskip("dvc.rwlock")

SOURCE = Path(__file__).parents[2] / "workflow/rules/stages.smk"
WorkflowError = snakemake_exceptions.WorkflowError


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    return tmp_path / ".dvc/tmp/rwlock"


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Callable[[], None]]:
    """What Snakemake calls at its start; it returns what is called at its end."""
    namespace = {"re": re, "WorkflowError": WorkflowError}
    exec(compile(SOURCE.read_text(encoding="utf-8"), SOURCE, "exec"), namespace)

    def call() -> Callable[[], None]:
        ends = []
        monkeypatch.setattr(atexit, "register", ends.append)
        namespace["keep_dvc_away"]()
        return ends[-1]  # what is imported may have ends of its own

    return call


def dvc_writes(lock: Path) -> None:
    from dvc.fs import localfs

    with rwlock.rwlock(str(lock.parent), localfs, "dvc repro", [], [str(Path("data/a").absolute())], False):
        pass


@pytest.mark.parametrize("before", [None, "", "other"])
def test_several_snakemakes_keep_dvc_away_and_not_one_another(lock, start, before):
    if before is not None:
        # Process 1 is always there.
        other = {"read": {str(Path("data").absolute()): [{"pid": 1, "cmd": "snakemake"}]}}
        lock.write_text(json.dumps(other) if before else "")
    end = start()
    with pytest.raises(rwlock.DvcException, match="snakemake"):
        dvc_writes(lock)
    end()
    left = json.loads(lock.read_text())
    assert left.get("write", {}) == {}
    if not before:
        dvc_writes(lock)


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"write": {"a": 3}}', '{"read": 1}'])
def test_a_file_that_is_not_dvcs_is_one_line(lock, start, text):
    lock.write_text(text)
    with pytest.raises(WorkflowError) as error:
        start()
    assert str(error.value).count("\n") == 0
    assert f"{lock}, in which `dvc` says where it works, cannot be used: " in str(error.value)
    assert lock.read_text() == text


def test_dvc_at_work_is_one_line_that_says_who(lock, start):
    lock.write_text(json.dumps({"write": {str(Path("results/a").absolute()): {"pid": 1, "cmd": "dvc repro"}}}))
    with pytest.raises(WorkflowError, match=r"^DVC is at work here \(PID 1 dvc repro\); start Snakemake when"):
        start()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("spoilt")])
def test_a_file_that_is_gone_at_the_end_is_no_failure(lock, start, change):
    end = start()
    change(lock)
    end()
