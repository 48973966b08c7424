"""Straight line, or plane: least squares by a minimiser of SciPy, with the covariance of what it finds.

y = offset + slope . x, where y is the number to be learned as it is shown to every network: minus its mean, over its
standard deviation of the training split; x is what `training.normalise` makes of the features. Slopes, offset and
covariance in the file are in these units. The minimiser is least_squares (trust region, doi:10.1137/S1064827595289108);
an epoch is one of its iterations, and the last one counts.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from jetpulse.config import Training
from jetpulse.errors import UserError

TASKS = ("regression",)
Row = dict[str, float]
# Much below the precision of the float32 in which the parameters are kept; the minimiser's smallest is that of float64.
_TOLERANCE = 1e-14


class Network(nn.Module):
    """One linear layer with one output; input (batch, ...), output (batch, 1)."""

    covariance: torch.Tensor  # float64 (d + 1, d + 1), of the d slopes and, last, the offset

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        """Build for inputs of ``shape``; slopes, offset and covariance are 0.

        Raises:
            UserError: more than one number to be learned.
        """
        super().__init__()
        if outputs != 1:
            raise UserError(f"linear: learns one number, here are {outputs} outputs; choose another model")
        d = math.prod(shape)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(d, 1))
        self.register_buffer("covariance", torch.zeros(d + 1, d + 1, dtype=torch.float64))
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the number (batch, 1)."""
        return self.layers(inputs)

    def fit(
        self,
        features: np.ndarray,
        target: np.ndarray,
        val_features: np.ndarray | None,
        val_target: np.ndarray | None,
        training: Training,
        seed: int,
        report: Callable[[Row], None],
    ) -> tuple[list[Row], int]:
        """Learn from entries; nothing is drawn.

        The covariance is the residuals' variance times the inverse of J^T J, where J are the derivatives of the
        residuals by the parameters; NaN where the entries do not determine the parameters and their errors.

        Args:
            features: float32 (n, ...).
            target: float32 (n,).
            val_features: entries whose loss is watched, or None.
            val_target: theirs.
            training: not used.
            seed: not used.
            report: called with every iteration's row.

        Returns:
            One row for each iteration, and their number.

        Raises:
            UserError: features or target that are not finite.
        """
        from scipy.optimize import OptimizeResult, least_squares  # slow to load, and not needed for predictions

        sets = {"train": _columns(features, target)}
        if val_features is not None:
            sets["val"] = _columns(val_features, val_target)
        jacobian, y = sets["train"]
        history: list[Row] = []

        def watch(intermediate_result: OptimizeResult) -> None:
            row: Row = {"epoch": len(history) + 1}
            for name, (columns, values) in sets.items():
                residual = columns @ intermediate_result.x - values
                row |= {f"{name}_loss": float(np.mean(residual**2)), f"{name}_mae": float(np.mean(np.abs(residual)))}
            history.append(row)
            report(row)

        found = least_squares(
            lambda parameters: jacobian @ parameters - y,
            np.zeros(jacobian.shape[1]),
            lambda parameters: jacobian,
            x_scale="jac",
            xtol=_TOLERANCE,
            ftol=_TOLERANCE,
            gtol=_TOLERANCE,
            callback=watch,
        )
        if not history:  # already at the minimum
            watch(found)
        with torch.no_grad():
            self.layers[1].weight.copy_(torch.from_numpy(found.x[None, :-1]))
            self.layers[1].bias.copy_(torch.from_numpy(found.x[-1:]))
        self.covariance.copy_(torch.from_numpy(_covariance(jacobian, 2 * found.cost)))
        return history, len(history)


def _columns(features: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return features and a column of ones, float64 (n, d + 1), and the target, float64 (n,)."""
    flat = features.reshape(len(features), -1).astype(np.float64)
    if not (np.isfinite(flat).all() and np.isfinite(target).all()):
        raise UserError("linear: features or target are not finite; check the dataset")
    return np.column_stack([flat, np.ones(len(flat))]), target.reshape(-1).astype(np.float64)


def _covariance(jacobian: np.ndarray, squares: float) -> np.ndarray:
    """Return the parameters' covariance (p, p) from J (n, p) and the sum of squared residuals."""
    n, p = jacobian.shape
    scale = np.linalg.norm(jacobian, axis=0)
    if n <= p or not scale.all() or np.linalg.matrix_rank(jacobian / scale) < p:
        return np.full((p, p), np.nan)
    _, r = np.linalg.qr(jacobian / scale)
    inverse = np.linalg.inv(r)
    return squares / (n - p) * (inverse @ inverse.T) / np.outer(scale, scale)
