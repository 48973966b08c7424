"""Reader of the public top-tagging layout (Zenodo 2603256, arXiv:1902.09914), with h5py alone: nothing is unpickled.

The layout is a pandas-0.15 ``frame_table`` under key ``table``: float32 columns E_0, PX_0, PY_0, PZ_0, E_1, ... in
``values_block_0``, padded with zeros, and the label ``is_signal_new`` in ``values_block_1``. Attributes hold the column
names as pickles of protocol 0, which are searched as text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - importing it lets h5py read blosc-compressed files
import numpy as np

from jetpulse.config import JetSource
from jetpulse.errors import UserError, plain
from jetpulse.jets.kinematics import COLUMNS
from jetpulse.jets.readers.base import Chunk, event_names, missing_name, reading
from jetpulse.jets.readers.padding import drop_zeros
from jetpulse.samples import open_hdf5

_LABEL = "is_signal_new"
_BLOCKS = ("values_block_0", "values_block_1")
_MOST_BYTES = 64 << 20  # of rows in a block
_CACHE_BYTES = 3 << 19  # of rows at a time: what the processor's second cache holds
_WIDEST_ROW = 1 << 24  # bytes; more are not believed, a damaged file may claim any number


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the jets of a file in the public top-tagging layout, ``rows`` at a time.

    Raises:
        UserError: not that layout, a missing column, or unreadable data.
    """
    with open_hdf5(path) as handle:
        with reading(path, "the table"):
            table = _open_table(handle, path)
            momenta = _momentum_columns(table, path)
            label = None if labelled else _label_column(table, path)
            events = _event_columns(table, event_names(source, (), exported=False), path)
            rows = max(1, min(rows, len(table), _MOST_BYTES // table.dtype.itemsize))
            scratch = _Scratch.of(rows, momenta, table)
        for start in range(0, len(table), rows):
            stop = min(start + rows, len(table))
            with reading(path, f"events from row {start}"):
                total = scratch.fill(table, momenta, label, start, stop)
                event = {name: _column(table, *place, start, stop) for name, place in events.items()}
            n = stop - start
            labels = None if label is None else scratch.label[:n].copy()
            yield Chunk(
                *(np.arange(start, stop), labels, scratch.counts[:n].copy(), scratch.flat[:total].copy()), event=event
            )


@dataclass(frozen=True)
class _Scratch:
    """Memory that all blocks use; new memory for each would cost more than to decompress it.

    Rows pass through ``rows``, so few at a time that they are still in the processor's cache when they are looked at.
    """

    rows: np.ndarray
    row_type: h5py.h5t.TypeID
    view: np.ndarray | None  # of the momenta in ``rows``, where all their columns stand in order
    label: np.ndarray
    counts: np.ndarray
    flat: np.ndarray

    @classmethod
    def of(cls, n: int, momenta: np.ndarray, table: h5py.Dataset) -> "_Scratch":
        """Return memory for blocks of n jets."""
        chunk = table.chunks[0] if table.chunks else 1
        few = max(1, min(n, max(1, _CACHE_BYTES // (table.dtype.itemsize * chunk)) * chunk))
        rows = np.empty(few, table.dtype)
        flat = np.empty((n * len(momenta), 4), np.float32)
        view = _view(rows["values_block_0"], momenta)
        row_type = h5py.h5t.py_create(table.dtype)
        return cls(rows, row_type, view, np.empty(n, np.int64), np.empty(n, np.int64), flat)

    def fill(self, table: h5py.Dataset, momenta: np.ndarray, label: int | None, start: int, stop: int) -> int:
        """Read rows of the table; return how many constituents they have."""
        total = 0
        space = table.id.get_space()
        for first in range(start, stop, len(self.rows)):
            part = self.rows[: min(len(self.rows), stop - first)]
            # Not table.read_direct, which makes the type of the rows anew each time, as slow as reading them.
            space.select_hyperslab((first,), part.shape)
            table.id.read(h5py.h5s.create_simple(part.shape), space, part, self.row_type)
            where = slice(first - start, first - start + len(part))
            values = part["values_block_0"][:, momenta] if self.view is None else self.view[: len(part)]
            total += drop_zeros(values, self.counts[where], self.flat[total:])
            if label is not None:
                self.label[where] = part["values_block_1"].reshape(len(part), -1)[:, label]
        return total


def _view(values: np.ndarray, momenta: np.ndarray) -> np.ndarray | None:
    """Return the momenta (n, constituents, 4) in columns (n, columns) without a copy, None if they are not in order."""
    first, width = momenta[0, 0], momenta.size
    if not np.array_equal(momenta.ravel(), np.arange(first, first + width)):
        return None
    row, column = values.strides
    shape = (len(values), len(momenta), 4)
    return np.lib.stride_tricks.as_strided(values[:, first:], shape, (row, 4 * column, column), writeable=False)


def _open_table(handle: h5py.File, path: Path) -> h5py.Dataset:
    table = handle.get("table/table")
    if not isinstance(table, h5py.Dataset):
        found = ", ".join(map(plain, handle)) or "nothing"
        raise UserError(
            f"{path}: no pandas table under key 'table', found {found}; is this the public top-tagging layout?"
        )
    missing = set(_BLOCKS) - set(table.dtype.names or ())
    if missing:
        raise UserError(
            f"{path}: table lacks {', '.join(sorted(missing))}, found {plain(table.dtype.names)}; "
            "expected the public layout"
        )
    types = [table.dtype[name] for name in _BLOCKS]
    if table.ndim != 1 or any(len(t.shape) > 1 for t in types) or types[0].base != "<f4" or types[1].base.kind != "i":
        found = plain(", ".join(f"{name} {kind}" for name, kind in zip(_BLOCKS, types, strict=True)))
        raise UserError(f"{path}: table holds {found}; expected rows of float32 and whole numbers, the public layout")
    if table.dtype.itemsize > _WIDEST_ROW:
        raise UserError(f"{path}: rows of {table.dtype.itemsize} bytes are not believed; fetch the file again")
    return table


def _column_names(table: h5py.Dataset, path: Path, block: str) -> list[str]:
    """Return the names of a block's columns, found in the text of the protocol-0 pickle."""
    text = table.attrs.get(f"{block}_kind", b"")
    text = text if isinstance(text, str) else bytes(text).decode("ascii", "replace")
    names = re.findall(r"(?:^|\n|\()[aI0-9p(l\n.]*?V([A-Za-z_][A-Za-z0-9_]*)", text)
    width = table.dtype[block].shape[0] if table.dtype[block].shape else 1
    if len(names) != width:
        raise UserError(
            f"{path}: {block} has {width} columns but names {len(names)}; expected the public top-tagging layout"
        )
    return names


def _label_column(table: h5py.Dataset, path: Path) -> int:
    names = _column_names(table, path, "values_block_1")
    if _LABEL not in names:
        raise UserError(f"{path}: no column {_LABEL!r}, found {', '.join(names)}; the label column must have that name")
    return names.index(_LABEL)


def _event_columns(table: h5py.Dataset, names: Sequence[str], path: Path) -> dict[str, tuple[str, int]]:
    """Return where the columns are that name an event: the field of a row, and the place in it."""
    found = {name: (name, 0) for name in table.dtype.names if not table.dtype[name].shape}
    for block in table.dtype.names if names else ():
        if f"{block}_kind" in table.attrs:
            found |= {name: (block, i) for i, name in enumerate(_column_names(table, path, block))}
    for name in names:
        if name not in found:
            raise missing_name(path, "column", name, found)
    return {name: found[name] for name in names}


def _column(table: h5py.Dataset, field: str, place: int, start: int, stop: int) -> np.ndarray:
    """Return a column (n) of rows ``start:stop``."""
    return table.fields(field)[start:stop].reshape(stop - start, -1)[:, place]


def _momentum_columns(table: h5py.Dataset, path: Path) -> np.ndarray:
    """Return the positions (constituents, 4) of E, px, py, pz of every constituent."""
    where = {name: i for i, name in enumerate(_column_names(table, path, "values_block_0"))}
    # Not the largest number: a damaged name may hold any.
    count = sum(re.fullmatch(r"E_\d+", name) is not None for name in where)
    wanted = [[f"{column.upper()}_{i}" for column in COLUMNS] for i in range(max(count, 1))]
    missing = [name for row in wanted for name in row if name not in where]
    if missing:
        raise UserError(
            f"{path}: no column {missing[0]!r} ({len(missing)} missing); "
            "expected E_i, PX_i, PY_i, PZ_i for each constituent"
        )
    return np.array([[where[name] for name in row] for row in wanted])
