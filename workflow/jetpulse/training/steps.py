"""One step of training: optimisers, learning rate, gradient clipping, running mean of the weights."""

import copy
import math
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from jetpulse.config import Training
from jetpulse.training.objectives import Batch, Objective

_OPTIMISERS = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def initialise(network: nn.Module, scheme: str) -> None:
    """Draw weights as ``glorot`` or ``he`` (uniform) with zero biases; ``torch`` leaves the layers' own.

    Glorot, Bengio (proceedings.mlr.press/v9/glorot10a); He et al. (doi:10.1109/ICCV.2015.123).
    """
    if scheme == "torch":
        return
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
            (nn.init.xavier_uniform_ if scheme == "glorot" else nn.init.kaiming_uniform_)(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def learning_rate(training: Training, step: int, steps: int) -> float:
    """Return the learning rate of a step (from 0) of ``steps``."""
    rate = training.learning_rate * min(1.0, (step + 1) / (training.warmup + 1))
    if training.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * step / steps))
    return rate


class Stepper:
    """A network with everything that a step of its training changes."""

    def __init__(self, network: nn.Module, objective: Objective, training: Training, entries: int) -> None:
        """Prepare ``network`` for epochs of ``entries``."""
        self.network, self.objective, self.training = network, objective, training
        self.steps_per_epoch = -(-entries // training.batch)
        self.epochs = -(-training.steps // self.steps_per_epoch) if training.steps else training.epochs
        self.steps = training.steps or training.epochs * self.steps_per_epoch
        self.parts = {turn: network.get_submodule(turn) for turn in objective.turns}
        self.optimisers = {turn: _optimiser(part, training) for turn, part in self.parts.items()}
        self.averaged = copy.deepcopy(network) if training.average else network

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks that a checkpoint has to hold, by name."""
        return {"network": self.network} | ({"averaged": self.averaged} if self.training.average else {})

    def step(self, batch: Batch, number: int) -> torch.Tensor:
        """Make step ``number`` (from 0), every turn once; return the sums of the last turn's loss and metrics."""
        rate = learning_rate(self.training, number, self.steps)
        batch = replace(batch, progress=number / self.steps)
        bfloat16 = self.training.precision == "bfloat16"
        for turn, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = rate
            if len(self.parts) > 1:  # gradients of what does not move in this turn need not be computed
                self.network.requires_grad_(False)
                self.parts[turn].requires_grad_(True)
            with torch.autocast(batch.features.device.type, torch.bfloat16, enabled=bfloat16):
                loss, sums = self.objective.loss(self.network, batch, turn)
            self.network.zero_grad()
            loss.backward()
            if self.training.clip is not None:
                nn.utils.clip_grad_norm_(self.parts[turn].parameters(), self.training.clip)
            optimiser.step()
        if self.training.average:
            self._average(number)
        return sums

    @torch.no_grad()
    def _average(self, number: int) -> None:
        """Move the running mean of the weights; it forgets the first steps sooner than `average` alone would."""
        keep = min(self.training.average, (1 + number) / (10 + number))
        for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)
        for mean, value in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            mean.copy_(value)


def _optimiser(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimiser in ("sgd", "rmsprop"):
        settings["momentum"] = training.momentum
    if training.optimiser in ("adam", "adamw"):
        settings["betas"] = tuple(training.betas)
    return _OPTIMISERS[training.optimiser](network.parameters(), **settings)
