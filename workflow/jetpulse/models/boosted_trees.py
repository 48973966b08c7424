"""Gradient-boosted decision trees on observables, trained by XGBoost, kept and applied as tensors.

XGBoost: Chen, Guestrin, doi:10.1145/2939672.2939785; histograms of 256 bins, second order, logistic loss of classes and
squared error of numbers. One round adds one tree, of more than two classes one for each. `training.patience` counts
rounds, of which 20 or more do well: with a validation split training stops after so many without a better loss, and the
trees up to the best round are kept. They end as complete trees of `depth` in tensors whose shapes follow from the
arguments, so a model's file is like that of any network. The number of parameters is that of splits and leaves.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import nn

from jetpulse import seeds
from jetpulse.config import Training

TASKS = ("classification", "regression")
INPUT = "observables"
Row = dict[str, float]
# What XGBoost minimises and watches, the metric that decides when to stop last. Trees alone are the model if they begin
# at `base_score`: otherwise it is estimated from the answers. A number to be learned has the mean 0.
_TWO = {"objective": "binary:logistic", "base_score": 0.5, "eval_metric": ["error", "logloss"]}
_SEVERAL = {"objective": "multi:softprob", "base_score": 0.5, "eval_metric": ["merror", "mlogloss"]}
_NUMBER = {"objective": "reg:squarederror", "base_score": 0.0, "eval_metric": ["mae", "rmse"]}


class Network(nn.Module):
    """Sums of trees are logits or a number; input (batch, ...), output logits (batch, classes) or a number (batch, 1).

    One sum is the logit of class 1 of two; of more classes each has its own, and tree i belongs to class i modulo their
    number. Splits of a tree are numbered level by level, those below split i are 2 i + 1 and 2 i + 2. An entry goes to
    the first where feature < threshold. Below a leaf the splits have the threshold inf and the leaves its value.
    """

    feature: torch.Tensor  # int64 (trees, splits)
    threshold: torch.Tensor  # float32 (trees, splits)
    leaf: torch.Tensor  # float32 (trees, splits + 1)
    libraries = ("xgboost",)

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        trees: Annotated[int, Field(ge=1, le=10_000)] = 500,
        depth: Annotated[int, Field(ge=1, le=12)] = 4,
        shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.1,
        subsample: Annotated[float, Field(gt=0, le=1)] = 1.0,
        column_sample: Annotated[float, Field(gt=0, le=1)] = 1.0,
        min_child_weight: Annotated[float, Field(ge=0)] = 1.0,
        l2: Annotated[float, Field(ge=0)] = 1.0,
    ) -> None:
        """Build trees without splits for inputs of ``shape``.

        Args:
            shape: of one input.
            outputs: number of classes, or 1 for a number.
            trees: rounds at most.
            depth: levels of splits at most.
            shrinkage: factor of every new tree.
            subsample: part of the entries, drawn anew for each tree.
            column_sample: part of the features, drawn anew for each tree.
            min_child_weight: least sum over the entries of a leaf, of p (1 - p) or, for a number, of 1.
            l2: penalty on the leaves' values.
        """
        super().__init__()
        self.outputs, self.depth, splits = outputs, depth, 2**depth - 1
        self.sums = outputs if outputs > 2 else 1
        self.rounds, trees = trees, trees * self.sums
        self.settings = {
            "max_depth": depth,
            "eta": shrinkage,
            "subsample": subsample,
            "colsample_bytree": column_sample,
            "min_child_weight": min_child_weight,
            "lambda": l2,
        }
        self.register_buffer("feature", torch.zeros(trees, splits, dtype=torch.int64))
        self.register_buffer("threshold", torch.full((trees, splits), torch.inf))
        self.register_buffer("leaf", torch.zeros(trees, splits + 1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, classes), the first of two 0, or the number (batch, 1)."""
        values = inputs.flatten(1)
        trees, splits = self.threshold.shape
        root = torch.arange(trees, device=values.device) * splits  # splits of all trees in one row
        node = torch.zeros(len(values), trees, dtype=torch.int64, device=values.device)
        for _ in range(self.depth):
            below = values.gather(1, self.feature.flatten()[root + node]) < self.threshold.flatten()[root + node]
            node = 2 * node + 2 - below.long()
        first = torch.arange(trees, device=values.device) * (splits + 1) - splits
        found = self.leaf.flatten()[first + node].double().unflatten(1, (self.rounds, self.sums)).sum(1).float()
        return torch.cat([torch.zeros_like(found), found], 1) if self.outputs == 2 else found

    def count_parameters(self) -> int:
        """Return the number of splits and leaves of the trees that are there."""
        splits = self.threshold.isfinite().sum(1)
        there = (splits > 0) | (self.leaf != 0).any(1)
        return int(2 * splits.sum() + there.sum())

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
        """Learn from entries; the same ones, settings and seed give the same bits.

        Args:
            features: float32 (n, ...).
            target: int64 (n,) of classes, float32 (n,) of numbers.
            val_features: entries to tell when to stop, or None.
            val_target: theirs.
            training: ``patience`` and ``threads``.
            seed: base seed of the subsamples.
            report: called with every round's row.

        Returns:
            One row for each round, and the number of rounds that were kept.
        """
        import xgboost  # slow to load, and not needed for predictions

        sets = {"train": (features, target)}
        if val_features is not None:
            sets["val"] = (val_features, val_target)
        data = {name: xgboost.DMatrix(x.reshape(len(x), -1), y) for name, (x, y) in sets.items()}
        history: list[Row] = []
        kind = {1: _NUMBER, 2: _TWO}.get(self.outputs, _SEVERAL | {"num_class": self.outputs})

        class Watch(xgboost.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                row = {"epoch": epoch + 1}
                for name, found in evals_log.items():
                    other, loss = (found[metric][-1] for metric in kind["eval_metric"])
                    if kind is _NUMBER:
                        row |= {f"{name}_loss": loss**2, f"{name}_mae": other}
                    else:
                        row |= {f"{name}_loss": loss, f"{name}_accuracy": 1 - other}
                history.append(row)
                report(row)
                return False

        stops = training.patience is not None and "val" in data
        booster = xgboost.train(
            self.settings
            | kind
            | {
                "tree_method": "hist",
                "device": "cpu",
                "nthread": training.threads,
                "seed": seeds.integer_seed(seed, "subsample", bits=31),
            },
            data["train"],
            num_boost_round=self.rounds,
            evals=[(values, name) for name, values in data.items()],
            early_stopping_rounds=training.patience if stops else None,
            verbose_eval=False,
            callbacks=[Watch()],
        )
        best = booster.best_iteration + 1 if stops else len(history)
        self._take(booster, best)
        return history, best

    def _take(self, booster: Any, rounds: int) -> None:
        """Fill the tensors from the first trees of a model of XGBoost."""
        model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
        for number, tree in enumerate(model["trees"][: rounds * self.sums]):
            feature, value = tree["split_indices"], tree["split_conditions"]
            waiting = [(0, 0, 0)]
            while waiting:  # node of XGBoost, its level, its place there
                node, level, place = waiting.pop()
                if tree["left_children"][node] < 0:
                    wide = 2 ** (self.depth - level)
                    self.leaf[number, place * wide : (place + 1) * wide] = value[node]
                    continue
                split = 2**level - 1 + place
                self.feature[number, split], self.threshold[number, split] = feature[node], value[node]
                waiting.append((tree["left_children"][node], level + 1, 2 * place))
                waiting.append((tree["right_children"][node], level + 1, 2 * place + 1))
