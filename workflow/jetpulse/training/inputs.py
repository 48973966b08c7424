"""What a network reads: the entries of one split, kept as stored on the device, dense only batch by batch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from jetpulse.errors import UserError
from jetpulse.samples import Block, hash_events, read_attributes, read_block


class Features(Protocol):
    """Entries of one representation on a device."""

    shape: tuple[int, ...]

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Return the entries ``index`` (b,) as a dense float32 tensor (b, *shape)."""


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


FEATURES = {"jet-image": SparseImages}


@dataclass(frozen=True)
class Inputs:
    """One split: features on the device, labels int64 (n,) on the device, event ids int64 (n,) in memory."""

    features: Features
    label: torch.Tensor
    event: np.ndarray
    attributes: dict[str, Any]

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.event)


def load_inputs(path: str | Path, split: str, device: torch.device, limit: int | None = None) -> Inputs:
    """Load a split of a representation file.

    Args:
        path: a file that `build-jet-images` wrote.
        split: train, val or test.
        device: where the features are kept.
        limit: keep so many entries, those whose event ids hash lowest, so that smaller choices lie within larger.

    Raises:
        UserError: unknown representation, no entries, or fewer than ``limit``.
    """
    attributes = read_attributes(path)
    if attributes["kind"] not in FEATURES:
        raise UserError(
            f"{path}: is of kind {attributes['kind']!r}, a network reads {', '.join(FEATURES)}; check the path"
        )
    block = read_block(path, split)
    if len(block) == 0:
        raise UserError(f"{path}: split {split!r} is empty; the dataset needs entries in it")
    if limit is not None:
        if limit > len(block):
            raise UserError(f"{path}: max_train {limit} exceeds the {len(block)} entries of split {split!r}; lower it")
        chosen = np.argsort(hash_events(block.entries["event"]), kind="stable")[:limit]
        block = block.take(np.sort(chosen))
    shape = tuple(int(n) for n in attributes["shape"])
    features = FEATURES[attributes["kind"]](block, shape, device)
    label = torch.from_numpy(block.entries["label"].astype(np.int64)).to(device)
    return Inputs(features, label, block.entries["event"], attributes)
