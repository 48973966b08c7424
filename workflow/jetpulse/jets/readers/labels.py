"""Classes of jets from columns of 0 and 1 in their file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from jetpulse.config import Label
from jetpulse.errors import UserError
from jetpulse.jets.readers.base import Chunk


def choose(chunk: Chunk, label: Label | None, values: Mapping[str, np.ndarray], path: Path) -> Chunk:
    """Return the chunk with its labels; jets that are neither signal nor background are left out.

    Args:
        chunk: n jets without labels.
        label: what the columns mean; None leaves the chunk as it is.
        values: the columns by name, (n) each.
        path: the file, for messages.

    Raises:
        UserError: a value that is neither 0 nor 1, or a jet that is signal as well as background.
    """
    if label is None:
        return chunk
    for name in label.names():
        _check_flags(values[name], name, chunk.row, path)
    if label.name is not None:
        return replace(chunk, label=values[label.name].astype(np.int8))
    signal = np.any([values[name] != 0 for name in label.signal], axis=0)
    if not label.background:
        return replace(chunk, label=signal.astype(np.int8))
    background = np.any([values[name] != 0 for name in label.background], axis=0)
    both = np.flatnonzero(signal & background)
    if len(both):
        one, other = (
            next(name for name in names if values[name][both[0]] != 0) for names in (label.signal, label.background)
        )
        raise UserError(
            f"{path}: event {chunk.row[both[0]]}: {one} and {other} are both 1, so the jet is signal and background "
            f"({len(both)} such jets here); name columns that exclude each other in `label`"
        )
    kept = signal | background
    momenta = chunk.constituents[np.repeat(kept, chunk.counts)]
    left_out = {**chunk.left_out, "jets: neither signal nor background": int((~kept).sum())}
    event = {name: values[kept] for name, values in chunk.event.items()}
    return Chunk(chunk.row[kept], signal[kept].astype(np.int8), chunk.counts[kept], momenta, left_out, event)


def _check_flags(values: np.ndarray, name: str, row: np.ndarray, path: Path) -> None:
    wrong = np.flatnonzero((values != 0) & (values != 1))  # NaN is among them
    if len(wrong):
        raise UserError(
            f"{path}: event {row[wrong[0]]}: {name} is {values[wrong[0]]:g}, expected 0 or 1, whether the jet is of a "
            f"class or not ({len(wrong)} such jets here); name columns of 0 and 1 in `label`, or repair the file"
        )
