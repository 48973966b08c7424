"""Checkpoints: everything a training needs to go on, in one safetensors file, replaced atomically.

Optimiser state and progress are kept beside the weights. Every epoch draws its random numbers from
``[seed, stream, epoch]``, so only within one is the state of torch's generators needed. No pickle is involved.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from jetpulse.contents import hash_file
from jetpulse.errors import UserError, first_line
from jetpulse.samples import publish
from jetpulse.samples.locks import held, sweep


@dataclass
class Progress:
    """How far a training has come: the rows of whole epochs, the best of them, and its epoch so far.

    ``steps`` of the epoch under way are done and showed ``seen`` entries; ``sums`` are those of their loss and metrics,
    float64 (1 + m,). ``random`` is the state of torch's generators by device, uint8, of a checkpoint within an epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    steps: int = 0
    seen: int = 0
    sums: torch.Tensor | None = None
    random: dict[str, torch.Tensor] = field(default_factory=dict)


def checkpoint_key(files: Sequence[Path | None], parts: Sequence[Any], code: str, device: torch.device) -> str:
    """Return a hash of everything that decides a training: inputs, settings as JSON can hold them, code, device.

    Raises:
        UserError: a file that cannot be read.
    """
    key = hashlib.sha256()
    for file in files:
        if file is not None:
            key.update(bytes.fromhex(hash_file(file)))
    key.update(json.dumps([*parts, code, device.type, str(torch.__version__)], sort_keys=True).encode())
    return key.hexdigest()[:24]


def save_checkpoint(
    path: Path, networks: dict[str, nn.Module], optimisers: dict[str, torch.optim.Optimizer], progress: Progress
) -> None:
    """Write the weights of networks, the optimisers' state, the progress and the state of torch's generators."""
    tensors = {f"best/{name}": tensor for name, tensor in progress.best.items()}
    for kind, network in networks.items():
        tensors |= {f"{kind}/{name}": tensor for name, tensor in network.state_dict().items()}
    scalars: dict[str, Any] = {}
    for turn, optimiser in optimisers.items():
        for index, values in optimiser.state_dict()["state"].items():
            for name, value in values.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimiser/{turn}/{index}/{name}"] = value
                else:
                    scalars[f"{turn}/{index}/{name}"] = value
    if progress.steps:
        tensors["epoch/sums"] = progress.sums
        tensors["random/cpu"] = torch.get_rng_state()
        if progress.sums.device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(progress.sums.device)
    numbers = {name: getattr(progress, name) for name in ("history", "best_epoch", "steps", "seen")}
    metadata = {"progress": json.dumps(numbers), "scalars": json.dumps(scalars)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(tensors, metadata | {"sha256": _digest(tensors, metadata)})
    with publish(path) as temporary:
        # `save_file` writes to a file of its own first, whose name nobody knows when the process is killed.
        temporary.write_bytes(content)


def _unpack(content: bytes) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Return the metadata and the tensors, on the CPU, of a safetensors file that was read in one go.

    A file that is opened for each of them can be replaced in between.

    Raises:
        SafetensorError: damaged.
        ValueError: the contents are not those that were written.
    """
    tensors = load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.get("__metadata__", {})
    if metadata.pop("sha256", None) != _digest(tensors, metadata):
        raise ValueError("its contents have changed")
    return metadata, tensors


def _digest(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> str:
    """Return a hash of tensors, in memory, and of what is written beside them."""
    found = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()


def load_checkpoint(
    path: Path, networks: dict[str, nn.Module], optimisers: dict[str, torch.optim.Optimizer]
) -> Progress:
    """Restore ``networks`` and ``optimisers`` in place; return the progress, its tensors on the CPU.

    Raises:
        UserError: the file is damaged.
    """
    try:
        metadata, tensors = _unpack(path.read_bytes())
        for kind, network in networks.items():
            network.load_state_dict(_below(tensors, kind))
        for turn, optimiser in optimisers.items():
            stored = _below(tensors, f"optimiser/{turn}") | _below(json.loads(metadata["scalars"]), turn)
            state: dict[int, dict[str, Any]] = {}
            for key, value in stored.items():
                index, name = key.split("/")
                state.setdefault(int(index), {})[name] = value
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
            _lay_out(optimiser)
        progress = Progress(**json.loads(metadata["progress"]), best=_below(tensors, "best"))
        if progress.steps:
            progress.sums, progress.random = tensors["epoch/sums"], _below(tensors, "random")
        return progress
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: damaged checkpoint ({first_line(error)}); delete it to train from the start"
        ) from error


@torch.no_grad()
def _lay_out(optimiser: torch.optim.Optimizer) -> None:
    """Lay an optimiser's tensors out in memory as its parameters are: files hold rows, channels-last does not."""
    for parameter, values in optimiser.state.items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def restore_random(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Set torch's generators to the states of a checkpoint within an epoch."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


@contextmanager
def locked_checkpoint(path: Path, log: Callable[[str], None] = lambda line: None) -> Iterator[None]:
    """Keep a checkpoint to this training while the body runs: two that mix end with weights of neither.

    Raises:
        UserError: another training has it.
    """
    with held(path.with_name(f".{path.name}.lock"), f"checkpoint {path}", log):
        yield


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint, and what a training that was killed while it wrote has left of one."""
    path.unlink(missing_ok=True)
    sweep(path)


def _below(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }
