"""Reading and writing the HDF5 contract in blocks, so that memory does not grow with the file.

Layout: one group per split (``train``, ``val``, ``test``); in it entry-wise datasets (``event`` int64 (n,),
``label`` int8 (n,), ...), and for ragged data ``offsets`` int64 (n + 1) with flat datasets. Root attributes:
``kind``, ``spec`` (JSON), ``versions`` (JSON), ``units`` (JSON) and what the kind needs. ``seals`` adds checksums.
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
from jetpulse.samples.hdf5 import create_hdf5, explained, once, open_hdf5
from jetpulse.samples.ragged import take_ragged
from jetpulse.samples.schemas import check_structure, check_values
from jetpulse.samples.seals import CHECKSUM, check_seal, read_rows, read_text, seal, set_text

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
            names = ("jetpulse", "numpy", "h5py", *packages)
            versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
            writer = cls(handle, check)
            writer.describe(kind=kind, spec=json.dumps(spec, sort_keys=True), units=json.dumps(units))
            writer.describe(versions=json.dumps(versions), **attributes)
            yield writer
            check()
            seal(handle)

    def describe(self, **attributes: Any) -> None:
        """Add root attributes that only the entries tell."""
        for name, value in attributes.items():
            if isinstance(value, str):
                set_text(self._handle, name, value)
            else:
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
            fletcher32=True,
        )
        return
    dataset = group[name]
    start = dataset.shape[0]
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values


@contextmanager
def open_own(path: str | Path) -> Iterator[h5py.File]:
    """Open a file that this project wrote, as it was written.

    Raises:
        UserError: another file, or one that has changed.
    """
    with open_hdf5(path) as handle:
        once(handle, Path(path), _check_own)
        yield handle


def _check_own(handle: h5py.File, path: Path) -> None:
    if kind_of(handle) is None:
        raise UserError(f"{path}: no file of jetpulse's: it says no kind; check the path")
    check_seal(handle, path)
    check_structure(handle, path)


def kind_of(handle: h5py.File) -> str | None:
    """Return the kind that a file says it is of, None for other people's."""
    found = read_text(handle.attrs.get("kind"))
    return found if isinstance(found, str) else None


def read_attributes(path: str | Path, kind: str | None = None) -> dict[str, Any]:
    """Return the root attributes, JSON ones decoded.

    Raises:
        UserError: the file is of another kind or was not made by this project.
    """
    with open_own(path) as handle, explained(path):
        attributes = {name: read_text(handle.attrs[name]) for name in handle.attrs if name != CHECKSUM}
    found = attributes["kind"]
    if kind is not None and found != kind:
        raise UserError(f"{path}: is of kind {found!r}, expected {kind!r}; check the path")
    for name in ("spec", "units", "versions"):
        if name not in attributes:
            raise UserError(f"{path}: lacks the attribute {name!r}; make the file again")
        attributes[name] = json.loads(attributes[name])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in attributes.items()}


def split_sizes(path: str | Path) -> dict[str, int]:
    """Return the number of entries of every split that the file has."""
    with open_own(path) as handle:
        return {split: len(_dataset(handle, path, split, "event")) for split in SPLITS if split in handle}


def group_names(path: str | Path) -> list[str]:
    """Return the names of a file's groups: its splits, or the datasets of predictions."""
    with open_own(path) as handle:
        return list(handle)


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
    with open_own(path) as handle, explained(path, f"split {split!r} "):
        n = len(_dataset(handle, path, split, "event"))
        group = handle[split]
        ragged = [name for name in group if group[name].attrs.get("ragged", False)]
        _check_lengths(group, n, ragged, path, split)
        stop = n if stop is None else min(stop, n)
        dense = [name for name in group if name != "offsets" and name not in ragged]
        entries = {name: read_rows(group[name], start, stop) for name in dense}
        if "offsets" not in group:
            check_values(handle, split, entries, None, path, start)
            return Block(entries)
        offsets = read_rows(group["offsets"], start, stop + 1)
        flat = {name: read_rows(group[name], int(offsets[0]), int(offsets[-1])) for name in ragged}
        check_values(handle, split, entries | flat, offsets, path, start)
        return Block(entries, offsets - offsets[0], flat)


def read_entries(path: str | Path, split: str, name: str) -> np.ndarray:
    """Return one of the datasets of a split alone, such as `event`.

    Raises:
        UserError: the file does not have it, or is damaged.
    """
    with open_own(path) as handle, explained(path, f"{split}/{name} "):
        values = read_rows(_dataset(handle, path, split, name))
        check_values(handle, split, {name: values}, None, path)
        return values


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
    with open_own(path) as handle:
        n = len(_dataset(handle, path, split, "event"))
    for start in range(0, max(n, 1), rows):
        yield read_block(path, split, start, start + rows)
