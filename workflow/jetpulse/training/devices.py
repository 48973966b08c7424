"""Where tensors live, what is needed for the same numbers twice, and what the log says of both."""

import ctypes
import os
import re
from collections.abc import Callable
from pathlib import Path

import torch

from jetpulse.config import Training
from jetpulse.errors import UserError
from jetpulse.training.allocation import describe_place, has_job, has_promised_gpu, node_name, too_few_cpus

_DRIVER = Path("/proc/driver/nvidia/version")
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # names in glibc's malloc.h: M_TRIM_THRESHOLD, M_MMAP_MAX


def open_device(training: Training, place: int, log: Callable[[str], None]) -> torch.device:
    """Return the device of a training's process numbered ``place``; say where it runs and on what.

    Raises:
        UserError: a GPU is asked for and none is there, or fewer than processes.
    """
    for line in describe_place():
        log(line)
    device = choose_device(training.device, training.threads, "training.device", training.processes, place)
    log(f"device: {describe_device(device)}")
    few = too_few_cpus(training.threads * training.processes)
    if few:
        log(f"warning: {few}")
    if training.device == "auto" and device.type == "cpu":
        # No error: the CPU gives results as well, and who cannot do without a GPU says `cuda`.
        if has_promised_gpu():
            log(f"warning: a GPU was promised to this job, but {_unseen()}; training on the CPU")
        elif torch.cuda.is_available():
            log("warning: SLURM gave no GPU to this job; the one that torch sees is left to others")
    return device


def choose_device(
    name: str, threads: int, asked_by: str = "--device", processes: int = 1, place: int = 0
) -> torch.device:
    """Return the device called ``auto``, ``cpu`` or ``cuda`` and fix everything that could change results.

    In a SLURM job that was given no GPU, ``auto`` is the CPU: on clusters that hide no devices from jobs, a GPU that
    is seen there may be another job's.

    Args:
        name: what is asked for.
        threads: torch's CPU threads.
        asked_by: key or option that asks, for the message.
        processes: processes that train together on this machine, each on a GPU of its own.
        place: number of this one among them.

    Raises:
        UserError: a GPU is asked for and none is there, or fewer than processes.
    """
    # cuBLAS reads this when it starts; without it some of its sums depend on timing.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # As `use_deterministic_algorithms`, which also loads torch's compiler: a second for every job.
    torch.set_deterministic_debug_mode("warn")
    # It would fill all new memory with NaN, so that what nobody has written shows; that takes a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    _keep_memory()
    # A measured choice of algorithms depends on timing, and shortened products (TF32) agree with no CPU.
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError(f"{asked_by}: cuda: {_unseen()}; {_remedy()}, or {asked_by} cpu")
    if name == "cpu" or not available or (name == "auto" and has_job() and not has_promised_gpu()):
        return torch.device("cpu")
    if processes == 1:
        return torch.device("cuda")
    if processes > torch.cuda.device_count():
        raise UserError(
            f"training.processes: {processes} exceeds the {torch.cuda.device_count()} GPUs of this machine; lower it "
            f"or use {asked_by} cpu"
        )
    torch.cuda.set_device(place)
    return torch.device("cuda", place)


def _unseen() -> str:
    """Return what explains that torch sees no GPU."""
    visible = f"CUDA_VISIBLE_DEVICES: {os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}"
    facts = [visible, f"driver {_driver_version()}", "built " + (_built_for() or "for CPUs alone")]
    if has_job():
        facts.insert(0, f"node {node_name()}")
    return f"torch {torch.__version__} sees no GPU ({', '.join(facts)})"


def _remedy() -> str:
    """Return what may bring a GPU to torch."""
    if has_job() and not has_promised_gpu():
        return "SLURM gave this job none: ask for one by --gpus=1 or --gres=gpu:1"
    if _built_for() is None:
        return "install a torch that is built with CUDA"
    return "see what `nvidia-smi` says there" if has_job() else "use a machine with one"


def _built_for() -> str | None:
    """Return what torch can use beside CPUs."""
    if torch.version.cuda:
        return f"with CUDA {torch.version.cuda}"
    return "with ROCm" if torch.version.hip else None


def _keep_memory() -> None:
    """Make the C library keep what tensors give back, for the next ones.

    glibc asks the system for every tensor above 32 MB and gives it back after use, so that the system fills it with
    zeros again for every operation: up to two thirds of a step's time. Other C libraries have no such settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, -1)  # never
        mallopt(_MMAP_MAX, 0)


def describe_device(device: torch.device) -> str:
    """Return one line on the device for the log."""
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory / 2**30
        versions = f"driver {_driver_version()}, CUDA {torch.version.cuda}, torch {torch.__version__}"
        return f"{torch.cuda.get_device_name(device)}, {memory:.0f} GiB, {versions}"
    return f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _driver_version() -> str:
    """Return the version of the NVIDIA driver as the kernel tells it."""
    try:
        found = re.search(r"Module(?: for \S+)?\s+(\d+(?:\.\d+)+)", _DRIVER.read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found.group(1) if found else "unknown"
