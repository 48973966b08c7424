"""Distributions that grow block by block: counts in bins fine enough for any later range, in little memory."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

_SHIFT = 10  # bits of a float32's mantissa that are dropped; 13 of 23 are kept
OUTSIDE = 0.001  # fraction of a distribution below, and above, the range that is drawn


class Distribution:
    """The distribution of a stream of numbers: how many, mean, standard deviation, range, quantiles, histograms.

    Numbers are counted in bins that are 1/8192 of their value wide at most; whole numbers up to 16,384 have bins of
    their own. So no range has to be known in advance, and memory does not grow with the stream.
    """

    def __init__(self) -> None:
        """Start without any number."""
        self.entries = 0  # finite numbers
        self.undefined = 0  # infinite ones and nan; nothing else counts them
        self.low = math.nan
        self.high = math.nan
        self.mean = math.nan
        self._squares = 0.0  # sum of squared distances from the mean
        self._keys = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)

    def add(self, values: np.ndarray) -> None:
        """Take in numbers (n,)."""
        values = np.asarray(values, np.float64)
        finite = values[np.isfinite(values)]
        self.undefined += len(values) - len(finite)
        if not len(finite):
            return
        keys, counts = np.unique(_keys_of(finite), return_counts=True)
        merged, where = np.unique(np.concatenate([self._keys, keys]), return_inverse=True)
        together = np.zeros(len(merged), np.int64)
        np.add.at(together, where, np.concatenate([self._counts, counts]))
        self._keys, self._counts = merged, together
        self.low = float(np.fmin(self.low, finite.min()))
        self.high = float(np.fmax(self.high, finite.max()))
        self._add_moments(finite)

    def _add_moments(self, values: np.ndarray) -> None:
        """Merge mean and squared distances (Chan et al., doi:10.1080/00031305.1983.10483115)."""
        mean, n, before = float(values.mean()), len(values), self.entries
        self._squares += float(np.sum((values - mean) ** 2))
        if before:
            self._squares += (mean - self.mean) ** 2 * before * n / (before + n)
            mean = self.mean + (mean - self.mean) * n / (before + n)
        self.mean, self.entries = mean, before + n

    @property
    def mean_error(self) -> float:
        """Standard error of the mean; nan for less than two numbers."""
        return math.sqrt(self._squares / (self.entries - 1) / self.entries) if self.entries > 1 else math.nan

    def quantile(self, q: float) -> float:
        """Return the smallest number that at least a part ``q`` (0 to 1) of all do not exceed, rounded to its bin.

        nan without numbers.
        """
        if not self.entries:
            return math.nan
        rank = min(max(math.ceil(q * self.entries - 1e-9), 1), self.entries)
        bin_start = _value_of(self._keys[np.searchsorted(np.cumsum(self._counts), rank)])
        return float(np.clip(bin_start, self.low, self.high))

    @property
    def median_error(self) -> float:
        """Standard error of the median: half the distance of the numbers whose ranks are a standard deviation away.

        How many of n numbers lie below the true median is binomial, with a standard deviation of sqrt(n) / 2. nan for
        less than two numbers.
        """
        if self.entries < 2:
            return math.nan
        width = 0.5 / math.sqrt(self.entries)
        return (self.quantile(0.5 + width) - self.quantile(0.5 - width)) / 2

    def binned(self, edges: np.ndarray) -> np.ndarray:
        """Return the counts (m,), int64, between edges (m + 1), which ``common_edges`` has put between fine bins."""
        below = np.concatenate([[0], np.cumsum(self._counts)])
        return np.diff(below[np.searchsorted(_value_of(self._keys), edges)])


class Binned(NamedTuple):
    """A histogram: edges (m + 1), counts (m,), and the number of all entries, those outside the edges included."""

    edges: np.ndarray
    counts: np.ndarray
    entries: int


def _keys_of(values: np.ndarray) -> np.ndarray:
    """Return the fine bins of finite numbers: whole numbers in the order of the values."""
    bits = values.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits) >> _SHIFT


def _value_of(keys: np.ndarray) -> np.ndarray:
    """Return the lower ends, float64, of fine bins."""
    ordered = np.asarray(keys, np.int64) << _SHIFT
    size = np.abs(ordered).astype(np.int32).view(np.float32).astype(np.float64)
    return np.where(ordered < 0, -size, size)


def common_edges(distributions: Iterable[Distribution], bins: int, whole: bool = False) -> np.ndarray:
    """Return the edges of about ``bins`` bins for distributions that are drawn together.

    They reach from the lowest 0.1 % quantile to the highest 99.9 % quantile and lie between fine bins, so that
    histograms are exact; those of ``whole`` numbers hold equally many numbers each.
    """
    filled = [d for d in distributions if d.entries]
    if not filled:
        return np.array([0.0, 1.0])
    low = min(d.quantile(OUTSIDE) for d in filled)
    high = max(d.quantile(1 - OUTSIDE) for d in filled)
    if whole:
        step = max(1, math.ceil((high - low + 1) / bins))
        return np.arange(low - 0.5, high + step, step)
    least = 0.01 * max(abs(low), abs(high), 1e-3)  # of a range, lest equal values fill a spike of no width
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    return np.unique(_value_of(_keys_of(np.linspace(low, high, bins + 1)) + np.arange(bins + 1) // bins))


def exceeds(first: Distribution, second: Distribution) -> float:
    """Return the probability that a number of ``first`` is larger than one of ``second``, half of it if they are equal.

    That is the area under the ROC curve; numbers in one fine bin count as equal. nan without numbers.
    """
    if not first.entries or not second.entries:
        return math.nan
    below = np.concatenate([[0], np.cumsum(second._counts)])
    less = below[np.searchsorted(second._keys, first._keys, "left")]
    not_more = below[np.searchsorted(second._keys, first._keys, "right")]
    return float(np.sum(first._counts * (less + not_more) / 2)) / (first.entries * second.entries)
