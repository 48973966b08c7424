"""Entries of small problems for figures, predictions of networks at any point, and the figure of a sample."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.evaluation.predictions import check_events, read_predicted
from jetpulse.figures import problems
from jetpulse.figures.problem_style import Entries, Names
from jetpulse.figures.style import save_figure
from jetpulse.problems.points import OFFSET, SLOPE
from jetpulse.samples import SPLITS, Block, read_attributes, read_block, split_sizes

KINDS = ("problems", "problem-columns")
_MOST = 20_000  # entries of a split; those of large files come in no order


def read_entries(path: Path, splits: Sequence[str] = SPLITS, most: int | None = _MOST) -> tuple[Entries, np.ndarray]:
    """Return entries of a problem with their event ids int64 (n,): the first ``most`` of every split, split by split.

    Raises:
        UserError: another kind of file, or no entries.
    """
    attributes = problem_attributes(path)
    sizes = split_sizes(path)
    parts = [(SPLITS.index(split), read_block(path, split, 0, most)) for split in splits if sizes.get(split)]
    if not parts:
        raise UserError(f"{path}: holds no entries in {' or '.join(splits)}; there is nothing to draw")
    first = parts[0][1].entries
    if "features" not in first:
        raise UserError(f"{path}: lacks features, found {', '.join(first)}; make the file again")

    def joined(name: str) -> np.ndarray | None:
        return np.concatenate([block.entries[name] for _, block in parts]) if name in first else None

    split = np.concatenate([np.full(len(block), number) for number, block in parts])
    label = joined("label")
    entries = Entries(
        joined("features"),
        None if label is None else label.astype(np.int64),
        joined("target"),
        split,
        names_of(attributes),
    )
    return entries, joined("event")


def problem_attributes(path: Path) -> dict[str, Any]:
    """Return the root attributes of a problem's samples or of some of their columns.

    Raises:
        UserError: another kind of file.
    """
    attributes = read_attributes(path)
    if attributes["kind"] not in KINDS:
        raise UserError(f"{path}: is of kind {attributes['kind']!r}, expected {' or '.join(KINDS)}; check the path")
    return attributes


def names_of(attributes: Mapping[str, Any]) -> Names:
    """Return the names in a problem's attributes, those of columns with their units."""
    columns, classes = (
        tuple(name for name in str(attributes.get(key, "")).split(", ") if name) for key in ("columns", "classes")
    )
    units = attributes.get("units", {})
    titles = tuple(f"{name} [{units[name]}]" if units.get(name, "1") not in ("", "1") else name for name in columns)
    return Names(titles, classes, str(attributes.get("target", "")))


def line_truth(attributes: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return slope and offset of a generated line, None of any other problem."""
    source = json.loads(attributes.get("dataset", "{}")).get("source", {})
    return (SLOPE, OFFSET) if (source.get("points") or {}).get("shape") == "line" else None


def read_tested(
    predictions: Sequence[Path], samples: Path, dataset: str, models: Sequence[Path]
) -> tuple[list[dict[str, np.ndarray]], Entries]:
    """Return every training's predictions of one dataset, and the entries of the test split that they belong to.

    Raises:
        UserError: predictions of something else, or not one of the ``models`` for each if there are any.
    """
    if models and len(models) != len(predictions):
        raise UserError(f"--models: {len(models)} files but {len(predictions)} predictions; give one each")
    entries, event = read_entries(samples, ("test",), None)
    found = []
    for path in predictions:
        predicted = read_predicted(path, dataset)
        check_events(predicted["event"], event, f"{path}: {dataset}", samples)
        found.append(predicted)
    return found, entries


def predict_at(model: Path, features: np.ndarray, samples: Path) -> dict[str, np.ndarray]:
    """Return what a trained network predicts at features (m, *shape) like those of ``samples``.

    Raises:
        UserError: unusable model, or one that was trained on something else.
    """
    from jetpulse.training.descriptions import read_description
    from jetpulse.training.devices import choose_device
    from jetpulse.training.inputs import check_representation, make_inputs
    from jetpulse.training.loop import predict_network
    from jetpulse.training.normalisation import restore
    from jetpulse.training.objectives import load_objective
    from jetpulse.training.trained import load_model

    attributes = problem_attributes(samples)
    description = read_description(model)
    check_representation(samples, attributes, description["representation"])
    device = choose_device("cpu", description["training"]["threads"])
    network, _, normalisation = load_model(model, device)
    objective = load_objective(description["task"])
    # Nothing is known about the points, so that targets, which nobody asks for, are zeros.
    entries = {"event": np.arange(len(features)), attributes["features"]: np.asarray(features, np.float32)}
    entries |= dict.fromkeys(objective.targets, np.zeros(len(features), np.int64))
    inputs = make_inputs(Block(entries), attributes, objective, device, normalisation)
    predicted = restore(predict_network(network, objective, inputs, description["seed"]), objective, normalisation)
    return {name: values.numpy() for name, values in predicted.items()}


def plot_problem_figure(samples: Path, out: Path) -> int:
    """Draw a problem's entries; return how many.

    Raises:
        UserError: another kind of file, or no entries.
    """
    entries, _ = read_entries(samples)
    save_figure(problems.sample(entries), out)
    return len(entries)
