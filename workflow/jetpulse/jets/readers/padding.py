"""Constituents that are none: what fills up arrays of a fixed length.

Zeros in all columns, or, at the end of a jet, one and the same NaN or negative number in all columns of several
constituents. No constituent looks like that; in the middle of a jet it is damage.
"""

from collections.abc import Mapping

import numpy as np

from jetpulse.compiling import compiled

PADDING = "constituents: padding at the end of a jet"


def cut_padding(
    offsets: np.ndarray, columns: Mapping[str, np.ndarray], fixed: bool = False
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """Return offsets (n + 1) and columns (total) float64 without padding, and how many constituents that was.

    Args:
        offsets: of the jets, (n + 1).
        columns: as they stand in the file, (total) each.
        fixed: whether the file's lists have a fixed length; then zeros are padding wherever they are.
    """
    values = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    first, *others = values.values()
    same = np.ones(len(first), bool)
    for other in others:
        same &= (other == first) | (np.isnan(other) & np.isnan(first))
    if not (same & ~(first > 0)).any():
        return offsets, values, 0
    kept, counts = _kept(first, same, offsets, fixed)
    new = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return new, {name: column[kept] for name, column in values.items()}, int(len(first) - new[-1])


@compiled(nogil=True)
def _kept(first, same, offsets, fixed):
    """Return which constituents are no padding (total), and how many of each jet (n)."""
    kept = np.ones(len(first), np.bool_)
    counts = np.empty(len(offsets) - 1, np.int64)
    for jet in range(len(counts)):
        start, end = offsets[jet], offsets[jet + 1]
        last = end
        if end > start:
            filling = first[end - 1]
            if filling != filling or (filling <= 0.0 and filling - filling == 0.0):
                while last > start and same[last - 1]:
                    value = first[last - 1]
                    if not (value == filling or (value != value and filling != filling)):
                        break
                    last -= 1
        counts[jet] = 0
        for i in range(start, end):
            kept[i] = i < last and not (fixed and same[i] and first[i] == 0.0)
            counts[jet] += kept[i]
    return kept, counts


def drop_padding(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (n) and momenta (total, 4) of jets (n, constituents, 4) float32, padding dropped."""
    counts = np.empty(len(values), np.int64)
    flat = np.empty((values.shape[0] * values.shape[1], 4), np.float32)
    return counts, flat[: drop_zeros(values, counts, flat)].copy()


@compiled(nogil=True)
def drop_zeros(values, counts, flat):
    """Fill ``counts`` (n) and the beginning of ``flat`` from padded jets (n, constituents, 4); return the total."""
    total = 0
    for jet in range(values.shape[0]):
        before = total
        for i in range(_filled(values[jet])):
            a, b, c, d = values[jet, i, 0], values[jet, i, 1], values[jet, i, 2], values[jet, i, 3]
            if a != 0.0 or b != 0.0 or c != 0.0 or d != 0.0:
                flat[total, 0], flat[total, 1], flat[total, 2], flat[total, 3] = a, b, c, d
                total += 1
        counts[jet] = total - before
    return total


@compiled(nogil=True)
def _filled(jet):
    """Return the number of constituents (m, 4) in front of those that are all the same NaN or negative number."""
    last = len(jet)
    if last == 0:
        return last
    filling = jet[last - 1, 0]
    if filling == filling and not (filling < 0.0 and filling - filling == 0.0):
        return last
    while last > 0:
        for k in range(4):
            value = jet[last - 1, k]
            if not (value == filling or (value != value and filling != filling)):
                return last
        last -= 1
    return last
