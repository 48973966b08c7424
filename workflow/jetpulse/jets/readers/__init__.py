"""Readers of jets in the field's file formats: one module for each, loaded by name; all stream in blocks.

A module ``jetpulse.jets.readers.FORMAT`` has a function ``read(path, source, labelled, rows)`` that yields ``Chunk``s;
``read_jets`` turns these into the ``Block``s of the samples. Memory does not grow with the number of jets.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.readers.base import IN_GEV, check_file
from jetpulse.jets.readers.momenta import drop_soft
from jetpulse.samples import Block, counts_to_offsets, event_ids, row_ids

ROWS = 10_000


def load_reader(format: str) -> ModuleType:
    """Return the module of a format of the config."""
    return import_module(f"jetpulse.jets.readers.{format.replace('-', '_')}")


def read_jets(
    path: str | Path,
    source: JetSource,
    prefix: Callable[[], int] = lambda: 0,
    label: int | None = None,
    rows: int = ROWS,
    left_out: Counter[str] | None = None,
    named: dict[str, tuple[str, ...]] | None = None,
) -> Iterator[Block]:
    """Yield the jets of a file as blocks: constituents in the order of the file, nothing checked but the labels.

    Args:
        path: the file.
        source: its format and the names in it; its other files do not matter.
        prefix: gives what the ids of events that are rows begin with; 0 leaves the row alone.
        label: class of all jets; None reads it from the file.
        rows: entries of the file read at once.
        left_out: how many were left out, as "jets: REASON" or "constituents: REASON", is added to it.
        named: the columns that name an event are added to it, by path.

    Returns:
        Blocks of ``event`` int64 (n), the same for jets of one event, ``row`` int64 (n) in the file, ``label`` int8
        (n), offsets and ``constituents`` float32 (total, 4): E, px, py, pz in GeV.

    Raises:
        UserError: not that format, or damaged.
    """
    check_file(path, source.format)
    for found in load_reader(source.format).read(Path(path), source, label is not None, rows):
        chunk = drop_soft(found)
        if left_out is not None:
            left_out.update({what: count for what, count in chunk.left_out.items() if count})
        values = chunk.label if label is None else np.full(len(chunk.row), label, np.int8)
        wrong = np.flatnonzero((values != 0) & (values != 1))
        if len(wrong):
            raise UserError(
                f"{path}: event {chunk.row[wrong[0]]}: label is {values[wrong[0]]}, expected 0 (QCD) or 1 (top)"
            )
        if named is not None:
            named[str(path)] = tuple(chunk.event)
        row = chunk.row.astype(np.int64)
        event = event_ids(chunk.event, path, row) if chunk.event else row_ids(prefix(), row)
        entries = {"event": event, "row": row, "label": values.astype(np.int8)}
        yield Block(
            entries, counts_to_offsets(chunk.counts), {"constituents": _to_gev(chunk.constituents, source.unit)}
        )


def _to_gev(constituents: np.ndarray, unit: str) -> np.ndarray:
    factor = IN_GEV[unit]
    if factor == 1.0 and constituents.dtype == np.float32:
        return constituents
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold is refused by the checks
        return (constituents * factor).astype(np.float32)
