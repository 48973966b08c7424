"""The files that a training writes: model.safetensors with model.json and history.csv."""

import csv
import io
import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from jetpulse import __version__
from jetpulse.codelibraries import installed
from jetpulse.config import Experiment, Training
from jetpulse.config.networks import fits_itself
from jetpulse.config.training import PLACEMENT, Fresh
from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters, try_network
from jetpulse.samples import dump_json, publish, split_sizes
from jetpulse.training.checkpoints import checkpoint_key, locked_checkpoint, remove_checkpoint
from jetpulse.training.descriptions import sealed
from jetpulse.training.devices import open_device
from jetpulse.training.inputs import Inputs, make_inputs, read_split
from jetpulse.training.interruptions import noted_signals
from jetpulse.training.loop import Row, Trained, train_network
from jetpulse.training.normalisation import (
    Normalisation,
    fit_normalisation,
    with_target,
)
from jetpulse.training.objectives import Batch, Objective, load_objective
from jetpulse.training.processes import joined, leads, place
from jetpulse.training.streaming import choose_place, stored_bytes


def write_model(
    inputs: Path,
    model: Path,
    spec: Experiment,
    seed: int,
    *,
    constituents: Path | None = None,
    checkpoints: Path | None = None,
    code: str = "",
    log: Callable[[str], None] = lambda line: None,
    report: Callable[[Row], None] = lambda row: None,
    checkpoint_seconds: float | None = None,
) -> None:
    """Train a network and write ``model`` (safetensors), with model.json and history.csv beside it.

    Args:
        inputs: a representation's file.
        model: path that ends in .safetensors.
        spec: the experiment.
        seed: base seed of this training.
        constituents: the samples of which ``inputs``, if images, were made, for `training.augment`.
        checkpoints: folder for the state of unfinished trainings; one is resumed only if nothing has changed.
        code: hash of the code that trains; part of what must not have changed.
        log: called with lines for the log.
        report: called with every epoch's row.
        checkpoint_seconds: time between checkpoints, six times as much within an epoch (None: the loop's own).

    Raises:
        UserError: unusable inputs, a missing GPU, memory that is exhausted, or a loss that is not finite.
        StoppedError: a signal asked to end; the state is in ``checkpoints``.
    """
    if model.suffix != ".safetensors":
        raise UserError(f"{model}: a model's file name must end in .safetensors")
    training = spec.training
    where = open_device(training, place(), log)
    objective = load_objective(spec.task)
    prepared = _prepare(inputs, constituents, spec, objective, where, seed)
    log(f"{inputs}: {prepared.describe(spec.training.fresh)}")
    arguments = spec.model.arguments()
    shape, outputs = prepared.train.features.shape, objective.outputs or int(prepared.train.attributes["outputs"])
    build = partial(build_network, spec.model.name, shape, outputs, arguments)
    prepared.check(build, objective, inputs)
    expected = objective.expected(outputs)
    if expected is not None and not fits_itself(spec.model.name):
        one = prepared.train.features.batch(torch.arange(1, device=where))
        try_network(spec.model.name, build().to(where).eval(), one, expected)
    checkpoint = None
    if checkpoints is not None:
        settings = spec.training.model_dump(exclude=set(PLACEMENT))
        parts = (spec.model.name, arguments, spec.task, settings, seed)
        key = checkpoint_key((inputs, constituents), parts, code, where)
        checkpoint = checkpoints / f"{key}.safetensors"
    train: Inputs | Callable[[int], Inputs] = prepared.train
    if spec.training.fresh:
        fresh = import_module("jetpulse.training.fresh")  # part of the training's code for those alone that use it
        train = partial(_fresh, fresh.fresh_inputs, prepared, spec.training, objective, seed)
    elif training.augment:
        train = partial(import_module("jetpulse.training.augmentation").of_epoch, prepared.train)
    # The processes that do not lead wait for the one that does.
    with locked_checkpoint(checkpoint, log) if checkpoint is not None and leads() else nullcontext():
        if checkpoint is not None and checkpoint.exists():
            log(f"resuming from {checkpoint}")
        with joined(training.processes, where) as group, _reported(model, training, report) as reported:
            if fits_itself(spec.model.name):
                fitting = import_module("jetpulse.training.fitting")  # loaded by name for the same reason
                trained = fitting.fit_network(build, objective, training, seed, prepared.train, prepared.val, reported)
            else:
                trained = train_network(
                    *(build, objective, training, seed, train, prepared.val, checkpoint, reported),
                    checkpoint_seconds=checkpoint_seconds,
                    group=group,
                )
        if not group.leads:
            return
        network = build()
        network.load_state_dict(trained.weights)  # trees are counted as they have become
        if prepared.normalisation is not None:
            trained.weights.update(prepared.normalisation.tensors())
        description = {
            "model": spec.model.name,
            "arguments": arguments,
            "shape": list(shape),
            "outputs": outputs,
            "parameters": count_parameters(network),
            "task": spec.task,
            "seed": seed,
            "best_epoch": trained.best_epoch,
            "epochs": len(trained.history),
            "training_size": prepared.training_size(spec.training.fresh, len(trained.history)),
            "training": spec.training.model_dump(exclude=set(PLACEMENT)),
            **objective.names(prepared.train.attributes),
            "representation": prepared.train.representation(),
            "dataset": json.loads(prepared.train.attributes["dataset"]),
            "versions": _versions(network),
        }
        # A signal comes too late here: what is left takes less time than another job.
        with noted_signals():
            _publish_model(model, trained, description)
            if checkpoint is not None:
                remove_checkpoint(checkpoint)


def _versions(network: nn.Module) -> dict[str, str]:
    """Return the versions of what made a model; a network says which libraries it learns with beside torch."""
    found = {"jetpulse": __version__, "python": platform.python_version(), "torch": str(torch.__version__)}
    return found | dict(installed(library) for library in getattr(network, "libraries", ()))


@contextmanager
def _reported(model: Path, training: Training, report: Callable[[Row], None]) -> Iterator[Callable[[Row], None]]:
    """Yield what is called with every row of the history: ``report``, and what writes it for TensorBoard if wanted."""
    if not training.tensorboard or not leads():
        yield report
        return
    events = import_module("jetpulse.training.events")  # no result depends on it
    with events.written_events(model.with_name("tensorboard")) as write:

        def both(row: Row) -> None:
            write(row)
            report(row)

        yield both


@dataclass(frozen=True)
class _Prepared:
    """What a training starts from."""

    train: Inputs
    val: Inputs | None
    normalisation: Normalisation | None

    def describe(self, fresh: Fresh | None) -> str:
        entries = f"{fresh.entries} new entries an epoch" if fresh else f"{len(self.train)} entries"
        return f"{entries} to train on, {len(self.val) if self.val else 'none'} to validate"

    def training_size(self, fresh: Fresh | None, epochs: int) -> int:
        """Return how many different entries so many epochs have learned from."""
        return fresh.entries * epochs if fresh else len(self.train)

    def check(self, build: Callable[[], nn.Module], objective: Objective, path: Path) -> None:
        """Refuse entries that the network cannot learn from."""
        for name, inputs in {"train": self.train, "val": self.val}.items():
            if inputs is not None:
                network = build().to(inputs.device).eval()
                # The features of one entry: those of all can be too large to be made dense at once.
                one = inputs.features.batch(torch.arange(1, device=inputs.device))
                wrong = objective.check(network, Batch(one, inputs.targets))
                if wrong:
                    raise UserError(f"{path}: split {name!r}: {wrong}")


def _prepare(
    path: Path, constituents: Path | None, spec: Experiment, objective: Objective, device: torch.device, seed: int
) -> _Prepared:
    """Read the splits that a training needs, and fit the normalisation on the training split."""
    training = spec.training
    if constituents is not None and training.augment is None:
        raise UserError(f"{constituents}: constituents are read for training.augment alone; give it or leave them out")
    needed = stored_bytes(path, "train", "val") + (stored_bytes(constituents, "train") if constituents else 0)
    where = choose_place(training.resident, device, needed * training.processes)
    normalisation = None
    if training.augment:
        augmentation = import_module("jetpulse.training.augmentation")
        train = augmentation.read_augmented(path, constituents, training, objective, device, seed, where)
    else:
        block, attributes = read_split(path, "train", training.max_train, where, seed)
        if "features" in attributes:
            values = block.entries[attributes["features"]]
            normalisation = fit_normalisation(training.normalise, values, training.components, str(path))
        if objective.answers and "target" in block.entries:
            normalisation = with_target(normalisation, block.entries["target"], str(path))
        train = make_inputs(block, attributes, objective, device, normalisation, where)
    val = None
    if training.patience is not None or split_sizes(path).get("val"):
        val = make_inputs(*read_split(path, "val", place=where), objective, device, normalisation, where)
    return _Prepared(train, val, normalisation)


def _fresh(
    make: Callable[..., Inputs], prepared: _Prepared, training: Training, objective: Objective, seed: int, epoch: int
) -> Inputs:
    return make(prepared.train, training.fresh, objective, seed, epoch, prepared.normalisation)


def _publish_model(model: Path, trained: Trained, description: dict[str, Any]) -> None:
    """Write the three files, the weights first removed and last written: weights that exist are described."""
    rows = io.StringIO()
    writer = csv.DictWriter(rows, list(trained.history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(trained.history)
    history, weights = rows.getvalue().encode(), save(trained.weights, {"format": "pt"})
    with publish(model.with_name("history.csv")) as temporary:
        model.unlink(missing_ok=True)
        temporary.write_bytes(history)
    dump_json(model.with_name("model.json"), sealed(description, weights=weights, history=history))
    with publish(model) as temporary:
        # `save_file` would make a file that its owner alone may read.
        temporary.write_bytes(weights)
