"""The files of figures of a small problem's classifiers: predictions, entries and models in, SVG out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from jetpulse.errors import UserError
from jetpulse.evaluation.predictions import arrays_of
from jetpulse.figures import classes
from jetpulse.figures.problem_files import predict_at, read_tested
from jetpulse.figures.problem_style import Entries
from jetpulse.figures.style import save_figure
from jetpulse.figures.surfaces import Surface, surface_points


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def plot_class_figures(
    predictions: Sequence[Path], samples: Path, models: Sequence[Path], dataset: str, *, answers: Path, confusion: Path
) -> None:
    """Draw what classifiers say of a problem's test split, and which classes they take for which.

    Args:
        predictions: predictions.h5 of every training.
        samples: the entries as the networks saw them.
        models: model.safetensors of every training; read only where entries have one or two features.
        dataset: the dataset's name in the predictions.
        answers: figure to write.
        confusion: figure to write.

    Raises:
        UserError: unusable predictions, not of the test split of ``samples``, or not one model for each.
    """
    predicted, entries = read_tested(predictions, samples, dataset, models)
    found = [_probability(row, entries, f"{path}: {dataset}") for row, path in zip(predicted, predictions, strict=True)]
    if len({row.shape[1] for row in found}) > 1:
        raise UserError(f"{predictions[-1]}: {dataset}: has another number of classes than {predictions[0]}")
    counts = np.array([classes.confusion_counts(entries.label, row) for row in found])
    save_figure(_answers(entries, found, samples, models), answers)
    save_figure(classes.confusion(counts, entries.names), confusion)


def _probability(predicted: dict[str, np.ndarray], entries: Entries, where: str) -> np.ndarray:
    """Return the probabilities (n, classes) of one training's predictions.

    Raises:
        UserError: they are not there, or too few for the labels.
    """
    if entries.label is None:
        raise UserError(f"{where}: the entries have no label; are they those of a classification?")
    (probability,) = arrays_of(predicted, ("probability",), where)
    if entries.classes() > probability.shape[1]:
        wrong, k = entries.classes(), probability.shape[1]
        raise UserError(f"{where}: has probabilities of {k} classes, the entries have {wrong}; predict again")
    return probability


def _answers(entries: Entries, found: list[np.ndarray], samples: Path, models: Sequence[Path]) -> Figure:
    shape = entries.features.shape[1:]
    if len(shape) >= 2:
        return classes.example_answers(entries, found[0])
    if models and shape == (2,):
        surfaces = [surface_of(model, entries.features, samples) for model in models]
        return classes.decisions(entries, found, surfaces)
    if models and shape == (1,):
        x = classes.line_points(entries.features)
        return classes.curves(entries, x, [probabilities_at(model, x[:, None], samples) for model in models])
    return classes.distributions(entries, found)


def surface_of(model: Path, features: np.ndarray, samples: Path) -> Surface:
    """Return what a network says of the plane around features (n, 2).

    Raises:
        UserError: unusable model, or one that was trained on something else.
    """
    x, y, points = surface_points(features)
    return Surface(x, y, probabilities_at(model, points, samples).reshape(len(y), len(x), -1))


def probabilities_at(model: Path, features: np.ndarray, samples: Path) -> np.ndarray:
    """Return the probabilities (m, classes) of a network at features (m, *shape).

    A number that was learned from two classes is taken for the probability of the second.

    Raises:
        UserError: unusable model, or one that was trained on something else.
    """
    predicted = predict_at(model, features, samples)
    if "probability" in predicted:
        return predicted["probability"]
    second = np.clip(predicted["prediction"], 0, 1)
    return np.stack([1 - second, second], axis=1)
