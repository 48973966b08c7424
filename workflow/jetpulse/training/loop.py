"""The training loop: any network, any objective, early stopping, exact resumption.

All randomness of an epoch comes from ``[seed, stream, epoch]``, so a training that was interrupted and goes on
from its checkpoint ends with the same bytes as one that was not.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jetpulse import seeds
from jetpulse.config import Training
from jetpulse.errors import UserError
from jetpulse.training.checkpoints import load_checkpoint, save_checkpoint
from jetpulse.training.inputs import Inputs
from jetpulse.training.objectives import Objective

EVALUATION_BATCH = 1000
_OPTIMISERS = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
Row = dict[str, float]


@dataclass(frozen=True)
class Trained:
    """The best weights, the history (one row per epoch) and the epoch (from 1) that the weights come from."""

    weights: dict[str, torch.Tensor]
    history: list[Row]
    best_epoch: int


def train_network(
    build: Callable[[], nn.Module],
    objective: Objective,
    training: Training,
    seed: int,
    train: Inputs,
    val: Inputs,
    checkpoint: Path | None = None,
    report: Callable[[Row], None] = lambda row: None,
) -> Trained:
    """Train until the validation loss has not improved for ``patience`` epochs, or for ``epochs``.

    Args:
        build: makes the untrained network; called once, after seeding.
        objective: loss and metrics of the task.
        training: settings.
        seed: base seed of initialisation, order and dropout.
        train: entries to learn from.
        val: entries that decide when to stop.
        checkpoint: written after every epoch, resumed from when it exists, removed at the end.
        report: called with every row of the history.

    Raises:
        UserError: the loss is not finite.
    """
    device = train.label.device
    torch.manual_seed(seeds.integer_seed(seed, "weights"))
    network = build()
    initialise(network, training.initialisation)
    # Channels-last is what CPUs and GPUs convolve fastest; dense layers do not notice.
    network = network.to(device, memory_format=torch.channels_last)
    optimiser = _optimiser(network, training)
    best, history, best_epoch, start = {}, [], 0, 0
    if checkpoint is not None and checkpoint.exists():
        best, progress = load_checkpoint(checkpoint, network, optimiser)
        history, best_epoch = progress["history"], progress["best_epoch"]
        start = len(history)
        for row in history:
            report(row)
    for epoch in range(start, training.epochs):
        if _is_over(training, len(history), best_epoch):
            break
        row = {"epoch": epoch + 1}
        row |= {
            f"train_{name}": value
            for name, value in _one_epoch(network, objective, optimiser, train, training, seed, epoch).items()
        }
        row |= {f"val_{name}": value for name, value in evaluate_network(network, objective, val).items()}
        _check_finite(row)
        history.append(row)
        if best_epoch == 0 or row["val_loss"] < history[best_epoch - 1]["val_loss"]:
            best_epoch, best = epoch + 1, copy.deepcopy(network.state_dict())
        if checkpoint is not None:
            save_checkpoint(checkpoint, network, best, optimiser, {"history": history, "best_epoch": best_epoch})
        report(row)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return Trained({name: tensor.cpu().contiguous() for name, tensor in best.items()}, history, best_epoch)


def _is_over(training: Training, epochs: int, best_epoch: int) -> bool:
    return training.patience is not None and epochs - best_epoch >= training.patience


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


def _optimiser(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimiser in ("sgd", "rmsprop"):
        settings["momentum"] = training.momentum
    return _OPTIMISERS[training.optimiser](network.parameters(), **settings)


def _one_epoch(
    network: nn.Module,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    train: Inputs,
    training: Training,
    seed: int,
    epoch: int,
) -> Row:
    """Go once over the training split in a new order; return loss and metrics averaged on the way."""
    torch.manual_seed(seeds.integer_seed(seed, "dropout", epoch))
    order = torch.from_numpy(seeds.generator(seed, "shuffle", epoch).permutation(len(train))).to(train.label.device)
    network.train()
    total = torch.zeros(1 + len(objective.metrics), dtype=torch.float64, device=order.device)
    for index in order.split(training.batch):
        label = train.label[index]
        outputs = network(train.features.batch(index))
        loss = objective.loss(outputs, label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += _sums(objective, loss, outputs, label)
    return _means(objective, total, len(train))


@torch.inference_mode()
def evaluate_network(network: nn.Module, objective: Objective, inputs: Inputs) -> Row:
    """Return mean loss and metrics of a network on a split."""
    network.eval()
    device = inputs.label.device
    total = torch.zeros(1 + len(objective.metrics), dtype=torch.float64, device=device)
    for index in torch.arange(len(inputs), device=device).split(EVALUATION_BATCH):
        label = inputs.label[index]
        outputs = network(inputs.features.batch(index))
        total += _sums(objective, objective.loss(outputs, label), outputs, label)
    return _means(objective, total, len(inputs))


@torch.inference_mode()
def predict_network(network: nn.Module, objective: Objective, inputs: Inputs) -> dict[str, torch.Tensor]:
    """Return the objective's predictions for a whole split, on the CPU."""
    network.eval()
    parts = []
    for index in torch.arange(len(inputs), device=inputs.label.device).split(EVALUATION_BATCH):
        parts.append(objective.predict(network(inputs.features.batch(index))))
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def _sums(objective: Objective, loss: torch.Tensor, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return torch.cat([loss.detach().double()[None] * len(label), objective.measure(outputs.detach(), label)])


def _means(objective: Objective, total: torch.Tensor, n: int) -> Row:
    return dict(zip(("loss", *objective.metrics), (total / n).tolist(), strict=True))


def _check_finite(row: Row) -> None:
    for name, value in row.items():
        if not math.isfinite(value):
            raise UserError(
                f"epoch {row['epoch']}: {name} is {value}; lower training.learning_rate or check the inputs"
            )
