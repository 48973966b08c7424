"""Reader of tables in pandas' fixed-format HDF5, with h5py alone: nothing is unpickled.

Such a file has a group for every frame (attribute ``pandas_type`` = ``frame``). Columns of one dtype are a block:
``block0_values`` (rows, columns) where its attribute ``transposed`` is set, else (columns, rows), and
``block0_items``, the names of its columns; ``axis0`` holds the names of all columns in their order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - importing it lets h5py read blosc-compressed files
import numpy as np

from jetpulse.errors import UserError, reason
from jetpulse.samples import open_hdf5
from jetpulse.samples.hdf5 import DAMAGED, ended_by_signals


@dataclass(frozen=True)
class _Columns:
    """A block of columns of one dtype: where its values are, and at which columns of the frame they belong."""

    values: h5py.Dataset
    transposed: bool
    position: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.values.shape if self.transposed else self.values.shape[::-1]


@dataclass(frozen=True)
class Frame:
    """An open frame of numbers: ``rows`` by ``columns``; ``names`` of these, empty where they are no plain text."""

    path: Path
    rows: int
    columns: int
    _blocks: tuple[_Columns, ...]
    names: tuple[str, ...] = ()

    def column(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return rows ``start:stop`` of a column as the file has them, (n,), whole numbers with all their digits.

        Raises:
            UserError: no such column, or damaged data.
        """
        if name not in self.names:
            found = ", ".join(self.names[:8]) or "none with names"
            raise UserError(f"{self.path}: no column {name!r}; there are: {found}")
        place = self.names.index(name)
        block = next(block for block in self._blocks if place in block.position)
        at = int(np.flatnonzero(block.position == place)[0])
        return self._rows(block, start, min(stop, self.rows), at)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows ``start:stop`` as float64 (n, columns).

        Raises:
            UserError: damaged data.
        """
        stop = min(stop, self.rows)
        table = np.empty((stop - start, self.columns))
        for block in self._blocks:
            table[:, block.position] = self._rows(block, start, stop, slice(None))
        return table

    def _rows(self, block: _Columns, start: int, stop: int, columns: int | slice) -> np.ndarray:
        try:
            return block.values[start:stop, columns] if block.transposed else block.values[columns, start:stop].T
        except DAMAGED as error:
            raise UserError(
                f"{self.path}: rows from {start} cannot be read ({reason(error)}); fetch or make the file again"
            ) from error


@contextmanager
def open_frame(path: str | Path, key: str) -> Iterator[Frame]:
    """Open the frame ``key`` of a pandas HDF5 file in fixed format, or its only frame whatever that is called.

    Raises:
        UserError: missing, damaged or truncated file; no such frame; columns that are not numbers; no rows.
    """
    with open_hdf5(path) as handle:
        try:
            with ended_by_signals():
                frame = _frame(_group(handle, path, key), Path(path))
        except DAMAGED as error:
            raise UserError(f"{path}: is damaged ({reason(error)}); fetch or make it again") from error
        yield frame


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _group(handle: h5py.File, path: str | Path, key: str) -> h5py.Group:
    kinds = {name: _text(item.attrs.get("pandas_type", "")) for name, item in handle.items()}
    frames = [name for name, kind in kinds.items() if kind == "frame"]
    if key in frames or len(frames) == 1:
        return handle[key if key in frames else frames[0]]
    if frames:
        raise UserError(f"{path}: holds the frames {', '.join(frames)}; name the one that is meant {key!r}")
    found = ", ".join(f"{name} ({kind or 'not of pandas'})" for name, kind in kinds.items()) or "nothing"
    raise UserError(
        f"{path}: no pandas frame in fixed format, found {found}; "
        f"write it with DataFrame.to_hdf(path, key={key!r}, format='fixed')"
    )


def _frame(group: h5py.Group, path: Path) -> Frame:
    name = group.name.lstrip("/")
    number = group.attrs.get("nblocks", 0)
    number = min(int(number), len(group)) if isinstance(number, int | np.integer) else 0  # damaged ones may be huge
    datasets = [group.get(f"block{i}_values") for i in range(number)]
    if not datasets or any(d is not None and "shape" in d.attrs for d in datasets):  # so pandas marks what is empty
        raise UserError(f"{path}: the frame {name!r} has no rows or no columns; give a file that has some")
    blocks = []
    for i, values in enumerate(datasets):
        where = f"{name}/block{i}_values"
        if not isinstance(values, h5py.Dataset):
            raise UserError(f"{path}: the frame lacks {where}; fetch or make the file again")
        if values.dtype.kind not in "iuf" or "time" in _text(values.attrs.get("value_type", "")):
            raise UserError(f"{path}: {where} does not hold numbers; leave such columns out")
        if values.ndim != 2:
            raise UserError(f"{path}: {where} has {values.ndim} dimensions, expected 2; make the file again")
        transposed = bool(values.attrs.get("transposed", False))
        columns = values.shape[1 if transposed else 0]
        position = np.arange(columns) if len(datasets) == 1 else _positions(group, i, columns, path)
        blocks.append(_Columns(values, transposed, position))
    rows = {block.shape[0] for block in blocks}
    placed = np.sort(np.concatenate([block.position for block in blocks]))
    if len(rows) > 1 or not np.array_equal(placed, np.arange(len(placed))):
        raise UserError(f"{path}: the blocks of the frame {name!r} do not fit together; make the file again")
    if rows == {0} or not len(placed):
        raise UserError(f"{path}: the frame {name!r} has no rows or no columns; give a file that has some")
    return Frame(path, rows.pop(), len(placed), tuple(blocks), _column_names(group, len(placed)))


def _column_names(group: h5py.Group, columns: int) -> tuple[str, ...]:
    found = group.get("axis0")
    if not isinstance(found, h5py.Dataset) or found.shape != (columns,) or found.dtype.kind not in "iufS":
        return ()
    names = tuple(_text(name) for name in found[()].tolist())
    return names if len(set(names)) == columns else ()


def _positions(group: h5py.Group, number: int, columns: int, path: Path) -> np.ndarray:
    """Return where in the frame the columns of a block belong, (columns,)."""
    names = []
    for key in ("axis0", f"block{number}_items"):
        found = group.get(key)
        if not isinstance(found, h5py.Dataset) or found.ndim != 1 or found.dtype.kind not in "iufS":
            raise UserError(
                f"{path}: {group.name.lstrip('/')}/{key} does not name the columns by plain text or numbers; "
                "convert all columns to one type (DataFrame.astype(float)) and write the file again"
            )
        names.append(found[()].tolist())
    where = {name: i for i, name in enumerate(names[0])}
    if len(names[1]) != columns or not set(names[1]) <= set(where):
        raise UserError(f"{path}: {group.name.lstrip('/')}/block{number}_items does not fit; make the file again")
    return np.array([where[name] for name in names[1]])
