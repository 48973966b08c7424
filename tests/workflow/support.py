"""Running the workflow in folders of the tests' own."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "config", "profiles", "envs")


def copy_project(folder: Path) -> Path:
    """Copy what the workflow is made of into a folder, which then uses its own copy of the package."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            shutil.copy2(source, folder / part)
    return folder


def snakemake(folder: Path, *arguments: str, check: bool = True, config: str | None = "config/tiny.yaml") -> str:
    """Run Snakemake in a copy of the project, with a config or the default analysis; return what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "workflow")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a hundred commands in one folder compile it once
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, *(("--configfile", config) if config else ())],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


def planned(folder: Path, *arguments: str, config: str | None = "config/tiny.yaml") -> Counter[str]:
    """Return how often each rule would run, `all` left out."""
    return count_jobs(snakemake(folder, "--dry-run", *arguments, config=config))


def count_jobs(text: str) -> Counter[str]:
    """Return how often each rule runs by what Snakemake printed, `all` left out."""
    rules = Counter()
    if "Job stats:" in text:
        for line in text.split("Job stats:")[1].split("total")[0].splitlines():
            found = re.fullmatch(r"(\w+)\s+(\d+)", line.strip())
            if found:
                rules[found.group(1)] = int(found.group(2))
    rules.pop("all", None)
    return rules


def make_again(folder: Path, outputs: dict[str, str], config: str = "config/tiny.yaml") -> list[str]:
    """Remove an output of each rule and have these rules alone make them; return the rules whose bytes differ."""
    before = {rule: (folder / output).read_bytes() for rule, output in outputs.items()}
    for output in outputs.values():
        (folder / output).unlink()
    options = ("--allowed-rules", *outputs, "--force", "--cores", "1")
    assert count_jobs(snakemake(folder, *outputs.values(), *options, config=config)) == dict.fromkeys(outputs, 1)
    return [rule for rule, output in outputs.items() if (folder / output).read_bytes() != before[rule]]


def planned_jobs(folder: Path, *arguments: str, config: str = "config/tiny.yaml") -> set[str]:
    """Return the messages of the jobs that would run."""
    text = snakemake(folder, "--dry-run", *arguments, config=config)
    return set(re.findall(r"^Job \d+: (.+)$", text, re.MULTILINE))


def change_config(folder: Path, change: Callable[[dict[str, Any]], None]) -> str:
    """Write config/changed.yaml, the tiny analysis after ``change``; return its name."""
    value = yaml.safe_load((folder / "config/tiny.yaml").read_text(encoding="utf-8"))
    change(value)
    (folder / "config/changed.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    return "config/changed.yaml"


def clone_results(chain: Path, folder: Path) -> Path:
    """Copy a finished run, times and Snakemake's records included."""
    shutil.copytree(chain, folder, copy_function=shutil.copy2)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise AssertionError(f"{path}: no {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")
