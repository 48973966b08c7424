"""How well a number is predicted; target (n,) and prediction (n,) are in the target's own units."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jetpulse.evaluation.measures import Metrics, defined, mean_with_error, rmse_with_error
from jetpulse.evaluation.paired import EntryShare, share_of_mean, share_of_rmse
from jetpulse.evaluation.predictions import arrays_of, check_truth

# Metric -> title and format of the number, in tables and the summary.
COLUMNS = {
    "rmse": ("root mean square error", ".4g"),
    "mae": ("mean absolute error", ".4g"),
    "r2": ("R²", ".4f"),
}


def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    ``r2`` is the part of the test split's variance that is explained: 1 - mean squared error / variance.

    Raises:
        UserError: unusable predictions, or made from other entries than ``truth``, where that is given.
    """
    target, prediction = _numbers(predicted, where)
    check_truth("target", target, truth, where)
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
    target, prediction = _numbers(predicted, where)
    return {"rmse": share_of_rmse(prediction - target), "mae": share_of_mean(np.abs(prediction - target))}


def _numbers(predicted: Mapping[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    target, prediction = arrays_of(predicted, ("target", "prediction"), where)
    return target.astype(np.float64), prediction.astype(np.float64)
