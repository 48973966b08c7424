"""What must agree with something else: generated documents, environments, the lock file, captions."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from jetpulse import __version__
from jetpulse.config import expand_scans, load_config
from jetpulse.config.documents import render_documents
from jetpulse.evaluation.classification import COLUMNS
from jetpulse.fetch.datasets import check_outside
from jetpulse.fetch.sources import known_sources
from jetpulse.resources import resource

ROOT = Path(__file__).parents[1]


def pins(lines: list[str]) -> dict[str, str]:
    """Return versions by normalised name of `name==version` lines."""
    found = (re.fullmatch(r"([A-Za-z0-9._-]+)\s*={1,2}\s*([^\s#]+)", line.strip()) for line in lines)
    return {m.group(1).lower().replace("_", "-").replace(".", "-"): m.group(2) for m in found if m}


def on_linux(items: list[str]) -> set[str]:
    """Return the names of requirements that hold on Linux, for which the lock is made."""
    requirements = map(Requirement, items)
    return {r.name.lower() for r in requirements if not r.marker or r.marker.evaluate({"sys_platform": "linux"})}


@pytest.fixture(scope="module")
def lock() -> dict[str, str]:
    return pins((ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("name", ["schema.json", "defaults.yaml", "README.md"])
def test_generated_documents_are_up_to_date(name: str) -> None:
    rendered = {path.name: text for path, text in render_documents(ROOT / "config").items()}
    on_disk = (ROOT / "config" / name).read_text(encoding="utf-8")
    assert on_disk == rendered[name], "run `make document-config`"


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_conda_environments_name_the_versions_of_the_lock(kind: str, lock: dict[str, str]) -> None:
    dependencies = yaml.safe_load((ROOT / f"envs/{kind}.yaml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = next(item["pip"] for item in dependencies if isinstance(item, dict))
    named = pins([item for item in dependencies if isinstance(item, str)]) | pins(by_pip)
    named["torch"] = named.pop(f"pytorch-{kind}")
    named.pop("python")
    assert len(named) > 10
    assert named == {name: lock[name] for name in named}


def test_the_lock_pins_every_dependency_exactly(lock: dict[str, str]) -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert len(lock) == len([line for line in lines if line.strip()])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    assert on_linux(wanted) <= set(lock)


def test_the_environments_cover_the_packages_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = on_linux(project["dependencies"])
    text = (ROOT / "envs/cpu.yaml").read_text(encoding="utf-8")
    assert {name for name in names - {"torch"} if not re.search(rf"- {name} ?=", text)} == set()


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == citation["version"] == __version__


@pytest.mark.parametrize("path", sorted(p for p in (ROOT / "config").glob("*.yaml") if p.name != "defaults.yaml"))
def test_ready_made_configs_have_no_mistakes_and_no_file_of_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JETPULSE_TEST_DATA", raising=False)
    analysis, _ = expand_scans(load_config(path), str(path))
    check_outside(analysis, known_sources(), str(path))


def test_every_caption_is_used_and_every_used_one_is_there() -> None:
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    used = set(re.findall(r'caption="../report/([a-z_]+\.rst)"', rules)) | {"workflow.rst"}
    assert used == {path.name for path in (ROOT / "workflow/report").glob("*.rst")}


def test_references_have_the_summarys_metrics() -> None:
    header = resource("references.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    told = {"sample", "split", "training_size", "tagger", "source"}
    assert told < set(header)
    assert set(header) - told - {"rejection_30_error"} <= set(COLUMNS)


def test_no_large_or_made_files_are_in_git() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    large = [name for name in names if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 500_000]
    assert large == []
    assert [name for name in names if name.startswith(("data/", "results/")) and not name.endswith("README.md")] == []


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make with the project's Makefile in an empty folder."""
    return subprocess.run(
        ["make", "-f", ROOT / "Makefile", *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("version", "words", "said"),
    [
        (
            "3.11.0",
            ("run", "CONFIG=my none.yaml"),
            "make run: CONFIG=my none.yaml: no such file; ready-made ones are in",
        ),
        ("3.10.9", ("install",), "jetpulse needs Python 3.11, 3.12 or 3.13, './python' is Python 3.10.9; try: make PY"),
        ("3.14.0", ("install",), "jetpulse needs Python 3.11, 3.12 or 3.13, './python' is Python 3.14.0; try: make PY"),
    ],
)
def test_make_refuses_in_one_line_before_it_installs(tmp_path: Path, version: str, words: tuple, said: str) -> None:
    numbers = ", ".join(version.split("."))
    (tmp_path / "python").write_text(
        f'#!/bin/sh\n[ "$1" != --version ] || exec echo Python {version}\n'
        f'exec {sys.executable} -c "import sys; sys.version_info = ({numbers}); ${{2#import sys; }}"\n'
    )
    (tmp_path / "python").chmod(0o755)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    done = make(tmp_path, *words, "PYTHON=./python")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith(said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pyproject.toml", "python", "requirements.lock"]


def test_a_checkout_has_the_same_bytes_everywhere(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    for name in (".gitattributes", "Makefile"):
        (first / name).write_bytes((ROOT / name).read_bytes())
    (first / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=true"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], cwd=first, check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", "--config", "core.autocrlf=true", first, second], check=True)
    for name in ("Makefile", "a.png"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
