"""Reading and writing the HDF5 contract in blocks, so that memory does not grow with the file.

Layout: one group per split (``train``, ``val``, ``test``); in it entry-wise datasets (``event`` int64 (n,),
``label`` int8 (n,), ...), and for ragged data ``offsets`` int64 (n + 1) with flat datasets. Root attributes:
``kind``, ``spec`` (JSON), ``versions`` (JSON), ``units`` (JSON) and what the kind needs.
"""

import json
import math
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples.hdf5 import create_hdf5, open_hdf5
from jetpulse.samples.ragged import take_ragged

SPLITS = ("train", "val", "test")
CHUNK_ROWS = 1 << 14
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Block:
    """Entries in memory: ``entries`` name -> (n, ...); ragged data as ``offsets`` (n + 1) and ``flat`` arrays."""

    entries: dict[str, np.ndarray]
    offsets: np.ndarray | None = None
    flat: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(next(iter(self.entries.values())))

    def take(self, index: np.ndarray) -> "Block":
        """Return the chosen entries, in the order of ``index`` (int64), as a new block."""
        entries = {name: values[index] for name, values in self.entries.items()}
        if self.offsets is None:
            return Block(entries)
        offsets, rows = take_ragged(self.offsets, index)
        return Block(entries, offsets, {name: values[rows] for name, values in self.flat.items()})


class Writer:
    """Appends blocks to the splits of one file; use ``Writer.create`` so that the file appears whole."""

    def __init__(self, handle: h5py.File, check: Callable[[], None]) -> None:
        """Wrap an open, empty HDF5 file; ``check`` raises when a write to it has failed."""
        self._handle = handle
        self._check = check
        self._flat_total: Counter[str] = Counter()

    @classmethod
    @contextmanager
    def create(
        cls,
        path: str | Path,
        kind: str,
        *,
        spec: Mapping[str, Any],
        units: Mapping[str, str],
        packages: tuple[str, ...] = (),
        **attributes: Any,
    ) -> Iterator["Writer"]:
        """Open ``path`` for writing with its provenance; it appears only if the body succeeds."""
        with create_hdf5(path) as (handle, check):
            handle.attrs["kind"] = kind
            handle.attrs["spec"] = json.dumps(spec, sort_keys=True)
            handle.attrs["units"] = json.dumps(units)
            names = ("jetpulse", "numpy", "h5py", *packages)
            versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
            handle.attrs["versions"] = json.dumps(versions)
            for name, value in attributes.items():
                handle.attrs[name] = value
            yield cls(handle, check)

    def describe(self, **attributes: Any) -> None:
        """Add root attributes that only the entries tell."""
        for name, value in attributes.items():
            self._handle.attrs[name] = value
        self._check()

    def append(self, split: str, block: Block) -> None:
        """Append a block to a split; the first one, which may be empty, decides names, shapes and dtypes."""
        group = self._handle.require_group(split)
        for name, values in block.entries.items():
            _extend(group, name, values)
        if block.offsets is not None:
            if "offsets" not in group:
                _extend(group, "offsets", np.zeros(1, np.int64))
            _extend(group, "offsets", block.offsets[1:] + self._flat_total[split])
            for name, values in block.flat.items():
                _extend(group, name, values)
                group[name].attrs["ragged"] = True
            self._flat_total[split] += int(block.offsets[-1])
        self._check()


def _extend(group: h5py.Group, name: str, values: np.ndarray) -> None:
    if name not in group:
        row_bytes = values.dtype.itemsize * math.prod(values.shape[1:])
        group.create_dataset(
            name,
            data=values,
            maxshape=(None, *values.shape[1:]),
            chunks=(max(1, min(CHUNK_ROWS, CHUNK_BYTES // row_bytes)), *values.shape[1:]),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        return
    dataset = group[name]
    start = dataset.shape[0]
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values


def read_attributes(path: str | Path, kind: str | None = None) -> dict[str, Any]:
    """Return the root attributes, JSON ones decoded.

    Raises:
        UserError: the file is of another kind or was not made by this project.
    """
    with open_hdf5(path) as handle:
        attributes = {name: handle.attrs[name] for name in handle.attrs}
    found = attributes.get("kind")
    if found is None or (kind is not None and found != kind):
        expected = kind or "any kind written by jetpulse"
        raise UserError(f"{path}: is of kind {found!r}, expected {expected!r}; check the path")
    for name in ("spec", "units", "versions"):
        if name not in attributes:
            raise UserError(f"{path}: lacks the attribute {name!r}; make the file again")
        attributes[name] = json.loads(attributes[name])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in attributes.items()}


def split_sizes(path: str | Path) -> dict[str, int]:
    """Return the number of entries of every split that the file has."""
    with open_hdf5(path) as handle:
        return {split: len(_dataset(handle, path, split, "event")) for split in SPLITS if split in handle}


def _dataset(handle: h5py.File, path: str | Path, split: str, name: str) -> h5py.Dataset:
    if not isinstance(handle.get(split), h5py.Group):
        found = ", ".join(handle) or "nothing"
        raise UserError(f"{path}: no group {split!r}, found {found}; was the file made by jetpulse?")
    if name not in handle[split]:
        found = ", ".join(handle[split]) or "nothing"
        raise UserError(f"{path}: no dataset {split}/{name}, found {found}; make the file again")
    return handle[split][name]


def read_block(path: str | Path, split: str, start: int = 0, stop: int | None = None) -> Block:
    """Read entries ``start:stop`` of a split, offsets counted from the block's own beginning.

    Raises:
        UserError: missing split, datasets of unequal length, or a damaged file.
    """
    with open_hdf5(path) as handle:
        n = len(_dataset(handle, path, split, "event"))
        group = handle[split]
        ragged = [name for name in group if group[name].attrs.get("ragged", False)]
        _check_lengths(group, n, ragged, path, split)
        stop = n if stop is None else min(stop, n)
        try:
            entries = {name: group[name][start:stop] for name in group if name != "offsets" and name not in ragged}
            if "offsets" not in group:
                return Block(entries)
            offsets = group["offsets"][start : stop + 1]
            flat = {name: group[name][offsets[0] : offsets[-1]] for name in ragged}
        except OSError as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: split {split!r} cannot be read ({reason}); make the file again") from error
        return Block(entries, offsets - offsets[0], flat)


def _check_lengths(group: h5py.Group, n: int, ragged: list[str], path: str | Path, split: str) -> None:
    """Refuse a split whose datasets do not belong together."""
    if ragged and "offsets" not in group:
        raise UserError(f"{path}: no dataset {split}/offsets beside {', '.join(ragged)}; make the file again")
    expected = {name: n for name in group if name not in ragged}
    if "offsets" in group:
        expected["offsets"] = n + 1
        total = int(group["offsets"][-1]) if len(group["offsets"]) else 0
        expected |= dict.fromkeys(ragged, total)
    for name, length in expected.items():
        if len(group[name]) != length:
            found = len(group[name])
            raise UserError(f"{path}: {split}/{name} has length {found}, expected {length}; make the file again")


def iterate_blocks(path: str | Path, split: str, rows: int = 10_000) -> Iterator[Block]:
    """Yield a split in blocks of ``rows`` entries; an empty split yields one empty block."""
    with open_hdf5(path) as handle:
        n = len(_dataset(handle, path, split, "event"))
    for start in range(0, max(n, 1), rows):
        yield read_block(path, split, start, start + rows)
