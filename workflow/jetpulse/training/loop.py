"""The training loop: any network, any objective, early stopping, exact resumption.

All randomness of an epoch comes from ``[seed, stream, epoch]``, and a checkpoint within an epoch holds the state of
torch's generators, so a training that was interrupted and goes on from its checkpoint ends with the same bytes as one
that was not.
"""

import copy
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from jetpulse import seeds
from jetpulse.config import Training
from jetpulse.errors import DivergedError
from jetpulse.training.checkpoints import Progress, restore_random
from jetpulse.training.inputs import Inputs
from jetpulse.training.interruptions import noted_signals
from jetpulse.training.keeping import Keeper
from jetpulse.training.objectives import Objective
from jetpulse.training.processes import ALONE, Group
from jetpulse.training.steps import Stepper, initialise

# Networks that look at pairs of constituents need gigabytes for a thousand jets.
EVALUATION_BATCH = 250
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
    *,
    checkpoint_seconds: float | None = None,
    group: Group = ALONE,
) -> Trained:
    """Train until the validation loss has not improved for ``patience`` epochs, or to the end.

    Args:
        build: makes the untrained network; called once, after seeding.
        objective: loss and metrics of the task.
        training: settings.
        seed: base seed of initialisation, order and dropout.
        train: entries to learn from, or a function that makes those of an epoch.
        val: entries that decide when to stop; without them, or without patience, the last weights are kept.
        checkpoint: written after epochs, within long ones and on a signal; resumed from when it exists. Who has stored
            the result may remove it.
        report: called with every row of the history.
        checkpoint_seconds: time between checkpoints, `CHECKPOINT_SECONDS` by default.
        group: the processes that train together, all of which have to call this.

    Raises:
        DivergedError: the loss is not finite.
        UserError: the device's memory is exhausted.
        StoppedError: a signal asked to end; the state is in ``checkpoint``.
    """
    first = train if isinstance(train, Inputs) else train(0)
    torch.manual_seed(seeds.integer_seed(seed, "weights"))
    network = build()
    initialise(network, training.initialisation)
    network = prepare(network, first.device)
    stepper = Stepper(network, objective, training, len(first), group)
    seconds = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
    with noted_signals(checkpoint is not None) as signals:
        keeper = Keeper(checkpoint, stepper, seconds, signals)
        progress = keeper.resume()
        for row in progress.history:
            report(row)
        while len(progress.history) < stepper.epochs and not _has_settled(progress, training.patience):
            epoch = len(progress.history)
            inputs = first if epoch == 0 or isinstance(train, Inputs) else train(epoch)
            with keeper.explained(epoch + 1):
                row = _one_epoch(stepper, inputs, val, seed, progress, keeper)
            _count(row, progress, stepper, val)
            keeper.after_epoch(progress)
            report(row)
    best = {name: tensor.cpu().contiguous() for name, tensor in progress.best.items()}
    return Trained(best, progress.history, progress.best_epoch)


def prepare(network: nn.Module, device: torch.device) -> nn.Module:
    """Bring a network to the device: channels-last is what convolves fastest, dense layers do not notice."""
    return network.to(device, memory_format=torch.channels_last)


def _has_settled(progress: Progress, patience: int | None) -> bool:
    return patience is not None and len(progress.history) - progress.best_epoch >= patience


def _one_epoch(
    stepper: Stepper, inputs: Inputs, val: Inputs | None, seed: int, progress: Progress, keeper: Keeper
) -> Row:
    """Go once over the entries in a new order, or over what is left of them, and evaluate; return the epoch's row."""
    epoch = len(progress.history)
    make_steps(stepper, inputs, seed, progress, keeper)
    sums = stepper.group.add(progress.sums)
    row = {"epoch": epoch + 1}
    row |= {f"train_{name}": value for name, value in _means(stepper.objective, sums, progress.seen).items()}
    if val is not None:
        means = evaluate_network(
            stepper.averaged,
            stepper.objective,
            val,
            seed,
            stepper.training.precision,
            group=stepper.group,
            pause=lambda: keeper.while_evaluating(progress),
        )
        row |= {f"val_{name}": value for name, value in means.items()}
    _check_finite(row, keeper)
    return row


def make_steps(stepper: Stepper, inputs: Inputs, seed: int, progress: Progress, keeper: Keeper) -> None:
    """Make the steps of an epoch that are left, and count them in ``progress``.

    Raises:
        StoppedError: a signal asked to end.
    """
    epoch, group = len(progress.history), stepper.group
    order = torch.from_numpy(seeds.generator(seed, "shuffle", epoch).permutation(len(inputs)))
    first = epoch * stepper.steps_per_epoch
    chunks = order.split(stepper.training.batch)[progress.steps : stepper.steps - first]
    if progress.steps:
        restore_random(progress.random, inputs.device)
    else:
        torch.manual_seed(seeds.integer_seed(seed, "dropout", epoch))
        progress.sums = torch.zeros(1 + len(stepper.objective.metrics), dtype=torch.float64, device=inputs.device)
    stepper.network.train()
    # Closed at once when a signal or an error ends the epoch, since a thread may be reading ahead.
    with closing(inputs.batches([group.part(chunk) for chunk in chunks])) as batches:
        for chunk, batch in zip(chunks, batches, strict=True):
            number = first + progress.steps
            if group.size > 1:  # numbers of its own for each process and step, so that a checkpoint fits all processes
                torch.manual_seed(seeds.integer_seed(seed, "dropout", number * group.size + group.rank))
            progress.sums += stepper.step(batch, number, len(chunk))
            progress.steps += 1
            progress.seen += len(chunk)
            keeper.after_step(progress)


def _count(row: Row, progress: Progress, stepper: Stepper, val: Inputs | None) -> None:
    """Add an epoch's row to the progress, with its weights if they are the best so far."""
    progress.history.append(row)
    progress.steps, progress.seen, progress.sums = 0, 0, None
    best = progress.best_epoch
    if val is None or stepper.training.patience is None or best == 0 or _improved(row, progress.history[best - 1]):
        progress.best_epoch, progress.best = row["epoch"], copy.deepcopy(stepper.averaged.state_dict())


def _improved(row: Row, best: Row) -> bool:
    return row["val_loss"] < best["val_loss"]


@torch.inference_mode()
def evaluate_network(
    network: nn.Module,
    objective: Objective,
    inputs: Inputs,
    seed: int = 0,
    precision: str = "float32",
    *,
    group: Group = ALONE,
    pause: Callable[[], None] = lambda: None,
) -> Row:
    """Return mean loss and metrics of a network on a split; an objective's random numbers are those of ``seed``.

    The processes of ``group`` take batches in turn; ``pause`` is called after each.
    """
    network.eval()
    torch.manual_seed(seeds.integer_seed(seed, "validation", group.rank))
    total = torch.zeros(1 + len(objective.metrics), dtype=torch.float64, device=inputs.device)
    chunks = torch.arange(len(inputs)).split(EVALUATION_BATCH)
    with closing(inputs.batches(chunks[group.rank :: group.size])) as batches:
        for batch in batches:
            for _, part in batch.by_length():
                with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                    total += objective.evaluate(network, part)
            pause()
    return _means(objective, group.add(total), len(inputs))


@torch.inference_mode()
def predict_network(network: nn.Module, objective: Objective, inputs: Inputs, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return the objective's predictions for a whole split, on the CPU; what it draws are numbers of ``seed``."""
    network.eval()
    torch.manual_seed(seeds.integer_seed(seed, "prior"))
    parts = []
    with closing(inputs.batches(torch.arange(len(inputs)).split(EVALUATION_BATCH))) as batches:
        for batch in batches:
            places, pieces = zip(*batch.by_length(), strict=True)
            back = torch.argsort(torch.cat(places)).to(inputs.device)
            predicted = [objective.predict(network, piece) for piece in pieces]
            parts.append({name: torch.cat([one[name] for one in predicted])[back] for name in predicted[0]})
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def _means(objective: Objective, total: torch.Tensor, n: int) -> Row:
    return dict(zip(("loss", *objective.metrics), (total / n).tolist(), strict=True))


def _check_finite(row: Row, keeper: Keeper) -> None:
    for name, value in row.items():
        if not math.isfinite(value):
            raise DivergedError(
                f"epoch {row['epoch']}: {name} is {value}; lower training.learning_rate or check the inputs "
                f"({keeper.kept()})"
            )
    keeper.check_weights(row["epoch"])
