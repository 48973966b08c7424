"""Momenta of constituents from the columns of a file: padding cut, numbers that are no pT or angle refused."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.jets.readers.base import Chunk
from jetpulse.jets.readers.padding import PADDING, cut_padding
from jetpulse.samples import counts_to_offsets

_MOST_PHI = 3 * np.pi  # of an angle in radians: within 2 pi, and half a turn from there
_LIGHT = 0.01  # of |p|: what is rounded may have a small negative mass, by convention that of a space-like momentum
_SOFT = "constituents: without transverse momentum"


def momenta_of_lists(
    offsets: np.ndarray, columns: Mapping[str, np.ndarray], fixed: bool, path: Path, start: int
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Return counts (n) and momenta (total, 4) of jets, and how many constituents were left out, by reason.

    Args:
        offsets: of the jets in the columns, (n + 1).
        columns: E, px, py, pz or pt, eta, phi and mass or E (or no mass), (total) each.
        fixed: whether the file's lists have a fixed length, so that they must have padding.
        path: the file, for messages.
        start: event of the first jet, for messages.

    Raises:
        UserError: a negative pt, or angles that are not in radians.
    """
    offsets, values, padding = cut_padding(offsets, columns, fixed)
    left_out = {} if fixed else {PADDING: padding}
    if "pt" in values:
        moving = values["pt"] != 0  # else the others may be anything, eta 999.9 among them
        left_out[_SOFT] = int((~moving).sum())
        if left_out[_SOFT]:
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(moving)])[offsets]
            values = {name: column[moving] for name, column in values.items()}
        _check_polar(values, offsets, path, start)
    return np.diff(offsets), momenta_of(values), left_out


def drop_soft(chunk: Chunk) -> Chunk:
    """Return jets without the constituents that have energy, but no transverse momentum and so no place in a jet."""
    E, px, py, _ = chunk.constituents.T
    soft = px == 0
    if not soft.any():  # as in almost every file, at the price of one comparison
        return chunk
    soft &= (py == 0) & (E > 0)
    counts = np.diff(np.concatenate([np.zeros(1, np.int64), np.cumsum(~soft)])[counts_to_offsets(chunk.counts)])
    left_out = {**chunk.left_out, _SOFT: chunk.left_out.get(_SOFT, 0) + int(soft.sum())}
    return replace(chunk, counts=counts, constituents=chunk.constituents[~soft], left_out=left_out)


def _check_polar(values: Mapping[str, np.ndarray], offsets: np.ndarray, path: Path, start: int) -> None:
    pt, eta, phi, mass = values["pt"], values["eta"], values["phi"], values.get("mass", np.zeros(1))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by the checks
        light = mass < -_LIGHT * pt * np.cosh(eta)
    for wrong, name, found, hint in (
        (pt < 0, "pt", pt, "expected 0 or more; if the file has the logarithm of pt, write pt itself"),
        (
            np.isfinite(phi) & (np.abs(phi) > _MOST_PHI),
            "phi",
            phi,
            "expected radians, from -2 pi to 2 pi; if the file has degrees, divide them by 57.29578",
        ),
        (light, "mass", mass, "expected 0 or more, but for rounding; repair the file, or leave out the mass"),
    ):
        where = np.flatnonzero(wrong)
        if len(where):
            jet = int(np.searchsorted(offsets, where[0], side="right")) - 1
            raise UserError(
                f"{path}: event {start + jet}, constituent {where[0] - offsets[jet]}: {name} is {found[where[0]]:g} "
                f"({len(where)} of {len(found)} constituents here), {hint}"
            )


def momenta_of(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return float64 E, px, py, pz (n, 4) from these columns, or from pt, eta, phi and mass or E (or no mass)."""
    columns = {name: np.asarray(values, np.float64) for name, values in parts.items()}
    if "pt" in columns:
        pt, eta, phi = columns["pt"], columns["eta"], columns["phi"]
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by the checks
            pz = pt * np.sinh(eta)
            energy = columns.get("E")
            if energy is None:
                energy = np.sqrt((pt * np.cosh(eta)) ** 2 + columns.get("mass", 0.0) ** 2)
            return np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pz], axis=1)
    return np.stack([columns[name] for name in ("E", "px", "py", "pz")], axis=1)
