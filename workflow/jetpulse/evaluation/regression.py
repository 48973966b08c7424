"""How well a number is predicted; target (n,) and prediction (n,) are in the target's own units."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.evaluation.measures import Metrics, defined, mean_with_error
from jetpulse.evaluation.paired import EntryShare, share_of_mean, share_of_rmse

# Metric -> title and format of the number, in tables and the summary.
COLUMNS = {
    "rmse": ("root mean square error", ".4g"),
    "mae": ("mean absolute error", ".4g"),
    "r2": ("R²", ".4f"),
}


def check_numbers(predicted: Mapping[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return target and prediction, float64 (n,), of one dataset's predictions.

    Raises:
        UserError: they are not there, empty, or cannot be evaluated.
    """
    for name in ("target", "prediction"):
        if name not in predicted or predicted[name].ndim != 1:
            raise UserError(f"{where}: lacks {name} (n); predict again")
    target, prediction = (predicted[name].astype(np.float64) for name in ("target", "prediction"))
    if len(target) != len(prediction):
        raise UserError(f"{where}: {len(target)} targets but {len(prediction)} predictions; predict again")
    if not len(target):
        raise UserError(f"{where}: has no entries; the test split must not be empty")
    for name, values in {"target": target, "prediction": prediction}.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise UserError(f"{where}: entry {bad[0]}: {name} is {values[bad[0]]}, expected a finite number")
    return target, prediction


def rmse_with_error(residual: np.ndarray) -> tuple[float, float]:
    """Return the root mean square of residuals (n,) and its error, propagated from that of the mean square."""
    square, error = mean_with_error(residual**2)
    root = float(np.sqrt(square))
    return root, error / (2 * root) if root else error


def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    ``r2`` is the part of the test split's variance that is explained: 1 - mean squared error / variance.

    Raises:
        UserError: unusable predictions, or made from other entries than ``truth``, where that is given.
    """
    target, prediction = check_numbers(predicted, where)
    if "target" in truth:
        other = np.flatnonzero(target != truth["target"])
        if len(other):
            found, expected = target[other[0]], truth["target"][other[0]]
            raise UserError(f"{where}: entry {other[0]}: target is {found}, in the sample {expected}; predict again")
    residual = prediction - target
    (rmse, rmse_error), (mae, mae_error) = rmse_with_error(residual), mean_with_error(np.abs(residual))
    spread = float(np.mean((target - target.mean()) ** 2))
    return defined(
        {
            "entries": len(target),
            "rmse": rmse,
            "rmse_error": rmse_error,
            "mae": mae,
            "mae_error": mae_error,
            "r2": 1 - float(np.mean(residual**2)) / spread if spread > 0 else None,
        }
    )


def shares(predicted: Mapping[str, np.ndarray], where: str) -> dict[str, EntryShare]:
    """Return the metrics that are compared entry by entry, see ``evaluation.paired``.

    Raises:
        UserError: unusable predictions.
    """
    target, prediction = check_numbers(predicted, where)
    return {"rmse": share_of_rmse(prediction - target), "mae": share_of_mean(np.abs(prediction - target))}
