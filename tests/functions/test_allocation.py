"""What a training says of the machine and of its SLURM job, and what it does when a promised GPU is not there."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from jetpulse.errors import UserError
from jetpulse.training import allocation
from jetpulse.training.allocation import (
    allocated_cpus,
    describe_place,
    has_promised_gpu,
    node_name,
    too_few_cpus,
    usable_cpus,
)
from jetpulse.training.devices import choose_device, open_device
from jetpulse.training.files import write_model
from toy_jets import assert_one_line
from toys import CPU, experiment, write_images

JOB = {"SLURM_JOB_ID": "4711", "SLURM_JOB_PARTITION": "gpu", "SLURMD_NODENAME": "node7", "SLURM_CPUS_PER_TASK": "2"}
GPU = JOB | {"CUDA_VISIBLE_DEVICES": "0"}


@pytest.fixture
def environment(monkeypatch) -> Callable[[dict[str, str]], None]:
    """Return a function that puts a batch system's variables in place of all that are set; 8 CPUs may be used."""
    for name in [name for name in os.environ if name.startswith("SLURM") or name == "CUDA_VISIBLE_DEVICES"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(platform, "node", lambda: "host1")
    return lambda values: [monkeypatch.setenv(name, value) for name, value in values.items()] and None


@pytest.fixture
def no_gpu(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def opened(settings: dict) -> tuple[torch.device, list[str]]:
    """Return the device of a training, and what is said."""
    lines: list[str] = []
    return open_device(experiment(settings).training, 0, lines.append), lines


def test_without_slurm_there_is_one_line_on_the_host(environment):
    environment({})
    assert describe_place() == ["host: host1, 64 CPUs, 8 of them for this process"]
    assert node_name() == "host1"


def test_in_a_job_every_fact_is_a_line(environment):
    environment(GPU)
    assert describe_place() == [
        "host: host1, 64 CPUs, 2 of them for this process",
        "SLURM job: 4711",
        "SLURM partition: gpu",
        "SLURM node: node7",
        "SLURM CPUs: 2",
        "CUDA_VISIBLE_DEVICES: 0",
    ]


def test_what_slurm_does_not_say_is_unknown(environment):
    environment({"SLURM_JOB_ID": "13", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"})
    assert describe_place()[1:] == [
        "SLURM job: 13 (task 3 of array 12)",
        "SLURM partition: unknown",
        "SLURM node: host1",
        "SLURM CPUs: unknown",
        "CUDA_VISIBLE_DEVICES: not set",
    ]


@pytest.mark.parametrize(
    ("values", "allocated", "usable"),
    [
        ({}, None, 8),
        ({"SLURM_CPUS_PER_TASK": "4"}, None, 8),  # left over from elsewhere: there is no job
        (JOB, 2, 2),
        (JOB | {"SLURM_CPUS_PER_TASK": "16"}, 16, 8),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "3"}, 3, 3),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "", "SLURM_CPUS_ON_NODE": "6"}, 6, 6),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "many"}, None, 8),
    ],
)
def test_the_cpus_are_those_of_the_allocation_and_of_the_system(environment, values, allocated, usable):
    environment(values)
    assert (allocated_cpus(), usable_cpus()) == (allocated, usable)


def test_systems_that_bind_no_processes_have_all_their_cpus(environment, monkeypatch):
    environment({})
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cpus() == 64


@pytest.mark.parametrize(
    ("values", "promised"),
    [
        ({}, False),
        (JOB, False),
        (JOB | {"CUDA_VISIBLE_DEVICES": "0"}, True),
        (JOB | {"CUDA_VISIBLE_DEVICES": "GPU-5f3c,GPU-61aa"}, True),
        (JOB | {"CUDA_VISIBLE_DEVICES": ""}, False),
        (JOB | {"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, False),
        (JOB | {"CUDA_VISIBLE_DEVICES": "-1"}, False),
        (JOB | {"SLURM_JOB_GPUS": "0"}, True),
        (JOB | {"SLURM_STEP_GPUS": "0,3"}, True),
        (JOB | {"SLURM_GPUS": "0"}, False),
        (JOB | {"SLURM_GPUS": "a100:1"}, True),
        (JOB | {"SLURM_GPUS_ON_NODE": "2"}, True),
        (JOB | {"SLURM_GPUS_ON_NODE": "0"}, False),
    ],
)
def test_a_gpu_is_promised_by_any_of_the_variables(environment, values, promised):
    environment(values)
    assert has_promised_gpu() == promised


@pytest.mark.parametrize(("cpus", "threads", "few"), [("4", 4, False), ("3", 4, True), ("8", 9, True), ("8", 1, False)])
def test_fewer_cpus_than_threads_are_said(environment, cpus, threads, few):
    environment(JOB | {"SLURM_CPUS_PER_TASK": cpus})
    line = too_few_cpus(threads)
    assert bool(line) == few
    if few:
        assert line.startswith(f"{cpus} CPUs for {threads} threads (training.threads x training.processes): ")


def test_threads_of_all_processes_count(environment, no_gpu):
    environment(JOB)
    _, lines = opened({"threads": 2, "processes": 2})
    assert [line for line in lines if line.startswith("warning: ")] == [f"warning: {too_few_cpus(4)}"]


@pytest.mark.parametrize("values", [GPU, JOB | {"SLURM_GPUS": "1"}, {"CUDA_VISIBLE_DEVICES": "0"}])
def test_a_promised_gpu_that_is_not_there_is_a_warning_where_any_device_will_do(environment, no_gpu, values):
    environment(values)
    device, lines = opened({"device": "auto"})
    assert device == CPU
    assert lines[:-1] == [*describe_place(), f"device: CPU, 1 threads, torch {torch.__version__}"]
    assert lines[-1].startswith("warning: a GPU was promised to this job, but torch ")
    assert lines[-1].endswith("; training on the CPU")
    assert "\n" not in lines[-1]


@pytest.mark.parametrize(
    ("settings", "values"),
    [({"device": "cpu"}, GPU), ({"device": "auto"}, JOB), ({"device": "auto"}, {})],
    ids=["unused", "none promised", "elsewhere"],
)
def test_who_was_promised_no_gpu_or_wants_none_is_not_warned(environment, no_gpu, settings, values):
    environment(values)
    assert not [line for line in opened(settings)[1] if "warning" in line]


def test_a_gpu_of_which_slurm_knows_nothing_is_left_to_others(environment, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    environment({})
    assert choose_device("auto", 1) == torch.device("cuda")
    environment(JOB)
    device, lines = opened({"device": "auto"})
    assert device == CPU
    assert lines[-1] == "warning: SLURM gave no GPU to this job; the one that torch sees is left to others"
    assert choose_device("cuda", 1) == torch.device("cuda")
    environment(GPU)
    assert choose_device("auto", 1) == torch.device("cuda")


@pytest.mark.parametrize(
    ("values", "built", "told"),
    [
        ({}, "12.8", ["CUDA_VISIBLE_DEVICES: not set", "built with CUDA 12.8", "use a machine with one"]),
        ({}, None, ["built for CPUs alone", "install a torch that is built with CUDA"]),
        (JOB, "12.8", ["node node7", "SLURM gave this job none", "--gpus=1", "--gres=gpu:1"]),
        (GPU, None, ["CUDA_VISIBLE_DEVICES: 0", "built for CPUs alone", "install a torch that is built with CUDA"]),
        (GPU, "12.8", ["node node7", "CUDA_VISIBLE_DEVICES: 0", "driver ", "nvidia-smi"]),
    ],
    ids=["no gpu", "built for cpus", "none given", "given, built for cpus", "given, no driver"],
)
def test_a_gpu_that_is_insisted_on_and_missing_is_an_error_with_its_reason(
    environment, no_gpu, monkeypatch, values, built, told
):
    environment(values)
    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(UserError) as error:
        opened({"device": "cuda"})
    assert_one_line(error, "training.device: cuda: torch", "sees no GPU", *told, "or training.device cpu")


def test_every_log_of_a_training_begins_with_the_place(environment, no_gpu, tmp_path):
    environment(GPU)
    lines: list[str] = []
    images = write_images(tmp_path / "images.h5")
    write_model(images, tmp_path / "m" / "model.safetensors", experiment({"device": "auto"}), 1, log=lines.append)
    assert lines[:6] == describe_place()
    assert [line.split(":")[0] for line in lines[6:8]] == ["device", "warning"]


def test_where_a_training_runs_decides_no_weights(environment, no_gpu, tmp_path):
    images = write_images(tmp_path / "images.h5")
    written: list[bytes] = []
    for number, values in enumerate([{}, GPU, JOB | {"SLURM_CPUS_PER_TASK": "1"}]):
        environment(values)
        model = Path(tmp_path / str(number) / "model.safetensors")
        write_model(images, model, experiment({"device": "auto"}), 1)
        written.append(model.read_bytes())
    assert written[0] == written[1] == written[2]


def test_all_variables_are_read_when_asked_not_when_loaded(environment):
    environment({})
    assert not allocation.has_job()
    environment(JOB)
    assert allocation.has_job()
