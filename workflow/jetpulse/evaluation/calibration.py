"""Temperature calibration (Guo et al., arXiv:1706.04599): one number that makes a classifier as certain as it may be.

Logits divided by the temperature T become probabilities p^(1/T), normalised: the logits themselves are not needed.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from jetpulse.errors import UserError
from jetpulse.evaluation.classification import check_scores, is_probability, scores_of
from jetpulse.evaluation.measures import Metrics, defined, expected_calibration_error
from jetpulse.samples import dump_json, load_json

# Far beyond any network: where classes do not overlap or do not differ, the log loss has no minimum.
LIMITS = (0.01, 100.0)
_BINS = 15


def logits_of(score: np.ndarray) -> np.ndarray:
    """Return the log odds (n,) of probabilities of signal; those of 0 and 1 stay finite."""
    score = np.asarray(score, np.float64)
    tiny = np.finfo(np.float64).tiny
    return np.log(np.maximum(score, tiny)) - np.log(np.maximum(1 - score, tiny))


def calibrated(score: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities of signal (n,) at a temperature; 1 changes nothing, more makes them less certain."""
    return 1 / (1 + np.exp(-np.clip(logits_of(score) / temperature, -700, 700)))


def log_loss(label: np.ndarray, score: np.ndarray, temperature: float = 1.0) -> float:
    """Return the mean negative logarithm of the right class's probability at a temperature."""
    wrong_way = np.where(label == 1, -1.0, 1.0) * logits_of(score) / temperature
    return float(np.logaddexp(0, wrong_way).mean())


def fit_temperature(label: np.ndarray, score: np.ndarray) -> float:
    """Return the temperature between ``LIMITS`` with the least log loss, in double precision.

    The log loss is convex in 1/T, so that there is one minimum and a search along log T finds it.

    Args:
        label: 0 or 1, (n,).
        score: probability of signal, (n,).
    """
    found = minimize_scalar(
        lambda logarithm: log_loss(label, score, math.exp(logarithm)),
        bounds=tuple(map(math.log, LIMITS)),
        method="bounded",
        options={"xatol": 1e-9, "maxiter": 500},
    )
    return math.exp(found.x)


def adaptive_calibration_error(label: np.ndarray, score: np.ndarray, bins: int = _BINS) -> float:
    """Return the mean distance of probability and fraction over bins of equally many entries (arXiv:1904.01685).

    Scores of good networks crowd at 0 and 1, where equal bins of the score see nothing of what happens.
    """
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    distances = [len(part) * abs(score[part].mean() - label[part].mean()) for part in parts]
    return float(np.sum(distances)) / len(score)


def write_calibration(
    model: Path,
    inputs: Path,
    path: Path,
    *,
    views: int | None = None,
    device: str = "auto",
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, float | int]:
    """Fit the temperature of a trained classifier on the validation split of ``inputs``; write and return it as JSON.

    The probabilities are means over so many ``views`` of a jet, by default as many as the model was released with.

    Raises:
        UserError: not a classifier, inputs of another representation, or no validation split.
    """
    # Here, since the figures, which read what is written, need no torch.
    from jetpulse.evaluation.networks import predict_split

    predicted = predict_split(model, inputs, "val", "classification", views=views, device=device, log=log)
    label, score = predicted["label"], predicted["probability"][:, 1]
    check_scores(label, score, f"{inputs}: val")
    temperature = fit_temperature(label, score)
    if not LIMITS[0] * 1.01 < temperature < LIMITS[1] / 1.01:
        log(f"the temperature is at its limit {temperature:.3g}: the classes do not overlap or do not differ")
    after = calibrated(score, temperature)
    fitted = {
        "temperature": temperature,
        "entries": len(label),
        "val_log_loss": log_loss(label, score),
        "val_calibrated_log_loss": log_loss(label, score, temperature),
        "val_ece": adaptive_calibration_error(label, score),
        "val_calibrated_ece": adaptive_calibration_error(label, after),
    }
    dump_json(path, fitted)
    return fitted


def read_temperature(path: Path) -> float:
    """Return the temperature that ``write_calibration`` wrote.

    Raises:
        UserError: not such a file.
    """
    fitted = load_json(path)
    temperature = fitted.get("temperature") if isinstance(fitted, dict) else None
    if not isinstance(temperature, float) or not 0 < temperature < math.inf:
        raise UserError(f"{path}: temperature is {temperature}, expected a positive number; calibrate again")
    return temperature


def measure_calibrated(predicted: Mapping[str, np.ndarray], calibration: Path, where: str) -> Metrics:
    """Return the temperature, and log loss and expected calibration error (equal bins) of calibrated probabilities.

    Raises:
        UserError: unusable predictions, scores that are no probabilities, or no temperature.
    """
    if not is_probability(predicted):
        raise UserError(f"{where}: the scores are no probabilities, there is nothing to calibrate; leave it out")
    (label, score), temperature = scores_of(predicted, where), read_temperature(calibration)
    return defined(
        {
            "temperature": temperature,
            "calibrated_log_loss": log_loss(label, score, temperature),
            "calibrated_ece": expected_calibration_error(label, calibrated(score, temperature)),
        }
    )
