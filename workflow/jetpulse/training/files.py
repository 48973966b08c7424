"""The training chain's files: model.safetensors with model.json and history.csv, and predictions.h5."""

import csv
import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from jetpulse import __version__
from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters
from jetpulse.samples import Block, Writer, dump_json, load_json, publish
from jetpulse.training.devices import choose_device, describe_device
from jetpulse.training.inputs import load_inputs
from jetpulse.training.loop import Row, Trained, predict_network, train_network
from jetpulse.training.objectives import OBJECTIVES


def write_model(
    inputs: Path,
    model: Path,
    spec: Experiment,
    seed: int,
    *,
    checkpoints: Path | None = None,
    code: str = "",
    log: Callable[[str], None] = lambda line: None,
    report: Callable[[Row], None] = lambda row: None,
) -> None:
    """Train a network and write ``model`` (safetensors), with model.json and history.csv beside it.

    Args:
        inputs: a representation's file.
        model: path that ends in .safetensors.
        spec: the experiment.
        seed: base seed of this training.
        checkpoints: folder for the state of unfinished trainings; one is resumed only if nothing has changed.
        code: hash of the code that trains; part of what must not have changed.
        log: called with lines for the log.
        report: called with every epoch's row.

    Raises:
        UserError: unusable inputs, a missing GPU, or a loss that is not finite.
    """
    if model.suffix != ".safetensors":
        raise UserError(f"{model}: a model's file name must end in .safetensors")
    where = choose_device(spec.training.device, spec.training.threads)
    log(f"device: {describe_device(where)}")
    train = load_inputs(inputs, "train", where, spec.training.max_train)
    val = load_inputs(inputs, "val", where)
    log(f"{inputs}: {len(train)} entries to train on, {len(val)} to validate")
    arguments = spec.model.arguments()
    classes = int(train.attributes["classes"])
    build = partial(build_network, spec.model.name, train.features.shape, classes, arguments)
    checkpoint = None
    if checkpoints is not None:
        checkpoint = checkpoints / f"{_checkpoint_key(inputs, spec, seed, code, where)}.safetensors"
        if checkpoint.exists():
            log(f"resuming from {checkpoint}")
    objective = OBJECTIVES[spec.task]
    trained = train_network(build, objective, spec.training, seed, train, val, checkpoint, report)
    description = {
        "model": spec.model.name,
        "arguments": arguments,
        "shape": list(train.features.shape),
        "classes": classes,
        "parameters": count_parameters(build()),
        "task": spec.task,
        "seed": seed,
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
        "training": spec.training.model_dump(),
        "representation": train.attributes["spec"],
        "dataset": json.loads(train.attributes["dataset"]),
        "versions": {"jetpulse": __version__, "python": platform.python_version(), "torch": str(torch.__version__)},
    }
    _publish_model(model, trained, description)


def _checkpoint_key(inputs: Path, spec: Experiment, seed: int, code: str, device: torch.device) -> str:
    """Return a hash of everything that decides the weights."""
    key = hashlib.sha256()
    with inputs.open("rb") as handle:
        key.update(hashlib.file_digest(handle, "sha256").digest())
    parts = [spec.model.name, spec.model.arguments(), spec.task, spec.training.model_dump(), seed, code]
    parts += [device.type, str(torch.__version__)]
    key.update(json.dumps(parts, sort_keys=True).encode())
    return key.hexdigest()[:24]


def _publish_model(model: Path, trained: Trained, description: dict[str, Any]) -> None:
    """Write the three files, the weights first removed and last written: weights that exist are described."""
    model.unlink(missing_ok=True)
    with (
        publish(model.with_name("history.csv")) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as handle,
    ):
        writer = csv.DictWriter(handle, list(trained.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(trained.history)
    dump_json(model.with_name("model.json"), description)
    with publish(model) as temporary:
        save_file(trained.weights, temporary, {"format": "pt"})


def read_description(model: Path) -> dict[str, Any]:
    """Return model.json of a model.

    Raises:
        UserError: missing, or lacking what a prediction needs.
    """
    path = model.with_name("model.json")
    description = load_json(path)
    needed = ("model", "arguments", "shape", "classes", "task", "seed", "training", "representation")
    missing = [name for name in needed if name not in description]
    if missing:
        raise UserError(f"{path}: lacks {', '.join(map(repr, missing))}; train the model again")
    return description


def load_model(model: Path, device: torch.device) -> tuple[nn.Module, dict[str, Any]]:
    """Return a trained network on ``device`` and its description from model.json.

    Raises:
        UserError: missing, damaged, or weights that do not fit the description.
    """
    description = read_description(model)
    try:
        network = build_network(
            description["model"], tuple(description["shape"]), description["classes"], description["arguments"]
        )
        network.load_state_dict(load_file(model))
    except FileNotFoundError as error:
        raise UserError(f"{model}: no such file; check the path") from error
    except (SafetensorError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{model}: does not hold the weights that model.json describes ({reason})") from error
    return network.to(device, memory_format=torch.channels_last), description


def write_predictions(
    model: Path,
    path: Path,
    tested: Mapping[str, Path],
    *,
    device: str = "auto",
    log: Callable[[str], None] = lambda line: None,
) -> None:
    """Write event int64, label int8, probability float64 (n, classes) of each dataset's test split, a group for each.

    Raises:
        UserError: a dataset was made by another representation than the model was trained on.
    """
    description = read_description(model)
    where = choose_device(device, description["training"]["threads"])
    log(f"device: {describe_device(where)}")
    network, _ = load_model(model, where)
    objective = OBJECTIVES[description["task"]]
    units = {"probability": "1 (columns are classes)"}
    spec = {name: description[name] for name in ("model", "arguments", "task", "seed")}
    with Writer.create(path, "predictions", spec=spec, units=units, packages=("torch",)) as writer:
        for name, file in tested.items():
            inputs = load_inputs(file, "test", where)
            if inputs.attributes["spec"] != description["representation"]:
                raise UserError(
                    f"{file}: made with {inputs.attributes['spec']}, "
                    f"the model was trained on {description['representation']}"
                )
            predicted = predict_network(network, objective, inputs)
            entries = {"event": inputs.event, "label": inputs.label.cpu().numpy().astype(np.int8)}
            writer.append(name, Block(entries | {key: value.numpy() for key, value in predicted.items()}))
            log(f"{name}: {len(inputs)} entries predicted")
