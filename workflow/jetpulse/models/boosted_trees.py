"""Gradient-boosted decision trees on observables, trained by XGBoost, kept and applied as tensors.

XGBoost: Chen, Guestrin, doi:10.1145/2939672.2939785; histograms of 256 bins, logistic loss, second order. One round
adds one tree. `training.patience` counts rounds, of which 20 or more do well: with a validation split training stops
after so many without a better loss, and the trees up to the best round are kept. They end as complete trees of `depth`
in tensors whose shapes follow from the arguments, so a model's file is like that of any network. The number of
parameters is that of splits and leaves.
"""

import json
import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import nn

from jetpulse import seeds
from jetpulse.config import Training

TASKS = ("classification",)
INPUT = "observables"
Row = dict[str, float]


class Network(nn.Module):
    """The sum of trees is the logit of class 1 of two; input (batch, ...), output logits (batch, 2).

    Splits of a tree are numbered level by level, those below split i are 2 i + 1 and 2 i + 2. An entry goes to the
    first where feature < threshold. Below a leaf the splits have the threshold inf and the leaves its value.
    """

    feature: torch.Tensor  # int64 (trees, splits)
    threshold: torch.Tensor  # float32 (trees, splits)
    leaf: torch.Tensor  # float32 (trees, splits + 1)

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
            outputs: 2.
            trees: rounds at most.
            depth: levels of splits at most.
            shrinkage: factor of every new tree.
            subsample: part of the entries, drawn anew for each tree.
            column_sample: part of the features, drawn anew for each tree.
            min_child_weight: least sum of p (1 - p) over the entries of a leaf.
            l2: penalty on the leaves' values.

        Raises:
            ValueError: another number of outputs.
        """
        super().__init__()
        if outputs != 2:
            msg = f"boosted-trees tell two classes apart, not {outputs}"
            raise ValueError(msg)
        self.features, self.depth, splits = math.prod(shape), depth, 2**depth - 1
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
        """Return logits (batch, 2), the first one 0."""
        values = inputs.flatten(1)
        trees, splits = self.threshold.shape
        root = torch.arange(trees, device=values.device) * splits  # splits of all trees in one row
        node = torch.zeros(len(values), trees, dtype=torch.int64, device=values.device)
        for _ in range(self.depth):
            below = values.gather(1, self.feature.flatten()[root + node]) < self.threshold.flatten()[root + node]
            node = 2 * node + 2 - below.long()
        first = torch.arange(trees, device=values.device) * (splits + 1) - splits
        logit = self.leaf.flatten()[first + node].double().sum(1).float()
        return torch.stack([torch.zeros_like(logit), logit], 1)

    def count_parameters(self) -> int:
        """Return the number of splits and leaves of the trees that are there."""
        splits = self.threshold.isfinite().sum(1)
        there = (splits > 0) | (self.leaf != 0).any(1)
        return int(2 * splits.sum() + there.sum())

    def fit(
        self,
        features: np.ndarray,
        label: np.ndarray,
        val_features: np.ndarray | None,
        val_label: np.ndarray | None,
        training: Training,
        seed: int,
        report: Callable[[Row], None],
    ) -> tuple[list[Row], int]:
        """Learn from entries; the same ones, settings and seed give the same bits.

        Args:
            features: float32 (n, ...).
            label: int64 (n,), 0 or 1.
            val_features: entries to tell when to stop, or None.
            val_label: theirs.
            training: ``patience`` and ``threads``.
            seed: base seed of the subsamples.
            report: called with every round's row.

        Returns:
            One row for each round, and the number of rounds that were kept.
        """
        import xgboost  # slow to load, and not needed for predictions

        sets = {"train": (features, label)}
        if val_features is not None:
            sets["val"] = (val_features, val_label)
        data = {name: xgboost.DMatrix(x.reshape(len(x), -1), y) for name, (x, y) in sets.items()}
        history: list[Row] = []

        class Watch(xgboost.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                row = {"epoch": epoch + 1}
                for name, found in evals_log.items():
                    row |= {f"{name}_loss": found["logloss"][-1], f"{name}_accuracy": 1 - found["error"][-1]}
                history.append(row)
                report(row)
                return False

        stops = training.patience is not None and "val" in data
        booster = xgboost.train(
            self.settings
            | {
                "objective": "binary:logistic",
                "base_score": 0.5,  # else it is estimated from the labels, and the trees alone are not the model
                "eval_metric": ["error", "logloss"],  # the last one decides when to stop
                "tree_method": "hist",
                "device": "cpu",
                "nthread": training.threads,
                "seed": seeds.integer_seed(seed, "subsample", bits=31),
            },
            data["train"],
            num_boost_round=len(self.leaf),
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
        for number, tree in enumerate(model["trees"][:rounds]):
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
