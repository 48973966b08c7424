"""What the measures of several tasks share: errors of means and fractions, calibration, undefined values."""

import math

import numpy as np
from scipy.stats import beta, norm

Metrics = dict[str, float | int | None]


def defined(metrics: Metrics) -> Metrics:
    """Return the metrics with None for values that are infinite or not defined, as JSON needs it."""
    return {name: value if value is not None and math.isfinite(value) else None for name, value in metrics.items()}


def mean_with_error(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of ``values`` (n,) and its standard error; the error of a single value is nan."""
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(np.mean(values)), error


def rmse_with_error(residual: np.ndarray) -> tuple[float, float]:
    """Return the root mean square of residuals (n,) and its error, propagated from that of the mean square."""
    square, error = mean_with_error(residual**2)
    root = float(np.sqrt(square))
    return root, error / (2 * root) if root else error


def named(name: str, value: float, error: float, low: float | None = None, high: float | None = None) -> Metrics:
    """Return a metric, its error and, if it has such, the ends of its interval, as metrics.json names them."""
    ends = {} if low is None else {f"{name}_low": low, f"{name}_high": high}
    return {name: value, f"{name}_error": error, **ends}


def fraction_with_error(passed: np.ndarray) -> tuple[float, float, float, float]:
    """Return the fraction of ``passed`` (n,) bool, its binomial error, and the ends of its 68 % interval.

    The error is 0 where none or all have passed, the interval is not, see ``binomial_interval``.
    """
    fraction = float(np.mean(passed))
    low, high = binomial_interval(np.sum(passed), len(passed))
    return fraction, math.sqrt(fraction * (1 - fraction) / len(passed)), float(low), float(high)


def exact_interval(passed: int, total: int) -> tuple[float, float]:
    """Return the ends of the central 68.3 % interval of a fraction (Clopper, Pearson, doi:10.1093/biomet/26.4.404).

    It never holds the true fraction less often than that; where none has passed its upper end is a limit at 84.1 %.
    """
    tail = norm.sf(1)
    low = float(beta.ppf(tail, passed, total - passed + 1)) if passed else 0.0
    return low, float(beta.isf(tail, passed + 1, total - passed)) if passed < total else 1.0


def binomial_interval(passed: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's 68 % interval around ``passed / total``, arrays of one shape; nan for no entries.

    Unlike the binomial error it has a width where none or all have passed (doi:10.1080/01621459.1927.10502953).
    """
    n = np.asarray(total, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = passed / n
        middle = (fraction + 0.5 / n) / (1 + 1 / n)
        width = np.sqrt(fraction * (1 - fraction) / n + 0.25 / n**2) / (1 + 1 / n)
        return np.minimum(middle - width, fraction), np.maximum(middle + width, fraction)


def reliability(label: np.ndarray, score: np.ndarray, bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts, mean score and fraction of label 1 (bins,) in equal bins of the score; nan where one is empty."""
    index = np.minimum((score * bins).astype(int), bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(index, weights=score, minlength=bins) / counts
        fraction = np.bincount(index, weights=label, minlength=bins) / counts
    return counts, mean, fraction


def expected_calibration_error(label: np.ndarray, score: np.ndarray, bins: int = 15) -> float:
    """Return the mean distance of probability and fraction, weighted by bin (Guo et al., arXiv:1706.04599)."""
    counts, mean, fraction = reliability(label, score, bins)
    filled = counts > 0
    return float(np.sum(counts[filled] * np.abs(mean[filled] - fraction[filled])) / counts.sum())
