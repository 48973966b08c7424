"""Ragged arrays: ``offsets`` int64 (n + 1) into flat arrays; entry i is ``flat[offsets[i]:offsets[i + 1]]``."""

import numpy as np


def counts_to_offsets(counts: np.ndarray) -> np.ndarray:
    """Return int64 offsets (n + 1) of entries with the given lengths (n)."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def take_ragged(offsets: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose entries: return their new offsets (k + 1) and the rows of the flat arrays to take (int64)."""
    counts = np.diff(offsets)[index]
    chosen = counts_to_offsets(counts)
    rows = np.arange(chosen[-1], dtype=np.int64) + np.repeat(offsets[:-1][index] - chosen[:-1], counts)
    return chosen, rows


def segment_sum(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the float64 sum of ``values`` (total, ...) over each entry, shape (n, ...); empty entries give 0."""
    total = np.zeros((len(offsets) - 1, *values.shape[1:]))
    filled = np.diff(offsets) > 0
    if filled.any():
        total[filled] = np.add.reduceat(values, offsets[:-1][filled], axis=0, dtype=np.float64)
    return total
