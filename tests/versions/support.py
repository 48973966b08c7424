"""Projects under git and DVC in folders of the tests' own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from tests.workflow.support import ROOT, copy_project

# The smallest analysis that has everything: two datasets (one from a file of the user's), two experiments.
SMALL = """\
datasets:
  few:
    kind: spectra
    source: {counts: {n: 80, bins: 40, block: 40}}
  own:
    kind: pulses
    source: {files: [inputs/own.npz]}
experiments:
  lines:
    task: reconstruction
    dataset: few
    model: {name: autoencoder}
    training: {normalise: residual, batch: 20, epochs: 2}
    seeds: [1]
  finder:
    task: localisation
    dataset: own
    model: {name: pulse-reference}
    training: {batch: 20, steps: 4, patience: null}
    seeds: [1]
"""


def write_own(path: Path, seed: int = 1) -> None:
    """Write a user's file of waveforms."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform = rng.normal(size=(60, 3, 100)).astype(np.float32)
    np.savez(path, waveform=waveform, label=rng.integers(10, 90, 60))


def make_project(folder: Path, config: str | None = None) -> Path:
    """Copy the project into a git repository of its own, with another analysis in place of the default one."""
    copy_project(folder)
    names = (
        "dvc.yaml",
        ".dvcignore",
        ".gitignore",
        "README.md",
        "requirements.lock",
        ".dvc/config",
        "inputs/README.md",
    )
    for name in (*names, ".dvc/config", "inputs/README.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    # One core is enough here, and leaves the other to other tests.
    text = (folder / "dvc.yaml").read_text(encoding="utf-8").replace("--cores all", "--cores 1")
    (folder / "dvc.yaml").write_text(text, encoding="utf-8")
    if config is not None:
        (folder / "config/config.yaml").write_text(config, encoding="utf-8")
    run(folder, "git", "init", "--quiet", "--initial-branch", "main")
    if config is not None and "inputs/own.npz" in config:
        write_own(folder / "inputs/own.npz")
        run(folder, "dvc", "add", "--quiet", "inputs/own.npz")
    commit(folder, "Start")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of commands in a project: its own package, nobody's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "GIT_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    names = {f"GIT_{who}_{what}": "tests@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return kept | names | {"PATH": path, "PYTHONPATH": str(folder / "workflow"), "DVC_NO_ANALYTICS": "1"}


def attempt(folder: Path, *command: str, timeout: float = 550) -> tuple[int, str]:
    """Run a command in a project; return its exit code and what it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout,
    )
    return done.returncode, done.stdout


def run(folder: Path, *command: str) -> str:
    """Run a command that must succeed; return what it said."""
    code, text = attempt(folder, *command)
    if code:
        raise AssertionError(f"{' '.join(command)} failed:\n{text}")
    return text


def script(folder: Path, name: str) -> tuple[int, str]:
    """Run what `make NAME` runs, save or pull; return its exit code and what it said."""
    return attempt(folder, sys.executable, f"workflow/scripts/{name}.py")


def commit(folder: Path, message: str) -> None:
    """Commit everything that git does not ignore."""
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", message)


def clone(project: Path, folder: Path, remote: Path | str) -> Path:
    """Clone a project as another person would, with the same DVC remote."""
    run(project, "git", "clone", "--quiet", str(project), str(folder))
    run(folder, "dvc", "remote", "add", "--quiet", "--force", "--default", "store", str(remote))
    return folder


def wanted_by_dvc(folder: Path) -> set[str]:
    """Return the stages that DVC would run, without its own two: the plan, refreshed first, and the report."""
    run(folder, "dvc", "repro", "--quiet", "plan")
    text = run(folder, "dvc", "status", "--json")
    return set(json.loads(text[text.index("{") :])) - {"plan", "report"}


LOOK = """
import json, sys
sys.path.insert(0, "workflow/scripts")
import contextlib, io, plan

def look(dag, stage_of):
    jobs = [job for job in (dag.needrun_jobs(exclude_finished=False) if WANTED else dag.jobs) if job.output]
    edges = [(stage_of(str(job.output[0])), stage_of(str(d.output[0]))) for job in jobs for d in dag.dependencies[job]]
    return {str(file): stage_of(str(file)) for job in jobs for file in job.output}, sorted(set(edges), key=str)

with contextlib.redirect_stderr(io.StringIO()):
    found = plan.look_at_jobs(look)
print("JSON" + json.dumps(found))
"""


def outputs(folder: Path, wanted: bool = False) -> tuple[dict[str, str | None], list[list[str | None]]]:
    """Return the files that Snakemake makes, or would make now, each with its stage; and pairs: this needs that."""
    text = run(folder, sys.executable, "-c", LOOK.replace("WANTED", str(wanted)))
    found, needed = json.loads(text.split("JSON")[-1])
    return found, needed


def wanted_by_snakemake(folder: Path) -> set[str | None]:
    """Return the stages of which Snakemake would run a job."""
    return set(outputs(folder, wanted=True)[0].values())


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all that DVC keeps, by path."""
    lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    tops = [folder / out["path"] for stage in lock["stages"].values() for out in stage["outs"]]
    files = [file for top in tops for file in ([top] if top.is_file() else sorted(top.rglob("*"))) if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
