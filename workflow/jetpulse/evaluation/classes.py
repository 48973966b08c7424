"""How well any number of classes are told apart: label (n,) is the true class, probability (n, k) the prediction."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from jetpulse.errors import UserError
from jetpulse.evaluation.classification import auc_interval, auc_with_error, placements
from jetpulse.evaluation.measures import Metrics, defined, fraction_with_error, mean_with_error, named
from jetpulse.evaluation.paired import EntryShare, share_of_area, share_of_mean

# Metric -> title and format of the number, in tables and the summary.
COLUMNS = {
    "accuracy": ("accuracy", ".4f"),
    "baseline": ("baseline accuracy", ".4f"),
    "log_loss": ("log loss", ".4f"),
    "auc": ("AUC", ".4f"),
    "average_precision": ("average precision", ".4f"),
}


def check_classes(predicted: Mapping[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return label int64 (n,) and probability float64 (n, classes) of one dataset's predictions.

    Raises:
        UserError: they are not there, empty, or cannot be evaluated.
    """
    if "label" not in predicted or "probability" not in predicted or predicted["probability"].ndim != 2:
        raise UserError(f"{where}: lacks label (n) or probability (n, classes); predict again")
    label, probability = predicted["label"], predicted["probability"]
    if len(label) != len(probability):
        raise UserError(f"{where}: {len(label)} labels but {len(probability)} rows of probabilities; predict again")
    if not len(label):
        raise UserError(f"{where}: has no entries; the test split must not be empty")
    last = probability.shape[1] - 1
    _refuse((label < 0) | (label > last), where, lambda i: f"label is {label[i]}, expected a class from 0 to {last}")
    bad = ~((probability >= 0) & (probability <= 1))
    _refuse(
        bad.any(axis=1),
        where,
        lambda i: f"probability is {probability[i][bad[i]][0]}, expected a number from 0 to 1; predict again",
    )
    total = probability.sum(axis=1)
    _refuse(np.abs(total - 1) > 1e-6, where, lambda i: f"probabilities add up to {total[i]:.7g}, not 1; predict again")
    return label.astype(np.int64), probability.astype(np.float64)


def _refuse(bad: np.ndarray, where: str, reason: Callable[[int], str]) -> None:
    wrong = np.flatnonzero(bad)
    if len(wrong):
        raise UserError(f"{where}: entry {wrong[0]}: {reason(wrong[0])}")


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
    label, probability = check_classes(predicted, where)
    if "label" not in truth:
        raise UserError(f"{where}: its sample lacks test/label, its answers are no classes; check the task")
    true, classes = truth["label"], int(attributes["outputs"])
    _refuse(label != true, where, lambda i: f"label is {label[i]}, in the sample {true[i]}; predict again")
    if probability.shape[1] != classes:
        raise UserError(f"{where}: probabilities of {probability.shape[1]} classes, the sample has {classes}; train it")
    return measure_classes(label, probability)


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
    label, probability = check_classes(predicted, where)
    found = {"accuracy": share_of_mean(probability.argmax(axis=1) == label)}
    both = probability.shape[1] == 2 and 0 < label.sum() < len(label)
    return found | ({"auc": share_of_area(label, *placements(label, probability[:, 1]))} if both else {})
