"""Where tensors live, and what is needed for the same numbers twice."""

import os

import torch

from jetpulse.errors import UserError


def choose_device(name: str, threads: int) -> torch.device:
    """Return the device called ``auto``, ``cpu`` or ``cuda`` and fix everything that could change results.

    Raises:
        UserError: a GPU is asked for and none is there.
    """
    # cuBLAS reads this when it starts; without it some of its sums depend on timing.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise UserError(
            f"--device cuda: torch {torch.__version__} sees no GPU (CUDA_VISIBLE_DEVICES: {visible}); use --device cpu"
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and available) else "cpu")


def describe_device(device: torch.device) -> str:
    """Return one line on the device for the log."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}, CUDA {torch.version.cuda}"
    return f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}"
