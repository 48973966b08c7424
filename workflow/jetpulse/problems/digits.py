"""Handwritten digits that scikit-learn brings along: 1,797 pictures of 8 x 8 pixels (UCI, Alpaydin and Kaynak 1998)."""

import numpy as np

from jetpulse.config.problems import Digits
from jetpulse.problems.entries import Chunk, Entries, drawn

_N, _SIDE, _WHITE = 1797, 8, 16.0


def read_digits() -> Chunk:
    """Return all pictures float64 (1797, 8, 8), from 0 (paper) to 1 (ink), and their digits int64 (1797,)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images / _WHITE, found.target.astype(np.int64)


def entries(spec: Digits) -> Entries:
    """Return the digits as entries of a problem."""
    return Entries(
        answers="classes",
        shape=(_SIDE, _SIDE),
        parts=drawn(_N, _N, lambda block: read_digits()),
        units={"features": "1 (from 0 paper to 1 ink)"},
        classes=tuple("0123456789"),
        packages=("scikit-learn",),
    )
