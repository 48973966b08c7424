"""What neighbours say of a generator: do its spectra lie where true ones lie, and everywhere where these lie?

Principal components hardly show a thin branch beside a thin line; distances to the nearest true spectra do. All arrays
are coordinates (n, k) in one space, whose distances mean something: components in units of one error.
"""

import math

import numpy as np
from scipy.spatial import KDTree

NEAREST = 5
# Distances to these nearest neighbours are features of the classifier.
_RANKS = (1, 5, 20)
_LEAST = 1e-9  # a distance of 0 has a logarithm, too
_BLOCKS = 10
_FEWEST = 4 * NEAREST  # entries of a block


def neighbour_distances(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the logarithms of distances (n, ranks) to the nearest, 5th and 20th nearest neighbour in ``reference``."""
    ranks = [rank for rank in _RANKS if rank <= len(reference)]
    return np.log(np.maximum(KDTree(reference).query(values, ranks)[0], _LEAST))


def density_coverage(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Return density and coverage of a generated sample, each with its standard error, (2, 2).

    Around each real entry lies a ball that reaches to its fifth neighbour among the real ones. Density is how many
    balls hold a generated entry, on average, divided by five: 1 for equal distributions, less where entries are
    generated beside the real ones, more where they crowd in their midst. Coverage is the fraction of balls that hold
    a generated entry at all: less than `expected_coverage` where modes are missing (Naeem et al., arXiv:2002.09797).
    Errors are those of the mean of up to ten parts of the samples; nan where there are too few entries.

    Args:
        real: (n, k) without repeated entries.
        generated: (m, k).
    """
    value = _density_coverage(real, generated)
    blocks = min(_BLOCKS, len(real) // _FEWEST, len(generated) // _FEWEST)
    if blocks < 2:
        return np.stack([value, np.full(2, math.nan)], axis=1)
    parts = [_density_coverage(real[start::blocks], generated[start::blocks]) for start in range(blocks)]
    return np.stack([value, np.std(parts, axis=0, ddof=1) / math.sqrt(blocks)], axis=1)


def _density_coverage(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    if len(real) <= NEAREST or not len(generated):
        return np.full(2, math.nan)
    radius = KDTree(real).query(real, [NEAREST + 1])[0][:, 0]  # the nearest is the entry itself
    inside = KDTree(generated).query_ball_point(real, radius, return_length=True)
    return np.array([inside.sum() / (NEAREST * len(generated)), (inside > 0).mean()])


def expected_coverage(real: int, generated: int) -> float:
    """Return the mean coverage of samples of these sizes from one distribution, 1 - 2^-5 for large equal ones.

    None of the first five neighbours of an entry, among the other real ones and the generated ones, is generated.
    """
    if real <= NEAREST or not generated:
        return math.nan
    others = real - 1
    return 1 - math.prod((others - i) / (others + generated - i) for i in range(NEAREST))
