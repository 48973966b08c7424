"""Inputs of a network: features and targets of one split, and whether files suit what it was trained on."""

import json
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from jetpulse import seeds
from jetpulse.config.models import Represented
from jetpulse.errors import UserError
from jetpulse.samples import Block, hash_events, read_attributes, read_block, read_entries
from jetpulse.training.features import Constituents, Dense, Features, SparseImages
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.objectives import Batch, Objective
from jetpulse.training.streaming import Place, prefetch, read_to_disk

KINDS = ("jets", "jet-image", "jet-observables", "pulses", "spectra", "problems", "problem-columns")


@dataclass(frozen=True)
class Inputs:
    """One split: features and targets on the device, event ids int64 (n,) in memory, the file's attributes."""

    features: Features
    targets: dict[str, torch.Tensor]
    event: np.ndarray
    attributes: dict[str, Any]
    device: torch.device

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.event)

    def batch(self, index: torch.Tensor) -> Batch:
        """Return the entries ``index`` (b,), which may be in memory whatever the device."""
        features, counts = self.features.batch(index), self.features.counts(index)
        index = index.to(self.device, non_blocking=True)
        targets = {name: values[index] for name, values in self.targets.items()}
        return Batch(features, targets, counts=counts, dataset=self.attributes.get("dataset", ""))

    def batches(self, chunks: Iterable[torch.Tensor]) -> Generator[Batch]:
        """Yield the batches of ``chunks`` (indices of entries, best in memory) in order.

        Where making one takes long, the next are made in a thread meanwhile, which ends when this is closed.
        """
        if self.features.slow:
            return prefetch(self.batch, chunks)
        return (self.batch(chunk) for chunk in chunks)

    def representation(self) -> dict[str, Any]:
        """Return what a file must have in common with the one that a network was trained on."""
        return representation_of(self.attributes)


def representation_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return what files for one network must have in common, from a file's attributes."""
    if attributes["kind"] in ("jet-image", "jet-observables"):
        return attributes["spec"]
    if attributes["kind"] == "jets":
        return {"kind": "jets"}
    if attributes.get("columns"):
        return {"kind": attributes["kind"], "columns": attributes["columns"].split(", ")}
    return {"kind": attributes["kind"], "shape": [int(n) for n in attributes["shape"]]}


def check_representation(path: str | Path, attributes: dict[str, Any], trained_on: dict[str, Any]) -> None:
    """Refuse a file whose entries a network does not know, by the file's attributes.

    Raises:
        UserError: says how the file was made and what the network was trained on.
    """
    made_with = representation_of(attributes)
    if _complete(made_with) != _complete(trained_on):
        raise UserError(f"{path}: made with {made_with}, the model was trained on {trained_on}")


def is_code(name: str) -> bool:
    """Return whether a class's name is its code in the user's files: 0, 1, 2, ..., or -1."""
    return name.removeprefix("-").isdecimal()


def check_codes(path: str | Path, attributes: Mapping[str, Any], trained_on: Collection[str]) -> None:
    """Refuse a file whose classes stand for other codes of the user's files than those that a network was trained on.

    Names that are words are no codes: samples that are told apart by these may be compared.

    Raises:
        UserError: names both.
    """
    found = str(attributes.get("classes", "")).split(", ")
    if all(map(is_code, (*found, *trained_on))) and trained_on and found != list(trained_on):
        raise UserError(
            f"{path}: has the classes {', '.join(found)}, the model was trained on {', '.join(trained_on)}; give the "
            "same class the same code in all files, and each dataset all classes"
        )


def _complete(representation: dict[str, Any]) -> dict[str, Any]:
    """Return a representation with the keys that came later than its file, at their defaults, as they are meant."""
    try:
        return Represented.model_validate(representation).model_dump()
    except ValidationError:  # jets, waveforms and the like as they are, or keys that are gone
        return representation


def read_split(
    path: str | Path, split: str, limit: int | None = None, place: Place = "host", seed: int = 0
) -> tuple[Block, dict[str, Any]]:
    """Read one split of a file that a network can learn from: entries and the file's attributes.

    Args:
        path: samples, or a file that `build-jet-images`, `build-jet-observables` or `build-columns` wrote.
        split: train, val or test.
        limit: keep so many entries, those whose event ids hash lowest, so that smaller choices lie within larger.
        seed: base seed of the training, which decides the hash, so that every training draws a choice of its own.
        place: "disk" maps what is large from scratch files; otherwise all is read into memory.

    Raises:
        UserError: another kind of file, no entries, or fewer than ``limit``.
    """
    attributes = read_attributes(path)
    if attributes["kind"] not in KINDS:
        raise UserError(
            f"{path}: is of kind {attributes['kind']!r}, a network reads {', '.join(KINDS)}; check the path"
        )
    if attributes["kind"] == "jets":  # these are their own representation, with labels of two classes
        attributes |= {"outputs": 2, "dataset": json.dumps(attributes["spec"], sort_keys=True)}
    if place == "disk":
        event = read_entries(path, split, "event")
        block = read_to_disk(path, split, _choose(path, split, event, limit, seed))
    else:
        block = read_block(path, split)
        chosen = _choose(path, split, block.entries["event"], limit, seed)
        block = block if chosen is None else block.take(chosen)
    return block, attributes


def _choose(path: str | Path, split: str, event: np.ndarray, limit: int | None, seed: int) -> np.ndarray | None:
    """Return which entries are kept, ascending; None for all."""
    if len(event) == 0:
        raise UserError(f"{path}: split {split!r} is empty; the dataset needs entries in it")
    if limit is None:
        return None
    if limit > len(event):
        raise UserError(f"{path}: max_train {limit} exceeds the {len(event)} entries of split {split!r}; lower it")
    drawn = hash_events(event, seeds.integer_seed(seed, "subsample", bits=62))
    return np.sort(np.argsort(drawn, kind="stable")[:limit])


def make_inputs(
    block: Block,
    attributes: dict[str, Any],
    objective: Objective,
    device: torch.device,
    normalisation: Normalisation | None = None,
    place: Place = "device",
) -> Inputs:
    """Bring entries to where they wait, "device", "host" or "disk", and the targets of the objective to the device.

    Raises:
        UserError: the entries lack a target.
    """
    if attributes["kind"] == "jet-image":
        features: Features = SparseImages(block, tuple(int(n) for n in attributes["shape"]), device, place)
    elif attributes["kind"] == "jets":
        features = Constituents(block, device, place)
    else:
        features = Dense(block.entries[attributes["features"]], device, normalisation, place)
    targets = {}
    for name in (*objective.targets, *objective.optional):
        if name in block.entries:
            targets[name] = _target(name, block.entries[name], attributes, normalisation).to(device)
        elif name in objective.targets:
            raise UserError(f"entries of kind {attributes['kind']!r} have no {name!r}, which the task needs")
    return Inputs(features, targets, block.entries["event"], attributes, device)


def _target(
    name: str, values: np.ndarray, attributes: dict[str, Any], normalisation: Normalisation | None
) -> torch.Tensor:
    if name in ("label", "event"):
        return torch.from_numpy(values.astype(np.int64))
    if name == "target" and normalisation is not None and normalisation.target is not None:
        return normalisation.standardise(torch.from_numpy(values.astype(np.float64))).float()
    if name == "time":  # in bins
        duration = json.loads(attributes["dataset"])["source"]["waveforms"]["duration"]
        values = values / duration * (attributes["shape"][-1] - 1)
    return torch.from_numpy(values.astype(np.float32))
