"""The training loop: any network, any objective, early stopping, exact resumption.

All randomness of an epoch comes from ``[seed, stream, epoch]``, so a training that was interrupted and goes on
from its checkpoint ends with the same bytes as one that was not.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from jetpulse import seeds
from jetpulse.config import Training
from jetpulse.errors import UserError
from jetpulse.training.checkpoints import load_checkpoint, save_checkpoint
from jetpulse.training.inputs import Inputs
from jetpulse.training.objectives import Objective
from jetpulse.training.steps import Stepper, initialise

EVALUATION_BATCH = 1000
# Seconds between checkpoints: epochs may last less time than writing one takes.
CHECKPOINT_SECONDS = 10.0
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
    train: Inputs | Callable[[int], Inputs],
    val: Inputs | None,
    checkpoint: Path | None = None,
    report: Callable[[Row], None] = lambda row: None,
) -> Trained:
    """Train until the validation loss has not improved for ``patience`` epochs, or to the end.

    Args:
        build: makes the untrained network; called once, after seeding.
        objective: loss and metrics of the task.
        training: settings.
        seed: base seed of initialisation, order and dropout.
        train: entries to learn from, or a function that makes those of an epoch.
        val: entries that decide when to stop; without them, or without patience, the last weights are kept.
        checkpoint: written after epochs, resumed from when it exists, removed at the end.
        report: called with every row of the history.

    Raises:
        UserError: the loss is not finite.
    """
    first = train if isinstance(train, Inputs) else train(0)
    torch.manual_seed(seeds.integer_seed(seed, "weights"))
    network = build()
    initialise(network, training.initialisation)
    # Channels-last is what CPUs and GPUs convolve fastest; dense layers do not notice.
    network = network.to(first.device, memory_format=torch.channels_last)
    stepper = Stepper(network, objective, training, len(first))
    best, history, best_epoch = {}, [], 0
    if checkpoint is not None and checkpoint.exists():
        best, progress = load_checkpoint(checkpoint, stepper.modules(), stepper.optimisers)
        history, best_epoch = progress["history"], progress["best_epoch"]
        for row in history:
            report(row)
    written = time.monotonic()
    for epoch in range(len(history), stepper.epochs):
        if training.patience is not None and len(history) - best_epoch >= training.patience:
            break
        inputs = first if epoch == 0 or isinstance(train, Inputs) else train(epoch)
        row = {"epoch": epoch + 1}
        row |= {f"train_{name}": value for name, value in _one_epoch(stepper, inputs, seed, epoch).items()}
        if val is not None:
            means = evaluate_network(stepper.averaged, objective, val, seed, training.precision)
            row |= {f"val_{name}": value for name, value in means.items()}
        _check_finite(row)
        history.append(row)
        if val is None or training.patience is None or best_epoch == 0 or _improved(row, history[best_epoch - 1]):
            best_epoch, best = epoch + 1, copy.deepcopy(stepper.averaged.state_dict())
        if checkpoint is not None and time.monotonic() - written >= CHECKPOINT_SECONDS:
            progress = {"history": history, "best_epoch": best_epoch}
            save_checkpoint(checkpoint, stepper.modules(), best, stepper.optimisers, progress)
            written = time.monotonic()
        report(row)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return Trained({name: tensor.cpu().contiguous() for name, tensor in best.items()}, history, best_epoch)


def _improved(row: Row, best: Row) -> bool:
    return row["val_loss"] < best["val_loss"]


def _one_epoch(stepper: Stepper, inputs: Inputs, seed: int, epoch: int) -> Row:
    """Go once over the entries in a new order; return loss and metrics averaged on the way."""
    torch.manual_seed(seeds.integer_seed(seed, "dropout", epoch))
    order = torch.from_numpy(seeds.generator(seed, "shuffle", epoch).permutation(len(inputs))).to(inputs.device)
    stepper.network.train()
    objective = stepper.objective
    total = torch.zeros(1 + len(objective.metrics), dtype=torch.float64, device=order.device)
    seen = 0
    for number, index in enumerate(order.split(stepper.training.batch), epoch * stepper.steps_per_epoch):
        if number >= stepper.steps:
            break
        total += stepper.step(inputs.batch(index), number)
        seen += len(index)
    return _means(objective, total, seen)


@torch.inference_mode()
def evaluate_network(
    network: nn.Module, objective: Objective, inputs: Inputs, seed: int = 0, precision: str = "float32"
) -> Row:
    """Return mean loss and metrics of a network on a split; an objective's random numbers are those of ``seed``."""
    network.eval()
    torch.manual_seed(seeds.integer_seed(seed, "validation"))
    total = torch.zeros(1 + len(objective.metrics), dtype=torch.float64, device=inputs.device)
    for index in torch.arange(len(inputs), device=inputs.device).split(EVALUATION_BATCH):
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            total += objective.evaluate(network, inputs.batch(index))
    return _means(objective, total, len(inputs))


@torch.inference_mode()
def predict_network(network: nn.Module, objective: Objective, inputs: Inputs, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return the objective's predictions for a whole split, on the CPU; what it draws are numbers of ``seed``."""
    network.eval()
    torch.manual_seed(seeds.integer_seed(seed, "prior"))
    parts = []
    for index in torch.arange(len(inputs), device=inputs.device).split(EVALUATION_BATCH):
        parts.append(objective.predict(network, inputs.batch(index)))
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def _means(objective: Objective, total: torch.Tensor, n: int) -> Row:
    return dict(zip(("loss", *objective.metrics), (total / n).tolist(), strict=True))


def _check_finite(row: Row) -> None:
    for name, value in row.items():
        if not math.isfinite(value):
            raise UserError(
                f"epoch {row['epoch']}: {name} is {value}; lower training.learning_rate or check the inputs"
            )
