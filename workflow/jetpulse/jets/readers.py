"""Readers of jets in the field's file formats, streamed in blocks.

Every reader yields ``Block``s with ``event`` int64 (file number << 40 | row), ``label`` int8, offsets and
``constituents`` float32 (total, 4): E, px, py, pz in GeV, hardest first.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - importing it lets h5py read blosc-compressed files
import numpy as np

from jetpulse.errors import UserError
from jetpulse.jets.kinematics import COLUMNS, pt_eta_phi
from jetpulse.samples import Block, counts_to_offsets, open_hdf5

_LABEL = "is_signal_new"


def read_top_tagging(path: str | Path, file_number: int = 0, rows: int = 10_000) -> Iterator[Block]:
    """Yield the jets of a file in the public top-tagging layout, ``rows`` at a time.

    The layout is a pandas-0.15 ``frame_table`` under key ``table`` (Zenodo 2603256, arXiv:1902.09914): float32
    columns E_0, PX_0, PY_0, PZ_0, E_1, ... in ``values_block_0``, the label ``is_signal_new`` in ``values_block_1``.
    The attributes hold column names as pickles; they are searched as text, never unpickled.

    Raises:
        UserError: not that layout, a missing column, or unreadable data.
    """
    with open_hdf5(path) as handle:
        table = _open_table(handle, path)
        momenta = _momentum_columns(table, path)
        label = _column_names(table, path, "values_block_1").index(_LABEL)
        for start in range(0, len(table), rows):
            try:
                chunk = table[start : start + rows]
            except OSError as error:
                reason = str(error).splitlines()[0]
                raise UserError(
                    f"{path}: events from row {start} cannot be read ({reason}); fetch the file again"
                ) from error
            values = chunk["values_block_0"][:, momenta]
            event = np.arange(start, start + len(chunk), dtype=np.int64) + (file_number << 40)
            yield _compress(event, chunk["values_block_1"][:, label], values, path, start)


def _open_table(handle: h5py.File, path: str | Path) -> h5py.Dataset:
    table = handle.get("table/table")
    if not isinstance(table, h5py.Dataset):
        found = ", ".join(handle) or "nothing"
        raise UserError(
            f"{path}: no pandas table under key 'table', found {found}; is this the public top-tagging layout?"
        )
    wanted = {"values_block_0", "values_block_1"}
    missing = wanted - set(table.dtype.names or ())
    if missing:
        raise UserError(
            f"{path}: table lacks {', '.join(sorted(missing))}, found {table.dtype.names}; expected the public layout"
        )
    return table


def _column_names(table: h5py.Dataset, path: str | Path, block: str) -> list[str]:
    """Return the names of a block's columns, found in the text of the protocol-0 pickle."""
    text = table.attrs.get(f"{block}_kind", b"")
    text = text if isinstance(text, str) else bytes(text).decode("ascii", "replace")
    names = re.findall(r"(?:^|\n|\()[aI0-9p(l\n.]*?V([A-Za-z_][A-Za-z0-9_]*)", text)
    width = table.dtype[block].shape[0] if table.dtype[block].shape else 1
    if len(names) != width:
        raise UserError(
            f"{path}: {block} has {width} columns but names {len(names)}; expected the public top-tagging layout"
        )
    if block == "values_block_1" and _LABEL not in names:
        raise UserError(f"{path}: no column {_LABEL!r}, found {', '.join(names)}; the label column must have that name")
    return names


def _momentum_columns(table: h5py.Dataset, path: str | Path) -> np.ndarray:
    """Return the positions (constituents, 4) of E, px, py, pz of every constituent."""
    where = {name: i for i, name in enumerate(_column_names(table, path, "values_block_0"))}
    count = 1 + max((int(name[2:]) for name in where if re.fullmatch(r"E_\d+", name)), default=-1)
    wanted = [[f"{column.upper()}_{i}" for column in COLUMNS] for i in range(max(count, 1))]
    missing = [name for row in wanted for name in row if name not in where]
    if missing:
        raise UserError(
            f"{path}: no column {missing[0]!r} ({len(missing)} missing); "
            "expected E_i, PX_i, PY_i, PZ_i for each constituent"
        )
    return np.array([[where[name] for name in row] for row in wanted])


def _compress(event: np.ndarray, label: np.ndarray, values: np.ndarray, path: str | Path, start: int) -> Block:
    """Drop the zero padding of values (n, constituents, 4) and sort by pT."""
    filled = values.any(axis=2)
    counts = filled.sum(axis=1)
    flat = values[filled]
    if np.isfinite(flat).all():  # what is not is left in place, so that the check names its place in the file
        pt, _, _ = pt_eta_phi(flat)
        flat = flat[np.lexsort((-pt, np.repeat(np.arange(len(counts)), counts)))]
    wrong = np.flatnonzero((label != 0) & (label != 1))
    if len(wrong):
        raise UserError(f"{path}: event {start + wrong[0]}: label is {label[wrong[0]]}, expected 0 (QCD) or 1 (top)")
    return Block(
        {"event": event, "label": label.astype(np.int8)},
        counts_to_offsets(counts),
        {"constituents": flat},
    )


READERS = {"top-tagging": read_top_tagging}
