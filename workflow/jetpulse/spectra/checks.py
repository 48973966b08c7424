"""Checks at the door: what spectra from files must satisfy before they enter the workflow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples.frames import Frame


def check_sizes(frames: Sequence[Frame], targets: Sequence[Frame], others: int = 0) -> None:
    """Refuse files that do not belong together; so many ``others`` of the columns are no bins.

    Raises:
        UserError: other bins or other lines than in the first file, or fluxes for another number of spectra.
    """
    for found, first, what in [(f, frames[0], "bins") for f in frames] + [(t, targets[0], "lines") for t in targets]:
        if found.columns != first.columns:
            raise UserError(
                f"{found.path}: has {found.columns} {what}, but {first.path} has {first.columns}; "
                f"all files of a dataset need the same number of {what}"
            )
    if frames[0].columns - others < 2:
        raise UserError(f"{frames[0].path}: has 1 bin, a spectrum needs at least 2; a row is a spectrum")
    for frame, target in zip(frames, targets, strict=len(targets) > 0):
        if frame.rows != target.rows:
            raise UserError(
                f"{target.path}: has fluxes of {target.rows} spectra, but {frame.path} holds {frame.rows}; "
                "give a row for each spectrum, in the same order"
            )


def check_counts(counts: np.ndarray, path: str | Path, first: int = 0) -> None:
    """Refuse counts (n, bins) that cannot be; ``first`` is the row in the file where they begin.

    Raises:
        UserError: names the file, the row and the bin.
    """
    # What float32 cannot hold is no count either; NaN fails every comparison.
    wrong = np.argwhere(~((counts >= 0) & (counts <= np.finfo(np.float32).max)))
    if len(wrong):
        row, column = wrong[0]
        raise UserError(
            f"{path}: row {first + row}, bin {column}: the count is {counts[row, column]:g}, expected a finite number "
            "from 0 on; repair the file"
        )


def check_flux(flux: np.ndarray, path: str | Path, first: int = 0) -> None:
    """Refuse fluxes (n, lines) that no number of float32 can be; ``first`` is the row in the file where they begin.

    Raises:
        UserError: names the file, the row and the line.
    """
    wrong = np.argwhere(~(np.abs(flux) <= np.finfo(np.float32).max))  # NaN is among them
    if len(wrong):
        row, column = wrong[0]
        raise UserError(
            f"{path}: row {first + row}: the flux of line {column + 1} is {flux[row, column]}, expected a finite "
            "number that float32 can hold; repair the file"
        )
