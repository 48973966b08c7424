"""Reading and writing the HDF5 contract in blocks, so that memory does not grow with the file.

Layout: one group per split (``train``, ``val``, ``test``); in it entry-wise datasets (``event`` int64 (n,),
``label`` int8 (n,), ...), and for ragged data ``offsets`` int64 (n + 1) with flat datasets. Root attributes:
``kind``, ``spec`` (JSON), ``versions`` (JSON), ``units`` (JSON) and what the kind needs.
"""

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples.files import open_hdf5, publish
from jetpulse.samples.ragged import take_ragged

SPLITS = ("train", "val", "test")
CHUNK_ROWS = 1 << 14


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

    def __init__(self, handle: h5py.File) -> None:
        """Wrap an open, empty HDF5 file."""
        self._handle = handle
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
        with publish(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as handle:
            handle.attrs["kind"] = kind
            handle.attrs["spec"] = json.dumps(spec, sort_keys=True)
            handle.attrs["units"] = json.dumps(units)
            names = ("jetpulse", "numpy", "h5py", *packages)
            versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
            handle.attrs["versions"] = json.dumps(versions)
            for name, value in attributes.items():
                handle.attrs[name] = value
            yield cls(handle)

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


def _extend(group: h5py.Group, name: str, values: np.ndarray) -> None:
    if name not in group:
        group.create_dataset(
            name,
            data=values,
            maxshape=(None, *values.shape[1:]),
            chunks=(max(1, min(CHUNK_ROWS, (1 << 22) // max(1, values[:1].nbytes))), *values.shape[1:]),
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
        attributes[name] = json.loads(attributes[name])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in attributes.items()}


def split_sizes(path: str | Path) -> dict[str, int]:
    """Return the number of entries of every split that the file has."""
    with open_hdf5(path) as handle:
        return {split: len(_dataset(handle, path, split, "event")) for split in SPLITS if split in handle}


def _dataset(handle: h5py.File, path: str | Path, split: str, name: str) -> h5py.Dataset:
    if split not in handle:
        found = ", ".join(handle) or "nothing"
        raise UserError(f"{path}: no group {split!r}, found {found}; was the file made by `jetpulse build-samples`?")
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
        stop = n if stop is None else min(stop, n)
        group = handle[split]
        try:
            if "offsets" not in group:
                entries = {name: dataset[start:stop] for name, dataset in group.items()}
                return Block(_equal_lengths(entries, stop - start, path, split))
            offsets = group["offsets"][start : stop + 1]
            total = int(group["offsets"][-1])
            lengths = {name: len(dataset) for name, dataset in group.items() if name != "offsets"}
            ragged = {name for name in lengths if group[name].attrs.get("ragged", False)}
            entries = {name: group[name][start:stop] for name in lengths if name not in ragged}
            flat = {name: group[name][offsets[0] : offsets[-1]] for name in ragged}
        except OSError as error:
            raise UserError(f"{path}: split {split!r} cannot be read ({error}); make the file again") from error
        wrong = [name for name in ragged if lengths[name] != total]
        if wrong or len(offsets) != stop - start + 1:
            raise UserError(f"{path}: {split}: lengths of {', '.join(wrong) or 'offsets'} disagree; make it again")
        return Block(_equal_lengths(entries, stop - start, path, split), offsets - offsets[0], flat)


def _equal_lengths(entries: dict[str, np.ndarray], n: int, path: str | Path, split: str) -> dict[str, np.ndarray]:
    wrong = {name: len(values) for name, values in entries.items() if len(values) != n}
    if wrong:
        raise UserError(f"{path}: {split}: expected {n} entries, found {wrong}; make the file again")
    return entries


def iterate_blocks(path: str | Path, split: str, rows: int = 10_000) -> Iterator[Block]:
    """Yield a split in blocks of ``rows`` entries; an empty split yields one empty block."""
    n = split_sizes(path).get(split, 0)
    for start in range(0, max(n, 1), rows):
        yield read_block(path, split, start, start + rows)
