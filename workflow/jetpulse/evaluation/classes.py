"""How well any number of classes are told apart: label (n,) is the true class, probability (n, k) the prediction."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from jetpulse.errors import UserError
from jetpulse.evaluation.classification import auc_interval, auc_with_error, placements
from jetpulse.evaluation.measures import Metrics, defined, fraction_with_error, mean_with_error, named
from jetpulse.evaluation.paired import EntryShare, share_of_area, share_of_mean
from jetpulse.evaluation.predictions import arrays_of, check_truth

# Metric -> title and format of the number, in tables and the summary.
COLUMNS = {
    "accuracy": ("accuracy", ".4f"),
    "baseline": ("baseline accuracy", ".4f"),
    "log_loss": ("log loss", ".4f"),
    "auc": ("AUC", ".4f"),
    "average_precision": ("average precision", ".4f"),
}


def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    Args:
        predicted: ``label`` (n,) and ``probability`` (n, classes).
        truth: ``label`` (n,) of the sample's test split.
        attributes: ``outputs``, the number of the sample's classes.
        where: begins the error's line.

    Raises:
        UserError: unusable predictions, or made from other entries than ``truth``.
    """
    label, probability = _classes(predicted, where)
    if "label" not in truth:
        raise UserError(f"{where}: its sample lacks test/label, its answers are no classes; check the task")
    check_truth("label", label, truth, where)
    classes = int(attributes["outputs"])
    if probability.shape[1] != classes:
        raise UserError(f"{where}: probabilities of {probability.shape[1]} classes, the sample has {classes}; train it")
    return measure_classes(label, probability)


def _classes(predicted: Mapping[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    label, probability = arrays_of(predicted, ("label", "probability"), where)
    return label.astype(np.int64), probability.astype(np.float64)


def measure_classes(label: np.ndarray, probability: np.ndarray) -> Metrics:
    """Return every metric of checked predictions; undefined values are None.

    ``baseline`` is the accuracy of always naming the most frequent class. Only two classes have ``auc``, that of class
    1 against class 0 (DeLong's error), and ``average_precision``, the area under precision against recall; both need
    entries of both classes.
    """
    true = np.clip(probability[np.arange(len(label)), label], 1e-300, 1)
    values = {
        "accuracy": fraction_with_error(probability.argmax(axis=1) == label),
        "log_loss": mean_with_error(-np.log(true)),
    }
    metrics: Metrics = {"entries": len(label), "baseline": float(np.bincount(label).max() / len(label))}
    if probability.shape[1] == 2:
        both = 0 < label.sum() < len(label)
        score = probability[:, 1]
        values["auc"] = _auc(label, score) if both else (math.nan,) * 4
        metrics["average_precision"] = float(average_precision_score(label, score)) if both else None
    for name, numbers in values.items():
        metrics |= named(name, *numbers)
    return defined(metrics)


def _auc(label: np.ndarray, score: np.ndarray) -> tuple[float, float, float, float]:
    area, error = auc_with_error(label, score)
    return area, error, *auc_interval(area, error, int(label.sum()), int((1 - label).sum()))


def shares(predicted: Mapping[str, np.ndarray], where: str) -> dict[str, EntryShare]:
    """Return the metrics that are compared entry by entry, see ``evaluation.paired``.

    Raises:
        UserError: unusable predictions.
    """
    label, probability = _classes(predicted, where)
    found = {"accuracy": share_of_mean(probability.argmax(axis=1) == label)}
    both = probability.shape[1] == 2 and 0 < label.sum() < len(label)
    return found | ({"auc": share_of_area(label, *placements(label, probability[:, 1]))} if both else {})
