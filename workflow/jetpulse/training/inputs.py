"""What a network reads: the entries of one split, kept as stored on the device, dense only batch by batch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from jetpulse.errors import UserError
from jetpulse.samples import Block, hash_events, read_attributes, read_block
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.objectives import Batch, Objective


class Features(Protocol):
    """Entries of one representation on a device; ``shape`` is that of one entry, or of one part of a ragged one."""

    shape: tuple[int, ...]

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return the entries ``index`` (b,) as a dense float32 tensor (b, *shape), ragged ones (b, n, *shape)."""


class SparseImages:
    """Images stored as pixel indices and values; a batch is made dense on the device."""

    def __init__(self, block: Block, shape: tuple[int, ...], device: torch.device) -> None:
        """Keep the sparse images of ``block`` (offsets, pixel, value) on ``device``."""
        self.shape = shape
        self._size = int(np.prod(shape))
        self._offsets = torch.from_numpy(block.offsets).to(device)
        self._pixel = torch.from_numpy(block.flat["pixel"]).to(device)
        self._value = torch.from_numpy(block.flat["value"]).to(device)

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return dense images (b, rows, columns), float32."""
        start = self._offsets[index]
        counts = self._offsets[index + 1] - start
        position = torch.arange(len(index), device=index.device)
        owner = torch.repeat_interleave(position, counts)
        begin = torch.cumsum(counts, 0) - counts
        rows = torch.arange(len(owner), device=index.device) + (start - begin)[owner]
        images = torch.zeros(len(index) * self._size, device=index.device)
        # Every pixel occurs once, so this assignment has no order to depend on.
        images[owner * self._size + self._pixel[rows]] = self._value[rows]
        return images.view(len(index), *self.shape)


class Dense:
    """Entries stored as they are: waveforms, spectra; normalised once."""

    def __init__(self, values: np.ndarray, device: torch.device, normalisation: Normalisation | None = None) -> None:
        """Keep ``values`` (n, *shape) on ``device`` as float32."""
        features = torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device)
        self._features = features if normalisation is None else normalisation.apply(features)
        self.shape = tuple(self._features.shape[1:])

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return entries (b, *shape)."""
        return self._features[index]


class Constituents:
    """Jets as they are stored, ragged; a batch is filled up with zeros to its longest jet."""

    shape = (4,)

    def __init__(self, block: Block, device: torch.device) -> None:
        """Keep offsets and four-momenta of ``block`` on ``device``."""
        self._offsets = torch.from_numpy(block.offsets).to(device)
        self._momenta = torch.from_numpy(block.flat["constituents"]).to(device)

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return four-momenta (b, longest, 4) in GeV, float32; rows of zeros behind a jet's last constituent."""
        start = self._offsets[index]
        counts = self._offsets[index + 1] - start
        longest = int(counts.max()) if len(index) else 0
        place = torch.arange(longest, device=index.device)
        present = place < counts[:, None]
        momenta = torch.zeros(len(index), longest, 4, device=index.device)
        momenta[present] = self._momenta[(start[:, None] + place)[present]]
        return momenta


KINDS = ("jets", "jet-image", "pulses", "spectra")


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
        """Return the entries ``index`` (b,)."""
        return Batch(self.features.batch(index), {name: values[index] for name, values in self.targets.items()})

    def representation(self) -> dict[str, Any]:
        """Return what a file must have in common with the one that a network was trained on."""
        return representation_of(self.attributes)


def representation_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return what files for one network must have in common, from a file's attributes."""
    if attributes["kind"] == "jet-image":
        return attributes["spec"]
    if attributes["kind"] == "jets":
        return {"kind": "jets"}
    return {"kind": attributes["kind"], "shape": [int(n) for n in attributes["shape"]]}


def read_split(path: str | Path, split: str, limit: int | None = None) -> tuple[Block, dict[str, Any]]:
    """Read one split of a file that a network can learn from: entries and the file's attributes.

    Args:
        path: samples, or a file that `build-jet-images` wrote.
        split: train, val or test.
        limit: keep so many entries, those whose event ids hash lowest, so that smaller choices lie within larger.

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
    block = read_block(path, split)
    if len(block) == 0:
        raise UserError(f"{path}: split {split!r} is empty; the dataset needs entries in it")
    if limit is not None:
        if limit > len(block):
            raise UserError(f"{path}: max_train {limit} exceeds the {len(block)} entries of split {split!r}; lower it")
        chosen = np.argsort(hash_events(block.entries["event"]), kind="stable")[:limit]
        block = block.take(np.sort(chosen))
    return block, attributes


def make_inputs(
    block: Block,
    attributes: dict[str, Any],
    objective: Objective,
    device: torch.device,
    normalisation: Normalisation | None = None,
) -> Inputs:
    """Bring entries to the device, with the targets that the objective needs.

    Raises:
        UserError: the entries lack a target.
    """
    if attributes["kind"] == "jet-image":
        features: Features = SparseImages(block, tuple(int(n) for n in attributes["shape"]), device)
    elif attributes["kind"] == "jets":
        features = Constituents(block, device)
    else:
        features = Dense(block.entries[attributes["features"]], device, normalisation)
    targets = {}
    for name in (*objective.targets, *objective.optional):
        if name in block.entries:
            targets[name] = _target(name, block.entries[name], attributes).to(device)
        elif name in objective.targets:
            raise UserError(f"entries of kind {attributes['kind']!r} have no {name!r}, which the task needs")
    return Inputs(features, targets, block.entries["event"], attributes, device)


def _target(name: str, values: np.ndarray, attributes: dict[str, Any]) -> torch.Tensor:
    if name == "label":
        return torch.from_numpy(values.astype(np.int64))
    if name == "time":  # in bins
        duration = json.loads(attributes["dataset"])["source"]["waveforms"]["duration"]
        values = values / duration * (attributes["shape"][-1] - 1)
    return torch.from_numpy(values.astype(np.float32))
