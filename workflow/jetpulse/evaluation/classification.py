"""How well scores tell signal (label 1) from background (label 0); all inputs are (n,) arrays."""

import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from jetpulse.errors import UserError
from jetpulse.evaluation.measures import (
    Metrics,
    defined,
    exact_interval,
    expected_calibration_error,
    fraction_with_error,
    named,
)
from jetpulse.evaluation.paired import EntryShare, share_of_area, share_of_mean
from jetpulse.evaluation.predictions import read_predictions

SIGNAL_EFFICIENCIES = (0.3, 0.5)
# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    "accuracy": ("accuracy", ".4f"),
    "auc": ("AUC", ".4f"),
    "rejection_30": ("1/ε<sub>B</sub> at ε<sub>S</sub> = 30 %", ".1f"),
    "rejection_50": ("1/ε<sub>B</sub> at ε<sub>S</sub> = 50 %", ".1f"),
    "ece": ("calibration error", ".4f"),
}


def scores_of(predicted: Mapping[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and scores (n,) of one dataset's predictions.

    A network's are the probabilities of signal; those of others may be any number that is larger for signal.

    Raises:
        UserError: they are not there, or cannot be evaluated.
    """
    if not is_probability(predicted) and "label" in predicted:
        label, score = predicted["label"], predicted["score"]
        check_scores(label, score, where, probability=False)
        return label, score
    if "label" not in predicted or "probability" not in predicted or predicted["probability"].shape[1:] != (2,):
        raise UserError(f"{where}: lacks label or probability (n, 2); predict again")
    label, score = predicted["label"], predicted["probability"][:, 1]
    check_scores(label, score, where)
    return label, score


def is_probability(predicted: Mapping[str, np.ndarray]) -> bool:
    """Return whether the scores of a dataset's predictions are probabilities: calibration and accuracy need them."""
    return "score" not in predicted


def read_scores(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return labels and scores (n,) of every dataset in a predictions file, see ``scores_of``.

    Raises:
        UserError: not a predictions file, or scores that cannot be evaluated.
    """
    return {name: scores_of(predicted, f"{path}: {name}") for name, predicted in read_predictions(path).items()}


def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions, which hold the labels: of jets ``truth`` is not used.

    Raises:
        UserError: unusable predictions.
    """
    if attributes.get("kind") == "problems":
        # By name: part of the code of these measures alone.
        return import_module("jetpulse.evaluation.classes").measure(predicted, truth, attributes, where)
    return measure_classification(*scores_of(predicted, where), where, is_probability(predicted))


def check_scores(label: np.ndarray, score: np.ndarray, where: str, probability: bool = True) -> None:
    """Refuse labels and scores that cannot be evaluated.

    Raises:
        UserError: unequal lengths, labels other than 0 and 1, one class only, or scores that are no probabilities; if
            they need not be, scores that are not finite.
    """
    if len(label) != len(score):
        raise UserError(f"{where}: {len(label)} labels but {len(score)} scores; they must be one each")
    wrong = np.setdiff1d(label, (0, 1))
    if len(wrong):
        raise UserError(f"{where}: label {wrong[0]}, expected 0 (background) or 1 (signal)")
    if not (label == 1).any() or not (label == 0).any():
        raise UserError(f"{where}: {np.sum(label == 1)} signal and {np.sum(label == 0)} background entries, needs both")
    bad = np.flatnonzero(~((score >= 0) & (score <= 1)) if probability else ~np.isfinite(score))
    if len(bad):
        expected = "a finite number" + " from 0 to 1" * probability
        raise UserError(f"{where}: entry {bad[0]}: score is {score[bad[0]]}, expected {expected}")


def roc(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return background efficiency and signal efficiency (m,), both rising from 0 to 1."""
    background, signal, _ = roc_curve(label, score, drop_intermediate=True)
    return background, signal


def auc_with_error(label: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve and its standard error.

    DeLong et al. (doi:10.2307/2531595) by the ranks of Sun, Xu (doi:10.1109/LSP.2014.2337313). With a single
    entry in a class the error is not defined: nan.
    """
    placement_signal, placement_background = placements(label, score)
    m, n = len(placement_signal), len(placement_background)
    area = float(placement_signal.mean())
    if min(m, n) < 2:
        return area, math.nan
    return area, float(np.sqrt(placement_signal.var(ddof=1) / m + placement_background.var(ddof=1) / n))


def placements(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which part of the background every signal entry is above, and of the signal every background entry below.

    Their means are both the area under the ROC curve; equal scores count half.
    """
    signal, background = score[label == 1], score[label == 0]
    m, n = len(signal), len(background)
    ranks = rankdata(np.concatenate([signal, background]))
    return (ranks[:m] - rankdata(signal)) / n, 1.0 - (ranks[m:] - rankdata(background)) / m


def auc_interval(area: float, error: float, signal: int, background: int) -> tuple[float, float]:
    """Return the ends of the 68 % interval of an area under the ROC curve, given DeLong's error and numbers of entries.

    The error is applied to the log odds of the area, so that the interval stays between 0 and 1. Where no pair is in
    the wrong order, or in the right one, DeLong's error is 0, and of a single entry of a class it is not defined: then
    by the variance of Hanley and McNeil at the ends (Newcombe, doi:10.1002/sim.2324).
    """
    if error > 0 and 0 < area < 1:
        width = error / (area * (1 - area))
        return float(expit(logit(area) - width)), float(expit(logit(area) + width))
    mean = (signal + background) / 2

    def beyond(at: float) -> float:
        factor = 1 + (mean - 1) * ((1 - at) / (2 - at) + at / (1 + at))
        return (area - at) ** 2 - at * (1 - at) * factor / (signal * background)

    low = brentq(beyond, 0, min(area, 1 - 1e-12)) if area > 0 else 0.0
    return low, brentq(beyond, max(area, 1e-12), 1) if area < 1 else 1.0


def cut_at(label: np.ndarray, score: np.ndarray, efficiency: float) -> float:
    """Return the score of the signal entry at which a signal efficiency is first reached; that score passes."""
    signal = np.sort(score[label == 1])[::-1]
    cut = signal[max(0, math.ceil(efficiency * len(signal) - 1e-9) - 1)]
    return float(cut)


def rejection_with_error(label: np.ndarray, score: np.ndarray, efficiency: float) -> tuple[float, float, float, float]:
    """Return background rejection 1/eB at the given signal efficiency, its Poisson error and 68 % interval.

    The cut is the score of the signal entry at which the efficiency is first reached; background with the same
    score passes. The error is symmetric and means little where few entries pass, the interval is exact for the
    number that do (``exact_interval``). When none passes, the rejection is infinite, its error nan, and the lower end
    of the interval a limit at 84 %.
    """
    background = score[label == 0]
    passed = int(np.sum(background >= cut_at(label, score, efficiency)))
    least, most = exact_interval(passed, len(background))
    if passed == 0:
        return math.inf, math.nan, 1 / most, math.inf
    return len(background) / passed, len(background) / passed / math.sqrt(passed), 1 / most, 1 / least


def measure_classification(label: np.ndarray, score: np.ndarray, where: str, probability: bool = True) -> Metrics:
    """Return every metric of probabilities ``score`` (n,) for signal; infinite and undefined values are None.

    Undefined are accuracy, calibration error and log loss of scores that are no probabilities.

    Raises:
        UserError: unusable labels or scores.
    """
    check_scores(label, score, where, probability)
    accuracy = fraction_with_error((score > 0.5) == (label == 1)) if probability else (math.nan,) * 4
    signal, background = (int(np.sum(label == kind)) for kind in (1, 0))
    area, error = auc_with_error(label, score)
    metrics: Metrics = {
        "entries": len(label),
        "signal": signal,
        "background": background,
        **named("accuracy", *accuracy),
        **named("auc", area, error, *auc_interval(area, error, signal, background)),
    }
    for efficiency in SIGNAL_EFFICIENCIES:
        metrics |= named(f"rejection_{efficiency:.0%}"[:-1], *rejection_with_error(label, score, efficiency))
    likelihood = np.clip(np.where(label == 1, score, 1 - score), 1e-300, 1)
    metrics |= {
        "ece": expected_calibration_error(label, score) if probability else None,
        "log_loss": float(-np.log(likelihood).mean()) if probability else None,
    }
    return defined(metrics)


def shares(predicted: Mapping[str, np.ndarray], where: str) -> dict[str, EntryShare]:
    """Return the metrics that are compared entry by entry, see ``evaluation.paired``.

    Raises:
        UserError: unusable predictions.
    """
    label, score = scores_of(predicted, where)
    found = {"auc": share_of_area(label, *placements(label, score))}
    return found | ({"accuracy": share_of_mean((score > 0.5) == (label == 1))} if is_probability(predicted) else {})
