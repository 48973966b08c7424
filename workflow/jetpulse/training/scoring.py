"""Scoring: what a trained network says of entries that it has never seen, streamed from any file to a flat table."""

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import nn

from jetpulse.config import JetImage, JetSource
from jetpulse.config.jet_formats import Format
from jetpulse.errors import UserError
from jetpulse.jets.images import build_images
from jetpulse.jets.intake import unlabelled_jets
from jetpulse.jets.substructure import jet_substructure
from jetpulse.samples import SPLITS, Block, iterate_blocks, kind_of, open_hdf5, read_attributes, split_sizes
from jetpulse.training.descriptions import read_description
from jetpulse.training.devices import choose_device, describe_device
from jetpulse.training.inputs import check_representation, is_code, make_inputs
from jetpulse.training.loop import predict_network
from jetpulse.training.normalisation import Normalisation, restore
from jetpulse.training.objectives import Objective, load_objective
from jetpulse.training.problem_files import as_trained, foreign_blocks, is_foreign, is_problem
from jetpulse.training.tables import check_ending, open_table
from jetpulse.training.trained import load_model

_ROWS = 10_000
_FORMATS = {".parquet": "parquet", ".npz": "npz", ".h5": "top-tagging", ".hdf5": "top-tagging"}
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class _Scorer:
    """A trained network with all that it needs to look at new entries."""

    network: nn.Module
    objective: Objective
    description: Mapping[str, Any]
    normalisation: Normalisation | None
    device: torch.device

    def columns(self, block: Block, attributes: Mapping[str, Any]) -> Columns:
        """Return the columns that say what the network thinks of a block."""
        # Nothing is known about the entries, so that targets, which nobody asks for, are zeros.
        blank = dict.fromkeys(self.objective.targets, np.zeros(len(block), np.int64))
        kept = {name: block.entries[name] for name in ("event", attributes.get("features")) if name in block.entries}
        entries = Block(kept | blank, block.offsets, block.flat)
        inputs = make_inputs(entries, dict(attributes), self.objective, self.device, self.normalisation)
        predicted = predict_network(self.network, self.objective, inputs, self.description["seed"])
        predicted = restore(predicted, self.objective, self.normalisation)
        columns = _COLUMNS[self.description["task"]]
        if self.description["task"] == "classification" and is_problem(self.description):
            columns = partial(_classes, class_names(self.description))
        return columns({name: value.numpy() for name, value in predicted.items()})


def source_of(model: Path, file: Path, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how a file is to be read: a dataset's ``source``, ``given`` completed; None for a file of the project.

    The format follows from the file's ending where there is but one; the hardest constituents are as many as in the
    jets that the network was trained on.

    Raises:
        UserError: the ending does not tell the format.
    """
    description = read_description(model)
    if is_problem(description):
        if given:
            raise UserError(f"{file}: --format and --spec are about jets, {model} reads other entries; leave them out")
        return None
    if not given and _is_own(file):
        return None
    source = {"files": [str(file)], **given}
    if "format" not in source:
        if file.suffix not in _FORMATS:
            known = ", ".join(get_args(Format))
            raise UserError(f"{file}: the ending does not tell the format; give --format, one of {known}")
        source["format"] = _FORMATS[file.suffix]
    trained_on = description.get("dataset", {}).get("source", {})
    limit = (trained_on.get("simulation") or trained_on).get("max_constituents")
    return {"max_constituents": limit, **source} if limit is not None else source


def _is_own(file: Path) -> bool:
    if file.suffix not in (".h5", ".hdf5"):
        return False
    with open_hdf5(file) as handle:
        return kind_of(handle) is not None


def write_scores(
    model: Path,
    file: Path,
    path: Path,
    source: JetSource | None = None,
    *,
    split: str | None = None,
    views: int | None = None,
    device: str = "auto",
    log: Callable[[str], None] = lambda line: None,
    progress: Callable[[int], None] = lambda n: None,
) -> int:
    """Apply a trained network to every entry of a file; return how many there are.

    Args:
        model: model.safetensors; model.json beside it knows the representation, which is made on the way.
        file: jets in a format that is read, or a file that this project wrote; for networks of small problems also a
            csv, a PNG picture of one digit, or a folder of such.
        path: table to write, of the kind that its ending says (.csv, .parquet, .h5): event, jet or entry (the number of
            the entry in the order of the file) and what the network says.
        source: format of the jets, names in the file and selection; None for files of the project.
        split: split of such a file; None: all that it has, one after the other.
        views: of a jet, over which the mean is taken; None: as many as the model was released with, or 1.
        device: auto, cpu or cuda.
        log: called with lines for the log.
        progress: called with numbers of entries.

    Raises:
        UserError: unusable model or file, entries that the model cannot read, or a network that judges nothing.
    """
    check_ending(path)
    description = read_description(model)
    if description["task"] not in _COLUMNS:
        raise UserError(f"{model}: a network of task {description['task']!r} says nothing about entries")
    where = choose_device(device, description["training"]["threads"])
    log(f"device: {describe_device(where)}")
    network, _, normalisation = load_model(model, where, views)
    scorer = _Scorer(network, load_objective(description["task"]), description, normalisation, where)
    left_out: Counter[str] = Counter()
    number = "entry" if is_problem(description) else "jet"
    if is_problem(description) and is_foreign(file):
        if split is not None:
            raise UserError(f"--split {split}: {file} is not a file of the project and has no splits; leave it out")
        blocks = foreign_blocks(file, description, _ROWS)
    elif source is None:
        blocks = _own_blocks(file, split, description)
    else:
        blocks = _read_blocks(file, source, description, left_out, log)
    done = 0
    with open_table(path, _about(model, description)) as append:
        for block, attributes in blocks:
            if len(block):
                place = {"event": block.entries["event"], number: np.arange(done, done + len(block), dtype=np.int64)}
                columns = scorer.columns(block, attributes)
                append(place | columns)
                for name, line in zip(attributes.get("pictures", ()), _in_words(columns, description), strict=False):
                    log(f"{name}: {line}")
                done += len(block)
                progress(len(block))
        if done == 0:
            raise UserError(f"{file}: holds nothing to score ({_listed(left_out) or 'it is empty'})")
    if left_out:
        log(f"left out: {_listed(left_out)}")
    return done


def _listed(left_out: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count)


def _about(model: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the scores come from, for the formats that can tell."""
    kept = {key: description[key] for key in ("model", "arguments", "task", "seed", "representation")}
    kept |= {"release": description["release"]} if "release" in description else {}
    return kept | {"file": model.name, "versions": {"python": platform.python_version(), "torch": torch.__version__}}


def _read_blocks(
    file: Path,
    source: JetSource,
    description: Mapping[str, Any],
    left_out: Counter[str],
    log: Callable[[str], None],
) -> Iterator[tuple[Block, dict[str, Any]]]:
    """Yield jets of a format that is read, as the network wants to see them."""
    for block in unlabelled_jets(str(file), source, left_out, _ROWS, log):
        yield _represented(block, description, str(file))


def _own_blocks(
    file: Path, split: str | None, description: Mapping[str, Any]
) -> Iterator[tuple[Block, dict[str, Any]]]:
    """Yield the entries of a file that this project wrote, jets turned into images if the network wants those."""
    attributes = read_attributes(file)
    sizes = split_sizes(file)
    if split is not None and not sizes.get(split):
        found = ", ".join(f"{name} ({n})" for name, n in sizes.items()) or "none"
        raise UserError(f"{file}: split {split!r} has no entries; found {found}")
    wanted = [split] if split else [name for name in SPLITS if sizes.get(name)]
    if attributes["kind"] != "jets" and not is_problem(description):
        check_representation(file, attributes, description["representation"])
    for name in wanted:
        for block in iterate_blocks(file, name, _ROWS):
            if is_problem(description):
                yield as_trained(block, attributes, description["representation"], file), attributes
            elif attributes["kind"] == "jets":
                yield _represented(block, description, str(file))
            else:
                yield block, attributes


def _represented(block: Block, description: Mapping[str, Any], file: str) -> tuple[Block, dict[str, Any]]:
    """Return jets as the network wants to see them, with the attributes of a file of such entries."""
    wanted, dataset = description["representation"], json.dumps(description.get("dataset", {}))
    entries = {"event": block.entries["event"]}
    if wanted["kind"] == "jets":
        return Block(entries, block.offsets, block.flat), {"kind": "jets", "outputs": 2, "dataset": dataset}
    if wanted["kind"] == "jet-observables":
        found = jet_substructure(block.flat["constituents"], block.offsets)
        columns = [found[name].astype(np.float32) for name in wanted["columns"]]
        attributes = {"kind": "jet-observables", "shape": [len(columns)], "features": "features", "spec": wanted}
        return Block(entries | {"features": np.stack(columns, axis=1)}), attributes | {"outputs": 2, "dataset": dataset}
    if wanted["kind"] != "jet-image":
        raise UserError(f"{file}: holds jets, the model was trained on {wanted['kind']}")
    spec = JetImage.model_validate(wanted)
    images = build_images(block.flat["constituents"], block.offsets, spec.pixels, spec.half_width, spec.steps)
    attributes = {"kind": "jet-image", "shape": [spec.pixels, spec.pixels], "spec": wanted, "dataset": dataset}
    return Block(entries, images[0], {"pixel": images[1], "value": images[2]}), attributes | {"outputs": 2}


def _classification(predicted: Mapping[str, np.ndarray]) -> Columns:
    probability = predicted["probability"]
    columns = {f"probability_{k}": probability[:, k] for k in range(probability.shape[1])}
    return columns | {"score": probability[:, 1]}


def class_names(description: Mapping[str, Any]) -> list[str]:
    """Return the names of a network's classes, their numbers if model.json does not know them."""
    return list(description.get("classes") or map(str, range(description["outputs"])))


def _classes(names: Sequence[str], predicted: Mapping[str, np.ndarray]) -> Columns:
    probability = predicted["probability"]
    # A slash would be a folder in HDF5.
    columns = {f"probability_{name.replace('/', '_')}": probability[:, k] for k, name in enumerate(names)}
    # A class is called as in the user's files, where its name is a code.
    codes = np.array([int(name) if all(map(is_code, names)) else k for k, name in enumerate(names)])
    return (
        {"class": codes[probability.argmax(axis=1)]}
        | columns
        | ({"score": probability[:, 1]} if len(names) == 2 else {})
    )


def _in_words(columns: Columns, description: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a network of a problem says of every entry."""
    if "class" not in columns:
        yield from (f"{value:.6g}" for value in columns["prediction"])
        return
    names = class_names(description)
    probabilities = np.stack([values for name, values in columns.items() if name.startswith("probability_")], axis=1)
    for row in probabilities:
        yield f"{names[row.argmax()]} (probability {row.max():.4f})"


def _localisation(predicted: Mapping[str, np.ndarray]) -> Columns:
    probability = predicted["probability"]
    best = probability.argmax(axis=1)
    mean = probability @ np.arange(probability.shape[1])
    return {"bin": best, "probability": probability[np.arange(len(best)), best], "mean_bin": mean}


def _latent(predicted: Mapping[str, np.ndarray]) -> Columns:
    names = (name for name in ("latent", "latent_sigma") if name in predicted)
    return {f"{name}_{k}": predicted[name][:, k] for name in names for k in range(predicted[name].shape[1])}


# What a network of a task says of an entry; those of an adversarial one make entries up.
_COLUMNS: dict[str, Callable[[Mapping[str, np.ndarray]], Columns]] = {
    "classification": _classification,
    "regression": lambda predicted: {"prediction": predicted["prediction"]},
    "localisation": _localisation,
    "reconstruction": _latent,
    "variational": _latent,
}
