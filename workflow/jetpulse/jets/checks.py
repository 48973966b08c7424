"""Checks at the door: what every block of jets must satisfy before it enters the workflow."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from jetpulse.compiling import compiled
from jetpulse.errors import UserError
from jetpulse.jets.kinematics import COLUMNS, jet_momenta, pt_eta_phi
from jetpulse.samples import Block, row_of

# E, px, py, pz are rounded to float32 (2^-24 of each) after a few operations that may round as often: room for sixteen.
ROUNDING = 2.0**-20
MOST_PT = 50_000.0  # GeV; no collider reaches a median so high, MeV do
MOST_ENERGY = 1e8  # GeV of a constituent: 100 TeV, the most that any beam is planned for, if MeV are taken for GeV
_SWAPPED = 0.5  # of the constituents have E < |p|: more than damage, another order of the columns
_FITS = 0.99
_SIGMAS = 4.0  # chance makes one block in 16,000 deviate so far
_BALANCE_ROWS = 10_000


def check_jets(block: Block, path: str | Path, order: Literal["repair", "refuse"] | None = None) -> Block:
    """Refuse jets that cannot be physical; return the block, its constituents sorted by pT if that is asked for.

    Args:
        block: jets with ``event``, offsets and ``constituents`` float32 (total, 4); maybe ``row`` in the file.
        path: the file they come from, for messages.
        order: of constituents that are not sorted hardest first: sort them, refuse them, or (None) do not look.

    Raises:
        UserError: names the file, the first offending event and constituent, and what is wrong.
    """
    constituents, offsets = block.flat["constituents"], block.offsets
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if len(empty):
        raise UserError(
            f"{path}: event {_row(block, empty[0])}: the jet has no constituents ({len(empty)} such jets); remove it"
        )
    unphysical, unsorted = _scan(constituents, offsets)
    if unphysical:
        _explain(block, path)
    _check_unit(block, path)
    if order is None or unsorted < 0:
        return block
    if order == "refuse":
        raise UserError(
            f"{path}: {_locate(block, unsorted)}: has a larger pT than the one before it; sort the constituents by pT, "
            "hardest first, or set `order: repair`"
        )
    pt, _, _ = pt_eta_phi(constituents)
    by_pt = np.lexsort((-pt, np.repeat(np.arange(len(block)), np.diff(offsets))))
    return Block(block.entries, offsets, {"constituents": constituents[by_pt]})


@compiled(nogil=True)
def _scan(constituents, offsets):
    """Return whether any constituent is unphysical, and the first that is harder than the one before it, or -1."""
    unphysical, unsorted = False, -1
    for jet in range(len(offsets) - 1):
        last = np.inf
        for i in range(offsets[jet], offsets[jet + 1]):
            E, px = np.float64(constituents[i, 0]), np.float64(constituents[i, 1])
            py, pz = np.float64(constituents[i, 2]), np.float64(constituents[i, 3])
            square = px * px + py * py
            lowest = E * (1.0 + ROUNDING)
            # Written so that NaN and infinity fail too.
            if not (square > 0.0 and 0.0 < E <= MOST_ENERGY and square + pz * pz <= lowest * lowest):
                unphysical = True
            if square > last and unsorted < 0:
                unsorted = i
            last = square
    return unphysical, unsorted


def _explain(block: Block, path: str | Path) -> None:
    """Raise the error for the first constituent that is not physical."""
    constituents = block.flat["constituents"]
    bad = np.argwhere(~np.isfinite(constituents))
    if len(bad):
        where = _locate(block, bad[0, 0])
        raise UserError(
            f"{path}: {where}: {COLUMNS[bad[0, 1]]} is {constituents[tuple(bad[0])]}, expected a finite number; "
            "repair the file"
        )
    values = constituents.astype(np.float64)
    momentum = np.linalg.norm(values[:, 1:], axis=1)
    short = values[:, 0] * (1 + ROUNDING) < momentum
    if short.mean() > _SWAPPED:
        _explain_columns(values, _locate(block, int(np.argmax(short))), path)
    negative = np.flatnonzero(values[:, 0] <= 0)
    if len(negative):
        raise UserError(
            f"{path}: {_locate(block, negative[0])}: E is {values[negative[0], 0]:g} GeV, expected a positive energy; "
            "repair the file"
        )
    absurd = np.flatnonzero(values[:, 0] > MOST_ENERGY)
    if len(absurd):
        raise UserError(
            f"{path}: {_locate(block, absurd[0])}: E is {values[absurd[0], 0]:g} GeV ({len(absurd)} such "
            f"constituents), expected at most {MOST_ENERGY:g}; repair the file, or check its `unit`"
        )
    still = np.flatnonzero((values[:, 1] == 0) & (values[:, 2] == 0))
    if len(still):
        raise UserError(
            f"{path}: {_locate(block, still[0])}: pT is 0 ({len(still)} such constituents), so it has no direction in "
            "a jet; leave it out"
        )
    first = np.flatnonzero(short)[0]
    raise UserError(
        f"{path}: {_locate(block, first)}: E is {values[first, 0]:.8g} GeV, less than |p|, {momentum[first]:.8g} GeV "
        f"({int(short.sum())} such constituents); repair the file, or give pt, eta, phi and mass in place of E"
    )


def _explain_columns(values: np.ndarray, where: str, path: str | Path) -> None:
    """Raise the error for columns in another order if one of them can be the energy of most constituents."""
    squares = values**2
    total = squares.sum(axis=1)
    for column in range(1, 4):
        others = total - squares[:, column]
        fits = (values[:, column] > 0) & (others <= (values[:, column] * (1 + ROUNDING)) ** 2)
        if fits.mean() > _FITS:
            right = list(COLUMNS)
            order = [*right[1 : column + 1], "E", *right[column + 1 :]]
            raise UserError(
                f"{path}: {where}: E is less than |p| here and in most constituents, but the column read as "
                f"{right[column]} fits: are the columns in the order {', '.join(order)}? expected E, px, py, pz"
            )


def check_energies(block: Block, path: str | Path) -> None:
    """Refuse jets of a file of our own whose numbers mean nothing; constituents with E < |p| may be looked at.

    Raises:
        UserError: a constituent that is not finite or has no positive energy, or a jet without transverse momentum.
    """
    values = block.flat["constituents"]
    if not (np.isfinite(values).all() and ((values[:, 0] > 0) & (values[:, 0] <= MOST_ENERGY)).all()):
        _explain(block, path)
    _check_pt(block, path)


def _check_pt(block: Block, path: str | Path) -> np.ndarray:
    """Return the jets' pT, (n)."""
    pt, _, _ = pt_eta_phi(jet_momenta(block.flat["constituents"], block.offsets))
    still = np.flatnonzero(pt == 0)
    if len(still):
        raise UserError(
            f"{path}: event {_row(block, still[0])}: the jet's pT is 0 ({len(still)} such jets), so it has no axis; "
            "repair the file"
        )
    return pt


def _check_unit(block: Block, path: str | Path) -> None:
    if not len(block):
        return
    median = np.median(_check_pt(block, path))
    if median > MOST_PT:
        raise UserError(
            f"{path}: event {_row(block, 0)} and what follows: the median jet pT is {median:,.0f} GeV, expected less "
            f"than {MOST_PT:,.0f}; if the file is in MeV, set `unit: MeV`"
        )


def _row(block: Block, index: int) -> int:
    """Return the row in the file of an entry; of a simulation the number of the event within its block."""
    return row_of(block.entries["row" if "row" in block.entries else "event"][index])


def _locate(block: Block, row: int) -> str:
    jet = int(np.searchsorted(block.offsets, row, side="right")) - 1
    return f"event {_row(block, jet)}, constituent {row - block.offsets[jet]}"


@dataclass
class Balance:
    """Counts signal jets in every 10,000 of a file, to find stretches that are not mixed as chance would have it."""

    _signal: Counter[tuple[str, int]] = field(default_factory=Counter)
    _total: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, path: str, label: np.ndarray) -> None:
        """Count the next jets of a file."""
        first = sum(n for (name, _), n in self._total.items() if name == path)
        blocks = (first + np.arange(len(label))) // _BALANCE_ROWS
        for block in np.unique(blocks):
            inside = label[blocks == block]
            self._signal[path, int(block)] += int(inside.sum())
            self._total[path, int(block)] += len(inside)

    def deviations(self) -> Iterator[str]:
        """Yield a line for every full stretch of a file whose fraction of signal deviates by more than four sigma."""
        for path in dict.fromkeys(name for name, _ in self._total):
            keys = [key for key in self._total if key[0] == path]
            fraction = sum(self._signal[key] for key in keys) / sum(self._total[key] for key in keys)
            for key in keys:
                n = self._total[key]
                sigma = np.sqrt(fraction * (1 - fraction) / n)
                found = self._signal[key] / n
                if n == _BALANCE_ROWS and abs(found - fraction) > _SIGMAS * sigma:
                    start = key[1] * _BALANCE_ROWS
                    yield (
                        f"{path}: jets {start} to {start + n - 1}: {found:.1%} signal, {fraction:.1%} in the file, "
                        f"{abs(found - fraction) / sigma:.0f} standard deviations away; the file is not well mixed"
                    )
