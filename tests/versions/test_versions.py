"""DVC and Snakemake as one, on a small analysis and real remotes; minutes long, so `make test-all` only."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.versions.support import (
    attempt,
    bytes_of,
    commit,
    environment,
    run,
    script,
    wanted_by_dvc,
    wanted_by_snakemake,
    write_own,
)
from tests.workflow.support import edit

pytestmark = pytest.mark.slow
Fresh = Callable[[], Path]


@pytest.fixture
def pulled(fresh: Fresh) -> Path:
    """A fresh clone after `make pull`."""
    folder = fresh()
    code, text = script(folder, "pull")
    assert code == 0, text
    return folder


def nothing_left(folder: Path) -> None:
    """Check that both engines have nothing to do."""
    assert "Data and pipelines are up to date" in run(folder, "dvc", "status")
    assert "Nothing to be done" in run(folder, "snakemake", "--dry-run", "all", "versioned")


def test_after_snakemake_and_save_nothing_is_left(origin: Path) -> None:
    nothing_left(origin)
    assert "didn't change, skipping" in run(origin, "dvc", "repro")
    code, text = script(origin, "save")
    assert (code, text) == (0, "Nothing new to save.\n")


def test_repro_on_a_fresh_clone_makes_the_same_bytes(fresh: Fresh, origin: Path) -> None:
    folder = fresh()
    run(folder, "dvc", "pull", "--quiet", "inputs/own.npz.dvc")
    run(folder, "dvc", "repro", "--force")
    nothing_left(folder)
    made, expected = bytes_of(folder), bytes_of(origin)
    # The report tells when what was made.
    assert {name for name in expected if made.get(name) != expected[name]} <= {"results/report.html"}
    assert set(made) == set(expected)


def test_pull_into_a_fresh_clone_leaves_nothing_to_do(pulled: Path, origin: Path) -> None:
    assert bytes_of(pulled) == bytes_of(origin)
    nothing_left(pulled)


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        ("config/config.yaml", "epochs: 2", "epochs: 3", {"experiments@lines", "comparison"}),
        ("config/config.yaml", "bins: 40", "bins: 41", {"datasets@few", "experiments@lines", "comparison"}),
        (
            "workflow/jetpulse/models/autoencoder.py",
            "class Network(nn.Module):",
            "ANSWER = 42\n\n\nclass Network(nn.Module):",
            {"experiments@lines", "comparison"},
        ),
        ("workflow/jetpulse/figures/training.py", '"epoch"', '"epochs"', {"experiments@lines", "experiments@finder"}),
        ("workflow/jetpulse/training/loop.py", '"""The training', '"""What trains: the training', set()),
        ("README.md", "# jetpulse", "# Jetpulse\n\n<!-- a comment -->", set()),
    ],
)
def test_a_change_makes_both_engines_want_the_same(
    pulled: Path, file: str, old: str, new: str, stages: set[str]
) -> None:
    edit(pulled / file, old, new)
    assert wanted_by_snakemake(pulled) == stages
    assert wanted_by_dvc(pulled) == stages


def test_a_changed_input_makes_both_engines_want_the_same(pulled: Path) -> None:
    write_own(pulled / "inputs/own.npz", seed=2)
    stages = {"datasets@own", "experiments@finder", "comparison"}
    assert wanted_by_snakemake(pulled) == stages
    assert wanted_by_dvc(pulled) - {"inputs/own.npz.dvc"} == stages


def test_switching_between_commits_restores_the_bytes_of_each(pulled: Path) -> None:
    first = bytes_of(pulled)
    run(pulled, "git", "switch", "--quiet", "--create", "longer")
    edit(pulled / "config/config.yaml", "epochs: 2", "epochs: 3")
    run(pulled, "snakemake", "--cores", "2", "all", "versioned")
    code, text = script(pulled, "save")
    assert code == 0, text
    commit(pulled, "Longer")
    run(pulled, "dvc", "push", "--quiet")
    second = bytes_of(pulled)
    assert first["results/lines/seed1/model.safetensors"] != second["results/lines/seed1/model.safetensors"]
    for branch, expected in (("main", first), ("longer", second)):
        run(pulled, "git", "switch", "--quiet", branch)
        code, text = script(pulled, "pull")
        assert code == 0, text
        assert bytes_of(pulled) == expected
        nothing_left(pulled)
    table = run(pulled, "dvc", "metrics", "diff", "main")
    assert "lines." in table
    table = run(pulled, "dvc", "params", "diff", "main")
    assert "experiments.lines.training.epochs" in table


def test_pull_refuses_where_code_or_config_differ(fresh: Fresh) -> None:
    folder = fresh()
    edit(folder / "config/config.yaml", "epochs: 2", "epochs: 3")
    code, text = script(folder, "pull")
    assert code == 1
    assert "are not those that made them" in text
    assert "experiments@lines" in text
    assert "datasets@few" not in text


def test_pull_refuses_to_overwrite_what_was_never_saved(pulled: Path) -> None:
    before = (pulled / "results/summary.csv").read_bytes()
    (pulled / "results/summary.csv").write_bytes(before + b"mine\n")
    code, text = script(pulled, "pull")
    assert code == 1
    assert "summary.csv" in text
    assert (pulled / "results/summary.csv").read_bytes() == before + b"mine\n"


def test_save_refuses_while_something_is_left(pulled: Path) -> None:
    edit(pulled / "config/config.yaml", "epochs: 2", "epochs: 3")
    before = (pulled / "dvc.lock").read_bytes()
    code, text = script(pulled, "save")
    assert code == 1
    assert "save: results are not up to date" in text
    assert (pulled / "dvc.lock").read_bytes() == before


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"?" + path.read_bytes()[1:])


def model_object(folder: Path, store: Path) -> Path:
    """Return the object of a store that holds a trained model."""
    wanted = (folder / "results/lines/seed1/model.safetensors").read_bytes()
    return next(file for file in store.rglob("*") if file.is_file() and file.read_bytes() == wanted)


def test_a_damaged_object_in_the_cache_is_fetched_again(pulled: Path, origin: Path) -> None:
    damage(model_object(origin, pulled / ".dvc/cache"))
    shutil.rmtree(pulled / "results/lines")
    code, text = script(pulled, "pull")
    assert code == 0, text
    assert "was damaged; fetching it again" in text
    assert bytes_of(pulled) == bytes_of(origin)


def test_an_object_that_is_damaged_in_the_remote_stops_before_anything_is_touched(fresh: Fresh, origin: Path) -> None:
    folder = fresh()
    damage(model_object(origin, folder.parent / "clone-store"))
    code, text = script(folder, "pull")
    assert code == 1
    assert "the remote's copy is damaged too" in text
    assert not (folder / "data/few").exists()
    assert not (folder / "results/lines").exists()


def test_a_half_finished_push_stops_before_anything_is_touched(fresh: Fresh, origin: Path) -> None:
    folder = fresh()
    model_object(origin, folder.parent / "clone-store").unlink()
    code, text = script(folder, "pull")
    assert code == 1
    assert "could not be fetched" in text
    assert "Traceback" not in text
    assert not (folder / "data/few").exists()
    shutil.copytree(origin.parent / "store", folder.parent / "clone-store", dirs_exist_ok=True)
    code, text = script(folder, "pull")
    assert code == 0, text


def test_a_remote_that_vanishes_leaves_the_workspace_as_it_is(pulled: Path, origin: Path) -> None:
    before = bytes_of(pulled)
    shutil.rmtree(pulled / ".dvc/cache")
    shutil.rmtree(pulled.parent / "clone-store")
    code, text = script(pulled, "pull")
    assert code == 1
    assert "could not be fetched" in text
    assert "Traceback" not in text
    assert bytes_of(pulled) == before


def test_of_two_pulls_at_once_one_waits_or_refuses_and_both_end_well(fresh: Fresh, origin: Path) -> None:
    folder = fresh()
    command = [sys.executable, "workflow/scripts/pull.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    both = [subprocess.Popen(command, cwd=folder, env=environment(folder), **pipes) for _ in range(2)]
    texts = [process.communicate(timeout=900)[0] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], texts
    assert any("another `make pull` is at work here" in text for text in texts)
    assert bytes_of(folder) == bytes_of(origin)
    nothing_left(folder)


@pytest.fixture
def busy(pulled: Path) -> Iterator[Path]:
    """A project in which Snakemake trains for long."""
    edit(pulled / "config/config.yaml", "steps: 4", "steps: 1000000")
    process = subprocess.Popen(
        ["snakemake", "--cores", "1", "experiments@finder"],
        cwd=pulled,
        env=environment(pulled),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    lock = pulled / ".dvc/tmp/rwlock"
    while process.poll() is None and not (lock.is_file() and "snakemake" in lock.read_text(encoding="utf-8")):
        time.sleep(0.1)
    yield pulled
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_dvc_touches_nothing_while_snakemake_runs(busy: Path) -> None:
    kept = {name: value for name, value in bytes_of(busy).items() if not name.startswith("results/finder")}
    for command in (("dvc", "repro"), ("dvc", "commit", "--force")):
        code, text = attempt(busy, *command)
        assert code != 0, command
        assert "it is being blocked by" in text
        assert "snakemake" in text
    for name in ("save", "pull"):
        code, text = script(busy, name)
        assert code == 1
        assert f"{name}: Snakemake is at work here" in text
    after = bytes_of(busy)
    assert all(after[name] == value for name, value in kept.items())


def test_a_released_model_says_what_it_is_and_is_checked(pulled: Path) -> None:
    release = json.loads((pulled / "results/finder/release/model.json").read_text(encoding="utf-8"))["release"]
    assert release["experiment"] == "finder"
    assert release["data"]["file"] == "data/own/samples.h5"
    assert release["licence"] == "not stated"
    cached = pulled / ".dvc/cache/files/md5" / release["data"]["md5"][:2] / release["data"]["md5"][2:]
    assert cached.read_bytes() == (pulled / "data/own/samples.h5").read_bytes()
    command = ("jetpulse", "score", "results/finder/release/model.safetensors", "data/own/samples.h5", "scores.csv")
    text = run(pulled, *command)
    assert "experiment finder, seed 1, licence: not stated" in text
    assert "warning" not in text
    damage(pulled / "results/finder/release/model.safetensors")
    code, text = attempt(pulled, *command)
    assert code == 1
    assert "not the weights" in text


def test_a_registered_model_is_had_by_its_name(pulled: Path, tmp_path: Path) -> None:
    text = (pulled / "dvc.yaml").read_text(encoding="utf-8")
    artifacts = "artifacts:\n  finder: {path: results/finder/release, type: model}\n"
    (pulled / "dvc.yaml").write_text(text[: text.index("artifacts:")] + artifacts, encoding="utf-8")
    commit(pulled, "Register")
    run(pulled, "git", "tag", "--annotate", "finder@v1.0.0", "--message", "First release")
    run(tmp_path, "dvc", "artifacts", "get", str(pulled), "finder", "--out", "got")
    for file in sorted((pulled / "results/finder/release").iterdir()):
        assert (tmp_path / "got" / file.name).read_bytes() == file.read_bytes()


def test_an_experiment_on_the_side(pulled: Path) -> None:
    run(pulled, "dvc", "exp", "run", "--set-param", "config/config.yaml:experiments.lines.training.epochs=3")
    table = run(pulled, "dvc", "params", "diff")
    assert "experiments.lines.training.epochs" in table
    assert "lines." in run(pulled, "dvc", "metrics", "diff")
    assert "Nothing to be done" in run(pulled, "snakemake", "--dry-run", "all", "versioned")
