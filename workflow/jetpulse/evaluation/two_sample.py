"""Are two samples of spectra the same? Distances and a classifier's answer; real and generated are (n, bins)."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh
from scipy.stats import wasserstein_distance
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from jetpulse import seeds
from jetpulse.evaluation.classification import auc_with_error
from jetpulse.evaluation.spectra import Sample

# Smearing of spectra without noise, in units of one spectrum's Poisson error.
RESOLUTION = 0.1
COMPONENTS = 10
MOST = 4000  # entries of each sample that a classifier sees
_FOLDS = 5
_HELD = 0.99  # of the variance beyond noise is held by the components that distances are taken along
_BRIGHTEST = 2.0**24  # counts; of more nothing can be drawn


def poisson_error(real: np.ndarray) -> np.ndarray:
    """Return the Poisson error of every bin (bins,) of the mean spectrum, of at least one count."""
    return np.sqrt(np.maximum(real.mean(axis=0), 1.0))


def draw_counts(expected: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return Poisson counts, float64 (n, bins), for expected ones, of which negative ones count as 0."""
    return seeds.generator(seed, "two-sample").poisson(np.clip(expected, 0, _BRIGHTEST)).astype(np.float64)


def comparable(sample: Sample, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return real and generated spectra (n, bins) that are alike in noise.

    Where the expected counts are known, these; else the counts, and counts drawn from what was generated. Values that
    cannot be counts are compared as they are.
    """
    expected = sample.expected()
    if expected is None:
        return sample.counts, draw_counts(generated) if sample.noisy else generated
    return expected, generated


def leading_components(values: np.ndarray, most: int = COMPONENTS) -> tuple[np.ndarray, np.ndarray]:
    """Return variances (k,) and directions (bins, k) of the leading principal components of ``values`` (n, bins)."""
    bins = values.shape[1]
    wanted = (max(0, bins - most), bins - 1)
    variance, vectors = eigh(np.cov(values, rowvar=False, ddof=0), subset_by_index=wanted)
    variance, vectors = variance[::-1], vectors[:, ::-1]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(variance))])  # eigh leaves them open
    return np.maximum(variance, 0.0), vectors * signs


def components_of(real: np.ndarray, generated: np.ndarray, noisy: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Project both samples on the leading principal components of the real one, in units of the Poisson error.

    There are as many as hold 99 % of the variance beyond noise of the first 10, at least 2. Noise, if the samples are
    ``noisy``, has variance up to (1 + sqrt(bins / n))^2 in a component (Marchenko, Pastur,
    doi:10.1070/SM1967v001n04ABEH001994).

    Returns:
        real (n, k), generated (m, k), and the standard deviations (k,) of the real ones.
    """
    error, n, bins = poisson_error(real), *real.shape
    variance, directions = leading_components(real / error)
    beyond = np.maximum(variance - (1 + math.sqrt(bins / n)) ** 2 * noisy, 0)
    held = np.cumsum(beyond) >= _HELD * beyond.sum()
    used = slice(max(2, int(np.argmax(held)) + 1))
    centre = real.mean(axis=0)
    first, second = (((values - centre) / error) @ directions[:, used] for values in (real, generated))
    return first, second, first.std(axis=0)


def wasserstein(real: np.ndarray, generated: np.ndarray, noisy: bool) -> tuple[float, float]:
    """Return the mean Wasserstein-1 distance along principal components, and what equal samples would give.

    Distances are in units of the components' standard deviations. What samples of this size from one distribution
    would give is estimated from the distance between two halves of the real one. Both are nan where nothing varies.
    """
    first, second, width = components_of(real, generated, noisy)
    varies = np.flatnonzero(width > 1e-9 * max(width.max(), 1e-300))
    if not len(varies):
        return math.nan, math.nan
    shuffled = first[seeds.generator(0, "two-sample", 1).permutation(len(first))]
    halves = shuffled[::2], shuffled[1::2]

    def distance(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.mean([wasserstein_distance(one[:, k], other[:, k]) / width[k] for k in varies]))

    return distance(first, second), distance(*halves) / math.sqrt(2)


def two_sample_auc(
    real: np.ndarray, generated: np.ndarray, noise: np.ndarray, resolution: float = RESOLUTION, seed: int = 0
) -> tuple[float, float]:
    """Return a classifier two-sample test (C2ST): area under the ROC curve of real against generated, standard error.

    0.5 is not at all, 1 always (Lopez-Paz, Oquab, arXiv:1610.06545). The classifier sees spectra as `embed` gives them.
    With fewer than 10 entries in a sample: nan.

    Args:
        real: (n, bins), of which at most the first 4,000 are used.
        generated: (m, bins), as many.
        noise: unit of every bin (bins,).
        resolution: standard deviation of the smearing, in these units; 0 adds none.
        seed: of smearing, folds and trees.
    """
    n = min(len(real), len(generated), MOST)
    if n < 2 * _FOLDS:
        return math.nan, math.nan
    return classify(*embed([real[:n], generated[:n]], noise, resolution, seed)[0], seed)


def embed(
    samples: Sequence[np.ndarray], noise: np.ndarray, resolution: float = RESOLUTION, seed: int = 0
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the 10 leading principal components of samples (n, bins), and the smeared spectra that they are of.

    Spectra are taken in units of ``noise``, smeared by ``resolution`` of it and projected on the components of the
    first two samples together. Without smearing, spectra that have no noise lie on a surface of few dimensions, which
    a classifier tells from anything. Coordinates are in units of ``noise``, spectra in those of the samples.
    """
    ends = np.cumsum([len(sample) for sample in samples])
    values = np.concatenate(samples) / noise
    if resolution:
        values = values + resolution * seeds.generator(seed, "two-sample", 2).standard_normal(values.shape)
    both = values[: ends[1]]
    components = (values - both.mean(axis=0)) @ leading_components(both)[1]
    components = np.round(components, 9)  # last bits depend on the linear algebra library; a tree may not hang on them
    return np.split(components, ends[:-1]), np.split(values * noise, ends[:-1])


@threadpool_limits.wrap(limits=1)  # more threads than free cores make small trees a hundred times slower
def classify(real: np.ndarray, generated: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the area under the ROC curve of gradient boosted trees that tell features (n, d) apart, and its error.

    They are trained and tested by five-fold cross-validation.
    """
    values, label = np.concatenate([real, generated]), np.repeat([0, 1], [len(real), len(generated)])
    score = np.empty(len(label))
    for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(values, label):
        trees = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
        score[test] = trees.fit(values[train], label[train]).predict_proba(values[test])[:, 1]
    return auc_with_error(label, score)
