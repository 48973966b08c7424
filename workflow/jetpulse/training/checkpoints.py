"""Checkpoints: everything a training needs to go on, in one safetensors file, replaced atomically.

Optimiser state and progress are kept beside the weights; random numbers need no state, because every epoch
draws its own from ``[seed, stream, epoch]``. No pickle is involved.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from jetpulse.errors import UserError
from jetpulse.samples import publish


def save_checkpoint(
    path: Path,
    networks: dict[str, nn.Module],
    best: dict[str, torch.Tensor],
    optimisers: dict[str, torch.optim.Optimizer],
    progress: dict[str, Any],
) -> None:
    """Write the weights of networks, the best weights, the optimisers' state and ``progress`` (JSON) to ``path``."""
    tensors = {f"best/{name}": tensor for name, tensor in best.items()}
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
    metadata = {"progress": json.dumps(progress), "scalars": json.dumps(scalars)}
    with publish(path) as temporary:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary, metadata)


def load_checkpoint(
    path: Path, networks: dict[str, nn.Module], optimisers: dict[str, torch.optim.Optimizer]
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Restore ``networks`` and ``optimisers`` in place; return the best weights and the progress.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata()
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a dict
        for kind, network in networks.items():
            network.load_state_dict(_below(tensors, kind))
        for turn, optimiser in optimisers.items():
            stored = _below(tensors, f"optimiser/{turn}") | _below(json.loads(metadata["scalars"]), turn)
            state: dict[int, dict[str, Any]] = {}
            for key, value in stored.items():
                index, name = key.split("/")
                state.setdefault(int(index), {})[name] = value
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        return _below(tensors, "best"), json.loads(metadata["progress"])
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: damaged checkpoint ({reason}); delete it to train from the start") from error


def _below(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }
