"""Trained networks as they lie in files: model.safetensors with model.json, and the predictions.h5 that they give."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from jetpulse.codelibraries import installed
from jetpulse.errors import UserError, first_line
from jetpulse.models import build_network
from jetpulse.samples import Block, Writer, read_attributes
from jetpulse.samples.duplicates import check_unseen
from jetpulse.training.descriptions import check_dataset, read_description, read_weights
from jetpulse.training.devices import choose_device, describe_device
from jetpulse.training.inputs import check_codes, check_representation, make_inputs, read_split
from jetpulse.training.loop import predict_network
from jetpulse.training.normalisation import PREFIX, Normalisation, restore, stored_normalisation
from jetpulse.training.objectives import load_objective


def load_model(
    model: Path, device: torch.device, views: int | None = None
) -> tuple[nn.Module, dict[str, Any], Normalisation | None]:
    """Return a trained network on ``device``, its description from model.json and its input's normalisation.

    It answers with the mean over so many ``views`` of a jet, by default as many as the model was released with.

    Raises:
        UserError: missing, damaged, weights that do not fit the description, or views of what is not constituents.
    """
    description = read_description(model)
    views = description.get("views", 1) if views is None else views
    if views > 1 and description["representation"] != {"kind": "jets"}:
        raise UserError(f"{model}: {views} views are of a jet's constituents, which this network does not read; use 1")
    try:
        network = build_network(
            description["model"], tuple(description["shape"]), description["outputs"], description["arguments"]
        )
        _check_libraries(model, network, description.get("versions", {}))
        tensors = load(read_weights(model, description))
        normalisation = stored_normalisation(tensors)
        if normalisation is None and description["training"].get("normalise", "none") != "none":
            raise ValueError("no normalisation")
        if "target" in description and getattr(normalisation, "target", None) is None:
            raise ValueError("no mean and deviation of the target")
        network.load_state_dict({name: value for name, value in tensors.items() if not name.startswith(PREFIX)})
        _check_finite(tensors, network)
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"{model}: does not hold the weights that model.json describes ({first_line(error)})"
        ) from error
    if views > 1:
        network = import_module("jetpulse.training.views").MeanOfViews(network, views)
    return network.to(device, memory_format=torch.channels_last), description, normalisation


def _check_libraries(model: Path, network: nn.Module, versions: Mapping[str, str]) -> None:
    """Refuse a model that another scikit-learn has written, which need not read it, or reads it as something else.

    Releases that only mend mistakes, with the same first two numbers, read one another's.

    Raises:
        UserError: says both versions.
    """
    for library in getattr(network, "libraries", ()):
        name, here = installed(library)
        there = versions.get(name, here)
        if library == "sklearn" and there.split(".")[:2] != here.split(".")[:2]:
            raise UserError(
                f"{model}: was written with {name} {there}, here is {here}, which may read it wrongly; "
                f"install {name} {there}, or train it again"
            )


def _check_finite(tensors: Mapping[str, torch.Tensor], network: nn.Module) -> None:
    """Refuse numbers that can only give such ones; thresholds of trees, which are no parameters, may be infinite."""
    parameters = dict(network.named_parameters())
    for name, tensor in tensors.items():
        bounded = name in parameters or name.startswith(PREFIX)
        if tensor.is_floating_point() and bool((~torch.isfinite(tensor) if bounded else torch.isnan(tensor)).any()):
            msg = f"{name} is not finite"
            raise ValueError(msg)


def write_predictions(
    model: Path,
    path: Path,
    tested: Mapping[str, Path],
    *,
    samples: Mapping[str, Path] | None = None,
    views: int | None = None,
    device: str = "auto",
    log: Callable[[str], None] = lambda line: None,
) -> None:
    """Write the objective's predictions of each dataset's test split, a group for each: event, label, ...

    A prediction is the mean over so many ``views`` of a jet, by default as many as the model was released with. Of
    ``samples``, samples.h5 by dataset, the first is the training's: the others' test must not hold what is trained on.

    Raises:
        UserError: a dataset was made by another representation than the model was trained on, or holds its training's
            examples; the first of ``samples`` is of another dataset than the training's.
    """
    description = read_description(model)
    for file in list((samples or {}).values())[:1]:
        check_dataset(file, read_attributes(file)["spec"], model, description)
    check_unseen(samples or {}, log)
    where = choose_device(device, description["training"]["threads"])
    log(f"device: {describe_device(where)}")
    network, _, normalisation = load_model(model, where, views)
    objective = load_objective(description["task"])
    spec = {name: description[name] for name in ("model", "arguments", "task", "seed")}
    spec["weights"] = description["checksums"]["weights"]
    spec |= {"views": network.views} if hasattr(network, "views") else {}
    with Writer.create(path, "predictions", spec=spec, units=objective.units, packages=("torch",)) as writer:
        for name, file in tested.items():
            block, attributes = read_split(file, "test")
            check_representation(file, attributes, description["representation"])
            check_codes(file, attributes, description.get("classes", ()))
            inputs = make_inputs(block, attributes, objective, where, normalisation)
            predicted = restore(
                predict_network(network, objective, inputs, description["seed"]), objective, normalisation
            )
            entries = {key: block.entries[key] for key in ("event", *objective.targets)}
            writer.append(name, Block(entries | {key: value.numpy() for key, value in predicted.items()}))
            log(f"{name}: {len(inputs)} entries predicted")
