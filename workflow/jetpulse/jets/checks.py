"""Checks at the door: what every block of jets must satisfy before it enters the workflow."""

from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.jets.kinematics import COLUMNS
from jetpulse.samples import Block


def check_jets(block: Block, path: str | Path) -> None:
    """Refuse jets that cannot be physical.

    Raises:
        UserError: names the file, the first offending event and constituent, and what is wrong.
    """
    constituents, offsets = block.flat["constituents"], block.offsets
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if len(empty):
        raise UserError(
            f"{path}: event {_row(block, empty[0])}: the jet has no constituents ({len(empty)} such jets); remove it"
        )
    bad = np.argwhere(~np.isfinite(constituents))
    if len(bad):
        where = _locate(block, bad[0, 0])
        raise UserError(
            f"{path}: {where}: {COLUMNS[bad[0, 1]]} is {constituents[tuple(bad[0])]}, expected a finite number; "
            "repair the file"
        )
    negative = np.flatnonzero(constituents[:, 0] <= 0)
    if len(negative):
        energy = constituents[negative[0], 0]
        raise UserError(
            f"{path}: {_locate(block, negative[0])}: E is {energy:g} GeV, expected a positive energy; repair the file"
        )


def _row(block: Block, index: int) -> int:
    """Return the row in the file of an entry (the low bits of its event id)."""
    return int(block.entries["event"][index]) & ((1 << 32) - 1)


def _locate(block: Block, row: int) -> str:
    jet = int(np.searchsorted(block.offsets, row, side="right")) - 1
    return f"event {_row(block, jet)}, constituent {row - block.offsets[jet]}"
