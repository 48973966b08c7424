"""What a trained network says of a split, for evaluations that need more than the predictions of the test split."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples import split_sizes
from jetpulse.training.descriptions import read_description
from jetpulse.training.devices import choose_device, describe_device
from jetpulse.training.inputs import check_codes, check_representation, make_inputs, read_split
from jetpulse.training.loop import predict_network
from jetpulse.training.normalisation import restore
from jetpulse.training.objectives import load_objective
from jetpulse.training.trained import load_model


def predict_split(
    model: Path,
    inputs: Path,
    split: str,
    task: str,
    *,
    views: int | None = None,
    device: str = "auto",
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, np.ndarray]:
    """Return event, targets and predictions of one split, as predictions.h5 holds them of the test split.

    A prediction is the mean over so many ``views`` of a jet, by default as many as the model was released with.

    Raises:
        UserError: a network of another task, inputs of another representation, or an empty split.
    """
    description = read_description(model)
    if description["task"] != task:
        raise UserError(f"{model}: a network of task {description['task']!r}, expected {task!r}")
    if not split_sizes(inputs).get(split):
        raise UserError(f"{inputs}: has no entries in split {split!r}; the dataset needs some there")
    where = choose_device(device, description["training"]["threads"])
    log(f"device: {describe_device(where)}")
    network, _, normalisation = load_model(model, where, views)
    objective = load_objective(task)
    block, attributes = read_split(inputs, split)
    check_representation(inputs, attributes, description["representation"])
    check_codes(inputs, attributes, description.get("classes", ()))
    entries = make_inputs(block, attributes, objective, where, normalisation)
    predicted = restore(predict_network(network, objective, entries, description["seed"]), objective, normalisation)
    known = {name: block.entries[name] for name in ("event", *objective.targets)}
    return known | {name: values.numpy() for name, values in predicted.items()}
