"""One answer of several trainings: the mean of their probabilities, measured like that of a single one.

The mean of probabilities is what a mixture of the networks with equal weights predicts (Lakshminarayanan et al.,
arXiv:1612.01474). A mean of logits would be their product, renormalised, which the one that is most certain of itself
decides; and results from elsewhere come without logits.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.evaluation.classification import is_probability, measure_classification, scores_of
from jetpulse.evaluation.measures import Metrics
from jetpulse.evaluation.predictions import Arrays, read_predictions
from jetpulse.samples import read_attributes


def measure_ensemble(predictions: Sequence[Path]) -> dict[str, Metrics]:
    """Return the metrics of the mean of several classifiers' probabilities by dataset.

    Scores that are no probabilities have no common scale: nothing is returned where a file holds such.

    Raises:
        UserError: unusable predictions, or not of the same datasets, events and labels in the same order.
    """
    read = [read_predictions(path) for path in predictions]
    if not all(is_probability(predicted) for datasets in read for predicted in datasets.values()):
        return {}
    for path, datasets in zip(predictions, read, strict=True):
        if set(datasets) != set(read[0]):
            found, expected = ", ".join(datasets), ", ".join(read[0])
            raise UserError(f"{path}: tested on {found}, {predictions[0]} on {expected}; predict again")
    measured = {}
    for name in read[0]:
        wheres = [f"{path}: {name}" for path in predictions]
        label, score = mean_scores([datasets[name] for datasets in read], wheres)
        measured[name] = measure_classification(label, score, f"mean of {len(read)} predictions: {name}")
    return measured


def check_made_by(predictions: Path, model: Path, description: Mapping[str, Any]) -> None:
    """Refuse predictions that were made by other weights than those of a model; scores from elsewhere name none."""
    made_by = read_attributes(predictions, "predictions")["spec"].get("weights")
    if made_by is not None and made_by != description["checksums"]["weights"]:
        raise UserError(f"{predictions}: made by other weights than those of {model}; predict again")


def mean_scores(predicted: Sequence[Arrays], wheres: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels and the mean probability of signal, float64 (n,), of several classifiers' predictions.

    Args:
        predicted: ``event``, ``label`` (n,) and ``probability`` (n, 2) of every classifier.
        wheres: what each of them is called in messages.

    Raises:
        UserError: unusable predictions, or other events or labels than the first one's.
    """
    scores = []
    for arrays, where in zip(predicted, wheres, strict=True):
        label, score = scores_of(arrays, where)
        for name, expected in {"event": predicted[0]["event"], "label": predicted[0]["label"]}.items():
            found = arrays[name]
            if len(found) != len(expected):
                raise UserError(f"{where}: {len(found)} entries, {wheres[0]} has {len(expected)}; predict again")
            other = np.flatnonzero(found != expected)
            if len(other):
                i = other[0]
                raise UserError(
                    f"{where}: entry {i} has {name} {found[i]}, in {wheres[0]} it is {expected[i]}; predict again"
                )
        scores.append(score)
    return label, np.mean(scores, axis=0)
