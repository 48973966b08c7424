"""How well the bin of a pulse is found; label (n,) is the true bin, probability (n, bins) the prediction."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.evaluation.measures import (
    Metrics,
    defined,
    expected_calibration_error,
    fraction_with_error,
    mean_with_error,
    named,
    rmse_with_error,
)
from jetpulse.evaluation.paired import EntryShare, share_of_mean, share_of_rmse
from jetpulse.evaluation.predictions import arrays_of, check_truth, read_predicted

LEVELS = {"coverage_68": 0.683, "coverage_95": 0.954}
# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    "accuracy": ("accuracy", ".4f"),
    "rmse": ("RMSE of the mean bin", ".4f"),
    "log_loss": ("log loss", ".4f"),
    "bias": ("mean residual [bins]", ".4f"),
    "coverage_68": ("coverage of 68 % sets", ".4f"),
    "coverage_68_expected": ("expected coverage", ".4f"),
    "ece": ("calibration error", ".4f"),
}


def bins_of(
    predicted: Mapping[str, np.ndarray], where: str, truth: Mapping[str, np.ndarray] = MappingProxyType({})
) -> tuple[np.ndarray, np.ndarray]:
    """Return label int64 (n,) and probability (n, bins) of one dataset's predictions.

    Raises:
        UserError: they are not there, or were not made from the entries of ``truth``: another label, or another number
            of bins.
    """
    label, probability = arrays_of(predicted, ("label", "probability"), where)
    check_truth("label", label, truth, where)
    if "waveform" in truth and truth["waveform"].shape[-1] != probability.shape[1]:
        found, expected = probability.shape[1], truth["waveform"].shape[-1]
        raise UserError(
            f"{where}: probabilities of {found} bins, the sample's waveforms have {expected}; predict again"
        )
    return label.astype(np.int64), probability


def read_bins(path: Path, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return label (n,) and probability (n, bins) of one dataset in a predictions file.

    Raises:
        UserError: not a predictions file, not tested on the dataset, or unusable predictions.
    """
    return bins_of(read_predicted(path, dataset), f"{path}: {dataset}")


def residual(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the mean bin, sum of p k, minus the true bin, (n,) in bins."""
    return probability @ np.arange(probability.shape[1]) - label


def correct(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return whether the best bin is the true one, (n,) bool; of equally good bins the first counts."""
    return probability.argmax(axis=1) == label


def coverage(label: np.ndarray, probability: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the smallest set of bins at each level holds the true one, and the set's probability.

    A set of whole bins holds at least as much as ``levels`` (m,) ask for; of equally probable bins the first is taken.

    Returns:
        covered bool (m, n) and content float64 (m, n).
    """
    bins = np.arange(probability.shape[1])
    total = np.cumsum(-np.sort(-probability, axis=1), axis=1)
    true = np.take_along_axis(probability, label[:, None], axis=1)
    rank = ((probability > true) | ((probability == true) & (bins < label[:, None]))).sum(axis=1)
    covered, content = [], []
    for level in levels:
        # Sums of rounded numbers may end just below the level that they reach.
        last = np.minimum((total < level - 1e-12).sum(axis=1), len(bins) - 1)
        covered.append(rank <= last)
        content.append(total[np.arange(len(total)), last])
    return np.array(covered), np.array(content)


def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    Raises:
        UserError: unusable predictions, or made from other entries than ``truth``.
    """
    label, probability = bins_of(predicted, where, truth)
    right, residuals = correct(label, probability), residual(label, probability)
    true = np.clip(probability[np.arange(len(label)), label], 1e-300, 1)
    covered, content = coverage(label, probability, np.array(list(LEVELS.values())))
    values = {
        "accuracy": fraction_with_error(right),
        "rmse": rmse_with_error(residuals),
        "log_loss": mean_with_error(-np.log(true)),
        "bias": mean_with_error(residuals),
        **{name: fraction_with_error(inside) for name, inside in zip(LEVELS, covered, strict=True)},
    }
    metrics: Metrics = {"entries": len(label)}
    for name, numbers in values.items():
        metrics |= named(name, *numbers)
    metrics |= {f"{name}_expected": float(held.mean()) for name, held in zip(LEVELS, content, strict=True)}
    metrics["ece"] = expected_calibration_error(right, np.minimum(probability.max(axis=1), 1))
    return defined(metrics)


def quantile_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return edges (at most bins + 1,) between which ``values`` (n,) are about equally many; equal values: one bin."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    return edges if len(edges) > 1 else edges[0] + np.array([-0.5, 0.5])


def bin_index(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin of each value (n,); the last bin includes its upper edge, values outside go to the nearest."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def lump_rare(values: np.ndarray, least: int = 20) -> np.ndarray:
    """Return whole numbers (n,) cut at the largest that, with all above it, occurs ``least`` times."""
    highest = np.sort(values)[::-1][min(least, len(values)) - 1]
    return np.minimum(values, highest)


def count_correct(right: np.ndarray, *index: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of right answers and of entries in the cells that ``index`` ((n,) for each axis) names."""
    cell = np.ravel_multi_index(index, shape)
    total = np.bincount(cell, minlength=int(np.prod(shape)))
    passed = np.bincount(cell, weights=right, minlength=len(total)).astype(np.int64)
    return passed.reshape(shape), total.reshape(shape)


def shares(predicted: Mapping[str, np.ndarray], where: str) -> dict[str, EntryShare]:
    """Return the metrics that are compared entry by entry, see ``evaluation.paired``.

    Raises:
        UserError: unusable predictions.
    """
    found = bins_of(predicted, where)
    return {"accuracy": share_of_mean(correct(*found)), "rmse": share_of_rmse(residual(*found))}
