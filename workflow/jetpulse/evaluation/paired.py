"""Two experiments on the same entries: differences of metrics with an error that what they share does not enter.

Every metric is, to first order, a sum over entries; the difference of two is the sum of the differences, whose scatter
is its error. Of areas under the ROC curve that is the test of DeLong et al. (doi:10.2307/2531595), of accuracies that
of McNemar (doi:10.1007/BF02295996).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from jetpulse.evaluation.predictions import read_predicted
from jetpulse.evaluation.transfers import Measured


@dataclass(frozen=True)
class Share:
    """One metric of several trainings: ``values`` (trainings,) and each entry's ``share`` in their mean, (n,).

    Entries of different ``group`` (n,) have means of their own, which are no part of the error.
    """

    values: np.ndarray
    share: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class Judged:
    """What an experiment's trainings reached: metric -> share of every entry, which ``key`` (n, 2) names."""

    key: np.ndarray
    shares: Mapping[str, Share]


# A metric of one training: its value, each entry's share in it, (n,), and the entries' groups.
EntryShare = tuple[float, np.ndarray, np.ndarray]


def judge(predictions: Sequence[Path], dataset: str, measures: str) -> Judged | None:
    """Return the metrics of an experiment's trainings entry by entry, None of a task that has no such.

    Args:
        predictions: predictions.h5 of every training.
        dataset: what they were tested on.
        measures: what its results were measured as, see ``evaluation.files.measures_of``.

    Raises:
        UserError: unusable predictions.
    """
    # By name, so that the hash of what one task's comparison uses does not contain the others.
    shares_of = getattr(import_module(f"jetpulse.evaluation.{measures}"), "shares", None)
    if shares_of is None:
        return None
    keys, found = [], []
    for path in predictions:
        predicted = read_predicted(path, dataset)
        found.append(shares_of(predicted, f"{path}: {dataset}"))
        truth = predicted["label"] if "label" in predicted else predicted["target"]
        keys.append(np.stack([predicted["event"], truth.astype(np.float64).view(np.int64)], axis=1))
    if any(not np.array_equal(key, keys[0]) for key in keys):
        return None
    shares = {}
    for name, (_, _, group) in found[0].items():
        if all(name in one for one in found):
            values, parts = np.array([one[name][0] for one in found]), [one[name][1] for one in found]
            shares[name] = Share(values, np.mean(parts, axis=0), group)
    return Judged(keys[0], shares)


def differences(first: Judged, second: Judged) -> dict[str, Measured] | None:
    """Return what every metric of the first has more than that of the second, None where their entries differ.

    The value is the difference of the means over trainings, its ``spread`` the standard error that their scatter gives
    it, nan of a single training, and its ``error`` the paired one. Entries are matched by event and label.
    """
    order = _match(first.key, second.key)
    if order is None:
        return None
    names = [name for name in first.shares if name in second.shares]
    return {name: _difference(first.shares[name], second.shares[name], order) for name in names}


def _match(first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """Return the places (n,) in ``second`` (n, 2) of the entries ``first`` (n, 2); None if they are not the same."""
    if first.shape != second.shape:
        return None
    if np.array_equal(first, second):
        return np.arange(len(first))
    here, there = np.lexsort(first.T), np.lexsort(second.T)
    if (first[here] != second[there]).any():
        return None
    order = np.empty(len(first), np.int64)
    order[here] = there
    return order


def _difference(first: Share, second: Share, order: np.ndarray) -> Measured:
    apart = first.share - second.share[order]
    value = float(first.values.mean() - second.values.mean())
    if not apart.any() and np.array_equal(first.values, second.values):
        return Measured(0.0, math.nan if len(first.values) == 1 else 0.0, 0.0)
    groups = [apart[first.group == kind] for kind in np.unique(first.group)]
    alone = min(map(len, groups)) < 2
    error = math.nan if alone else math.sqrt(sum(len(part) * float(part.var(ddof=1)) for part in groups))
    scatter = [
        float(share.values.var(ddof=1)) / len(share.values) if len(share.values) > 1 else math.nan
        for share in (first, second)
    ]
    return Measured(value, math.sqrt(sum(scatter)), error)


def share_of_mean(values: np.ndarray) -> EntryShare:
    """Return the mean of ``values`` (n,) and each entry's share in it."""
    return float(values.mean()), values / len(values), np.zeros(len(values), np.int8)


def share_of_rmse(residual: np.ndarray) -> EntryShare:
    """Return the root mean square of residuals (n,) and each entry's share in it, to first order."""
    square, share, group = share_of_mean(residual**2)
    root = math.sqrt(square)
    return root, share / (2 * root) if root else share, group


def share_of_area(label: np.ndarray, signal: np.ndarray, background: np.ndarray) -> EntryShare:
    """Return the area under the ROC curve and each entry's share in it, given ``classification.placements``."""
    share = np.empty(len(label))
    share[label == 1], share[label == 0] = signal / len(signal), background / len(background)
    return float(signal.mean()), share, label
