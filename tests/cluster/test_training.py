"""Trainings on SLURM: stopped ahead of the time limit and resumed, and one that was promised a GPU."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.support import TRAININGS, Run, prepare_profile, running, slurm, wait_until
from tests.workflow.support import copy_project, snakemake

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster")]

MODEL = "results/long/seed1/model.safetensors"
SPECTRA = {"kind": "spectra", "source": {"counts": {"n": 200, "bins": 60, "block": 80}}}
EXPERIMENT = {
    "task": "reconstruction",
    "dataset": "spectra",
    "model": {"name": "autoencoder"},
    "training": {"normalise": "residual", "batch": 4, "epochs": 5000, "patience": None, "device": "cpu"},
    "seeds": [1],
}


def write_config(folder: Path) -> str:
    """Write an analysis of a training that lasts about a minute and one that insists on a GPU; return its name."""
    promised = {**EXPERIMENT, "training": {**EXPERIMENT["training"], "device": "cuda"}}
    analysis = {"datasets": {"spectra": SPECTRA}, "experiments": {"long": EXPERIMENT, "promised": promised}}
    (folder / "config/trainings.yaml").write_text(yaml.safe_dump(analysis), encoding="utf-8")
    return "config/trainings.yaml"


def signal_ahead(settings: dict[str, Any]) -> None:
    """Give first attempts 15 minutes, of which ``shorten`` leaves less than three, and a signal that far ahead.

    SLURM looks twice a minute whether a job is to be warned or is over its limit: two minutes at least lie between.
    """
    first = {"runtime": "15 if attempt == 1 else 60", "slurm_extra": "'--signal=TERM@179'"}
    settings["set-resources"]["train"] |= first


def shorten(run: Run) -> None:
    """Move the time limit of the long training to two or three minutes from now, once it is under way.

    A limit as short from the start would be over, on a busy machine, before the first step.
    """
    log = run.folder / "logs/train/long.seed1.log"
    wait_until(lambda: log.exists() and "epoch 50 " in log.read_text(encoding="utf-8"), "no training")
    [job] = [job for job in run.jobs("train") if job.comment.endswith("_long_1")]
    minutes = int(slurm("squeue", "--noheader", "--jobs", job.number, "--format=%M").strip().split(":")[-2])
    slurm("scontrol", "update", f"jobid={job.number}", f"timelimit={minutes + 3}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the training that is not interrupted."""
    return copy_project(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def limited(whole: Path, tmp_path_factory: pytest.TempPathFactory, cluster: None) -> Iterator[Run]:
    """Both trainings on SLURM with a time limit; at the same time the long one without SLURM in ``whole``."""
    folder = copy_project(tmp_path_factory.mktemp("limited"))
    prepare_profile(folder, TRAININGS, signal_ahead)
    targets = [MODEL, MODEL.replace("long", "promised")]
    config = write_config(folder)
    with (
        ThreadPoolExecutor(1) as pool,
        running(folder, *targets, "--configfile", config, "--slurm-keep-successful-logs", "--retries", "1") as run,
    ):
        elsewhere = pool.submit(snakemake, whole, MODEL, "--cores", "1", config=write_config(whole))
        shorten(run)
        assert run.finish(7200) == 1  # `promised` has no GPU; both together take a quarter of an hour on two busy cores
        elsewhere.result()
        yield run


def trainings(run: Run, experiment: str) -> list[tuple[str, str]]:
    """Return state and partition of the jobs that train an experiment."""
    return [(job.state, job.partition) for job in run.jobs("train") if job.comment.endswith(f"_{experiment}_1")]


def test_a_training_that_is_stopped_by_its_time_limit_ends_with_the_same_weights(limited: Run, whole: Path) -> None:
    # It ends by itself, ahead of the limit, and is submitted again.
    assert trainings(limited, "long") == [("FAILED", "long"), ("COMPLETED", "long")]
    for name in ("model.safetensors", "model.json", "history.csv"):
        path = Path(MODEL).with_name(name)
        assert (limited.folder / path).read_bytes() == (whole / path).read_bytes(), name


def test_it_goes_on_where_it_stopped(limited: Run) -> None:
    log = (limited.folder / "logs/train/long.seed1.log").read_text(encoding="utf-8")
    assert "resuming from" in log


def test_a_gpu_that_was_promised_and_is_not_there_is_an_error(limited: Run) -> None:
    assert trainings(limited, "promised") == [("FAILED", "gpu")] * 2
    log = (limited.folder / "logs/train/promised.seed1.log").read_text(encoding="utf-8")
    assert "SLURM partition: gpu" in log
    assert re.search(r"training.device: cuda: .* sees no GPU \(node node-gpu, CUDA_VISIBLE_DEVICES: [01], ", log)
    assert not (limited.folder / MODEL.replace("long", "promised")).exists()
