"""Any classifier or regressor of scikit-learn by name: decision tree, random forest, neighbours, ...

`estimator` is the name of its class, `parameters` are what the class takes. `random_state`, if it has one and none is
given, follows from the seed; it learns with `training.threads`. A classifier has to give probabilities. It learns at
once, so that the history has one row, and is kept in the model's file by skops. The number of parameters is that of the
nodes of its trees, of its weights, or of the numbers in its support vectors; 0 where nothing of the kind is learned.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

from jetpulse import seeds
from jetpulse.config import Training
from jetpulse.config.estimators import EstimatorName, EstimatorParameters, classifies, find_estimator, make_estimator
from jetpulse.errors import UserError
from jetpulse.models.kept_estimators import count_numbers, from_bytes, to_bytes

TASKS = ("classification", "regression")
Row = dict[str, float]
# Probabilities of 0, which trees and neighbours give, count as this, as in scikit-learn's own loss.
_LEAST = float(np.finfo(np.float64).eps)
# Entries that are predicted at once when their loss is watched.
_AT_ONCE = 1000


class Network(nn.Module):
    """An estimator of scikit-learn; input (batch, ...), output logits (batch, classes) or the number (batch, 1).

    It computes in double precision on the CPU. All outputs are 0 before it has learned.
    """

    content: torch.Tensor  # uint8 (bytes,), the estimator as a file of skops
    outside = "scikit-learn computes it, not torch"
    libraries = ("sklearn", "skops")

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        estimator: EstimatorName = "DecisionTreeClassifier",
        parameters: EstimatorParameters = {},  # noqa: B006 - read, never changed
    ) -> None:
        """Prepare for inputs of ``shape``; the estimator itself is made by ``fit`` or comes from a file.

        Raises:
            UserError: a regressor for several classes, or a classifier for one output.
        """
        super().__init__()
        self.classifies = classifies(find_estimator(estimator))
        if self.classifies != (outputs > 1):
            answer = f"{outputs} classes" if outputs > 1 else "one number"
            raise UserError(f"estimator: {estimator} does not learn {answer}; choose another")
        self.name, self.given = estimator, dict(parameters)
        self.features, self.outputs = math.prod(shape), outputs
        self.estimator: Any = None
        self.register_buffer("content", torch.zeros(0, dtype=torch.uint8))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes), logarithms of the probabilities, or the number (batch, 1); float64."""
        values = np.zeros((len(inputs), self.outputs))
        if self.estimator is not None and len(inputs):
            values = self._predict(inputs.flatten(1).detach().cpu().double().numpy())
        return torch.from_numpy(values).to(inputs.device)

    def _predict(self, features: np.ndarray) -> np.ndarray:
        """Return what ``forward`` does, float64, of features (n, d)."""
        with threadpool_limits(1):  # the last bits of sums in parallel depend on the number of threads
            if not self.classifies:
                return self.estimator.predict(features).reshape(len(features), 1)
            probability = np.full((len(features), self.outputs), _LEAST)
            found = self.estimator.predict_proba(features)
        probability[:, self.estimator.classes_] = np.maximum(found, _LEAST)  # some classes may not have been there
        return np.log(probability)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        """Take the estimator from a file, whose length is not known before.

        Raises:
            ValueError: another estimator than the arguments name, or one that is not to be loaded.
        """
        content = state_dict.get(f"{prefix}content")
        if content is not None:
            self._take(content.cpu())
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def _take(self, content: torch.Tensor) -> None:
        self.content, self.estimator = content.clone(), None
        if len(content) == 0:
            return
        estimator = from_bytes(content.numpy().tobytes(), self.features)
        wrong = type(estimator) is not find_estimator(self.name)
        wrong = wrong or getattr(estimator, "n_features_in_", self.features) != self.features
        if not wrong and self.classifies:
            known = np.asarray(estimator.classes_)
            wrong = known.dtype.kind not in "iu" or len(known) == 0 or known.min() < 0 or known.max() >= self.outputs
        if wrong:
            msg = f"holds {type(estimator).__name__}, expected {self.name} of {self.features} features"
            raise ValueError(msg)
        self.estimator = estimator
        try:  # arrays that do not fit together
            self._predict(np.zeros((2, self.features)))
        except Exception as error:
            self.estimator = None
            msg = f"holds {type(estimator).__name__} that cannot predict: {type(error).__name__}: {_one_line(error)}"
            raise ValueError(msg) from error

    def count_parameters(self) -> int:
        """Return how many numbers have been learned, 0 where they cannot be told."""
        return count_numbers(self.estimator)

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
        """Learn from entries; the same ones, parameters and seed give the same bytes.

        Args:
            features: float32 (n, ...).
            target: int64 (n,) of classes, float32 (n,) of numbers.
            val_features: entries whose loss is watched, or None.
            val_target: theirs.
            training: ``threads``.
            seed: base seed.
            report: called with the only row.

        Returns:
            The row, and its number, 1.

        Raises:
            UserError: entries that the estimator cannot learn from, or an estimator that cannot be kept.
        """
        try:
            content = to_bytes(self._learn(features, target, training, seed))
            self._take(torch.from_numpy(np.frombuffer(content, np.uint8).copy()))
        except (NotImplementedError, TypeError, ValueError) as error:
            raise UserError(f"estimator: {self.name} cannot be kept in a file: {_one_line(error)}") from error
        row: Row = {"epoch": 1} | self._watch("train", features, target)
        if val_features is not None:
            row |= self._watch("val", val_features, val_target)
        report(row)
        return [row], 1

    def _learn(self, features: np.ndarray, target: np.ndarray, training: Training, seed: int) -> Any:
        import joblib  # comes with scikit-learn

        estimator = make_estimator(self.name, self.given)
        known = estimator.get_params(deep=False)
        if "random_state" in known and "random_state" not in self.given:
            estimator.set_params(random_state=seeds.integer_seed(seed, "estimator", bits=31))
        columns = features.reshape(len(features), -1).astype(np.float64)
        answer = target.astype(np.int64 if self.classifies else np.float64)
        try:
            with (
                threadpool_limits(training.threads),
                joblib.parallel_config("threading", n_jobs=training.threads),
                warnings.catch_warnings(action="ignore", category=FutureWarning),  # of what scikit-learn will drop
            ):
                estimator.fit(columns, answer)
        except (ValueError, TypeError) as error:
            raise UserError(f"estimator: {self.name} cannot learn from these entries: {_one_line(error)}") from error
        # What trees say that are asked in parallel is added up in any order.
        return estimator.set_params(n_jobs=None) if "n_jobs" in known else estimator

    def _watch(self, split: str, features: np.ndarray, target: np.ndarray) -> Row:
        """Return loss and metric as the task's objective has them."""
        parts = torch.from_numpy(features).split(_AT_ONCE)
        outputs, answer = torch.cat([self(part) for part in parts]), torch.from_numpy(target)
        if self.classifies:
            loss = functional.cross_entropy(outputs, answer)
            return {
                f"{split}_loss": loss.item(),
                f"{split}_accuracy": (outputs.argmax(1) == answer).double().mean().item(),
            }
        residual = outputs[:, 0] - answer
        return {f"{split}_loss": residual.square().mean().item(), f"{split}_mae": residual.abs().mean().item()}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
