"""The optimisers that a training may name, all of them torch's."""

from typing import Any

import torch
from torch import nn

from jetpulse.config import Training

_CLASSES = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# Rows and columns from which on `muon` takes a matrix for itself. To make all directions of a step equally long helps
# where there are many; first and last layers, and those that look at pairs, have few.
_MANY = 32


def make_optimisers(network: nn.Module, training: Training) -> dict[str, torch.optim.Optimizer]:
    """Return the optimisers of a network's parameters: "" of all, or of all that none of the others moves."""
    if training.optimiser != "muon":
        return {"": _torch_optimiser(training.optimiser, list(network.parameters()), training)}
    matrices, others = [], []
    for parameter in network.parameters():
        (matrices if parameter.ndim == 2 and min(parameter.shape) >= _MANY else others).append(parameter)
    made = {"": _torch_optimiser("adamw", others, training)} if others else {}
    if matrices:
        # Scaled so that a step is as long as one of AdamW, and one learning rate does for both.
        settings = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
        made["matrices"] = torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **settings)
    return made


def _torch_optimiser(name: str, parameters: list[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    # One pass over all tensors; RMSprop has none and takes them step by step, but all at once.
    at_once = "foreach" if name == "rmsprop" else "fused"
    settings: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay, at_once: True}
    if name in ("sgd", "rmsprop"):
        settings["momentum"] = training.momentum
    if name == "adagrad":
        settings["initial_accumulator_value"] = training.initial_accumulator
    if name in ("adam", "adamw"):
        settings["betas"] = tuple(training.betas)
    return _CLASSES[name](parameters, **settings)
