"""The tiny analysis through sbatch: CPU and GPU jobs on their partitions, arrays, the bytes of a run without SLURM."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.support import CHAIN, Run, prepare_profile, running
from tests.workflow.support import copy_project, snakemake

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster")]

ON_GPUS = "tiny-cnn"


def put_on_gpus(settings: dict[str, Any]) -> None:
    """Ask for a GPU, by --gpus as `device: cuda` does, and by --gres; that key itself needs a GPU that is real."""
    asked = f"wildcards.experiment == '{ON_GPUS}' and wildcards.seed == "
    settings["set-resources"]["train"]["gpu"] = f"1 if {asked} '1' else 0"
    settings["set-resources"]["train"]["gres"] = f"'gpu:1' if {asked} '2' else ''"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def submitted(local: Path, tmp_path_factory: pytest.TempPathFactory, cluster: None) -> Iterator[Run]:
    """The tiny analysis, run through SLURM and, at the same time, without it in the folder ``local``."""
    folder = copy_project(tmp_path_factory.mktemp("submitted"))
    prepare_profile(folder, CHAIN, put_on_gpus)
    with (
        ThreadPoolExecutor(1) as pool,
        running(folder, "--configfile", "config/tiny.yaml", "--slurm-keep-successful-logs") as run,
    ):
        elsewhere = pool.submit(snakemake, local, "--cores", "1")
        assert run.finish(7200) == 0, run.output
        elsewhere.result()
        yield run


def made_in(folder: Path) -> dict[str, bytes]:
    """Return every file below data/ and results/, save for the measured times."""
    paths = [path for part in ("data", "results") for path in (folder / part).rglob("*") if path.is_file()]
    names = {str(path.relative_to(folder)): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith("results/benchmarks/")}


def test_the_bytes_are_those_of_a_local_run(local: Path, submitted: Run) -> None:
    there, here = made_in(submitted.folder), made_in(local)
    assert sorted(there) == sorted(here)
    assert len(there) > 100
    assert [name for name in here if there[name] != here[name]] == []


def test_every_job_ended_well(submitted: Run) -> None:
    assert Counter(job.state for job in submitted.jobs()) == {"COMPLETED": len(submitted.jobs())}
    assert not list(submitted.folder.rglob("*.tmp"))


def test_trainings_that_ask_for_a_gpu_are_on_its_partition_and_no_others(submitted: Run) -> None:
    on_gpus = [job for job in submitted.jobs() if job.partition == "gpu"]
    assert sorted(job.comment for job in on_gpus) == [f"rule_train_wildcards_{ON_GPUS}_{seed}" for seed in (1, 2)]
    assert {job.partition for job in submitted.jobs() if job not in on_gpus} == {"cpu"}
    assert len(submitted.jobs("train")) > len(on_gpus)


def test_a_training_says_which_gpu_it_was_given(submitted: Run) -> None:
    for seed in (1, 2):
        log = (submitted.folder / f"logs/train/{ON_GPUS}.seed{seed}.log").read_text(encoding="utf-8")
        assert "SLURM partition: gpu" in log
        assert re.search(r"CUDA_VISIBLE_DEVICES: [01]$", log, re.MULTILINE)


def test_simulation_is_one_array(submitted: Run) -> None:
    tasks = submitted.jobs("simulate_jets")
    assert len(tasks) == 6
    assert len({job.array for job in tasks}) == 1
    assert len({job.number for job in tasks}) == 6
    others = [job.array for job in submitted.jobs() if job not in tasks]
    assert len(others) == len(set(others))


def test_arrays_of_the_largest_size_fit_into_one_argument(submitted: Run) -> None:
    """Beyond that the plugin starts the wrong commands."""
    first, *_ = sorted((submitted.folder / "logs/slurm/rule_simulate_jets").glob("*_1.log"))
    commands = re.findall(r"--slurm-jobstep-array-execs=(\S+)", first.read_text(encoding="utf-8"))
    assert commands
    one = len(commands[0]) / 5  # the first of the six is not among them
    limit = yaml.safe_load((submitted.folder / "profiles/slurm/config.yaml").read_text())["slurm-array-limit"]
    assert one * limit < 0.8 * (1 << 17)
