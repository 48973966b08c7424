"""The files of pulse finders' figures: predictions and samples in, SVG out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.evaluation.localisation import bins_of
from jetpulse.evaluation.predictions import Arrays, read_predicted, read_truth
from jetpulse.figures import localisation
from jetpulse.figures.style import save_figure


def plot_localisation_figures(
    predictions: Sequence[Path],
    samples: Path,
    dataset: str,
    *,
    probabilities: Path,
    residuals: Path,
    efficiency: Path,
    coverage: Path,
) -> None:
    """Draw an experiment's predictions over traces, residuals, accuracy and coverage on one dataset.

    Raises:
        UserError: unusable predictions, or not of the test split of ``samples``.
    """
    label, probability, event, truth = _read(predictions, samples, dataset)
    shown = localisation.choose_examples(label, probability.mean(axis=0))
    figure = localisation.probabilities(truth["waveform"][shown], label[shown], probability[:, shown], event[shown])
    save_figure(figure, probabilities)
    save_figure(localisation.residuals(label, probability), residuals)
    save_figure(localisation.efficiency(label, probability, truth), efficiency)
    save_figure(localisation.coverage_curves(label, probability), coverage)


def _read(
    predictions: Sequence[Path], samples: Path, dataset: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Arrays]:
    """Return label (n,), probability (seeds, n, bins), event (n,) and the test split's entries."""
    probability = []
    for path in predictions:
        where = f"{path}: {dataset}"
        predicted = read_predicted(path, dataset)
        truth, _ = read_truth(samples, "pulses", predicted, where)
        if "waveform" not in truth:
            raise UserError(f"{samples}: lacks test/waveform; make the file again")
        label, row = bins_of(predicted, where, truth)
        probability.append(row)
    return label, np.array(probability), predicted["event"], truth
