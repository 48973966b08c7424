"""The files of figures of regression: predictions, entries and models in, SVG out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from jetpulse.errors import UserError
from jetpulse.evaluation.predictions import arrays_of
from jetpulse.figures import regression
from jetpulse.figures.classes import line_points
from jetpulse.figures.problem_files import line_truth, predict_at, problem_attributes, read_entries, read_tested
from jetpulse.figures.problem_style import Entries
from jetpulse.figures.style import save_figure
from jetpulse.figures.surfaces import surface_points
from jetpulse.figures.weights_files import read_linear


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def plot_regression_figure(
    predictions: Sequence[Path], samples: Path, models: Sequence[Path], dataset: str, out: Path
) -> None:
    """Draw what was learned of a number: the line over the only feature, or predicted against true numbers.

    Args:
        predictions: predictions.h5 of every training.
        samples: the entries as the networks saw them.
        models: model.safetensors of every training; read only where entries have one or two features.
        dataset: the dataset's name in the predictions.
        out: figure to write.

    Raises:
        UserError: unusable predictions, not of the test split of ``samples``, or not one model for each.
    """
    found, entries = read_tested(predictions, samples, dataset, models)
    numbers = np.array(
        [_numbers(row, entries, f"{path}: {dataset}") for row, path in zip(found, predictions, strict=True)]
    )
    save_figure(_figure(entries, numbers, samples, models), out)


def _numbers(predicted: Mapping[str, np.ndarray], entries: Entries, where: str) -> np.ndarray:
    """Return the predictions (n,) of one training.

    Raises:
        UserError: they are not there, or the entries are none of a regression.
    """
    if entries.target is None:
        raise UserError(f"{where}: the entries have no target; are they those of a regression?")
    return arrays_of(predicted, ("prediction",), where)[0].astype(np.float64)


def _figure(entries: Entries, numbers: np.ndarray, samples: Path, models: Sequence[Path]) -> Figure:
    shape = entries.features.shape[1:]
    if models and shape == (1,):
        # The test split comes last.
        every, _ = read_entries(samples, most=None)
        return regression.line(every, _lines(every, samples, models), numbers - entries.target)
    if models and shape == (2,):
        x, y, points = surface_points(entries.features)
        values = predict_at(models[0], points, samples)["prediction"].reshape(len(y), len(x))
        return regression.predicted(entries, numbers, regression.Plane(x, y, values))
    return regression.predicted(entries, numbers)


def _lines(entries: Entries, samples: Path, models: Sequence[Path]) -> regression.Lines:
    """Return what networks predict along the only feature, with what is known about it."""
    x = line_points(entries.features)
    values = np.array([predict_at(model, x[:, None], samples)["prediction"] for model in models])
    line = line_truth(problem_attributes(samples))
    truth = None if line is None else line[0] * x + line[1]
    found = read_linear(models[0])
    error = None
    if found is not None and np.isfinite(found.covariance).all():
        at = np.stack([x, np.ones_like(x)], axis=1)
        error = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", at, found.covariance, at), 0))
    return regression.Lines(x, values, error, truth)
