"""What a batch system has given to this process: SLURM's job, node, CPUs and GPUs, as its environment tells them."""

import os
import platform

# Set in jobs that have GPUs: by SLURM, on each cluster other ones of the first four, and the last by everybody.
_GPU_VARIABLES = ("SLURM_JOB_GPUS", "SLURM_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES")
# How these say that there is none; older versions of SLURM have the last word for it.
_NO_GPU = ("", "0", "-1", "none", "NoDevFiles")


def has_job() -> bool:
    """Return whether this process belongs to a SLURM job."""
    return bool(os.environ.get("SLURM_JOB_ID"))


def has_promised_gpu() -> bool:
    """Return whether the environment says that this process has a GPU."""
    # The first GPU is number 0 where devices are listed, and no GPU where they are counted.
    counted = ("SLURM_GPUS", "SLURM_GPUS_ON_NODE")
    values = {name: os.environ.get(name, "") for name in _GPU_VARIABLES}
    return any(value not in _NO_GPU or (value == "0" and name not in counted) for name, value in values.items())


def node_name() -> str:
    """Return the name of this machine as SLURM calls it."""
    return os.environ.get("SLURMD_NODENAME") or platform.node()


def usable_cpus() -> int:
    """Return how many CPUs this process may use, by its allocation and by the system."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, allocated_cpus() or allowed)


def allocated_cpus() -> int | None:
    """Return the CPUs of this process' SLURM task, None if SLURM does not say."""
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        value = os.environ.get(name, "")
        if has_job() and value.isdecimal() and int(value):
            return int(value)
    return None


def describe_place() -> list[str]:
    """Return lines for the log: the host and, in a SLURM job, its number, partition, node, CPUs and GPUs."""
    lines = [f"host: {platform.node()}, {os.cpu_count()} CPUs, {usable_cpus()} of them for this process"]
    if not has_job():
        return lines
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    task = f" (task {os.environ.get('SLURM_ARRAY_TASK_ID', '?')} of array {array})" if array else ""
    lines.append(f"SLURM job: {os.environ['SLURM_JOB_ID']}{task}")
    lines.append(f"SLURM partition: {os.environ.get('SLURM_JOB_PARTITION', 'unknown')}")
    lines.append(f"SLURM node: {node_name()}")
    lines.append(f"SLURM CPUs: {allocated_cpus() or 'unknown'}")
    lines.append(f"CUDA_VISIBLE_DEVICES: {os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}")
    return lines


def too_few_cpus(threads: int) -> str | None:
    """Return one line if there are fewer CPUs than threads that compute, else None."""
    if usable_cpus() >= threads:
        return None
    return (
        f"{usable_cpus()} CPUs for {threads} threads (training.threads x training.processes): same results, but slower "
        f"than with {threads} CPUs or fewer threads"
    )
