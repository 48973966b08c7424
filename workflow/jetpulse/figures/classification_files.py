"""The figures of a classifier of jets, from files to files."""

from collections.abc import Sequence
from pathlib import Path

from jetpulse.errors import UserError
from jetpulse.evaluation.calibration import read_temperature
from jetpulse.evaluation.classification import is_probability, read_scores
from jetpulse.evaluation.predictions import read_predictions
from jetpulse.figures import classification
from jetpulse.figures.style import save_figure


def _grouped(predictions: Sequence[Path]) -> dict[str, classification.Scores]:
    """Return (label, score) of every seed, by dataset tested on."""
    per_seed = [read_scores(path) for path in predictions]
    return {name: [scores[name] for scores in per_seed] for name in per_seed[0]}


def plot_classification_figures(
    predictions: Sequence[Path],
    roc: Path,
    rejection: Path,
    scores: Path,
    reliability: Path,
    calibrations: Sequence[Path] = (),
) -> None:
    """Draw an experiment's ROC and rejection curves, scores and reliability, for every dataset tested on.

    Raises:
        UserError: unusable predictions, or not one calibration for each of them.
    """
    if calibrations and len(calibrations) != len(predictions):
        raise UserError(f"--calibrations: {len(calibrations)} files but {len(predictions)} predictions; give one each")
    groups = _grouped(predictions)
    probability = all(map(is_probability, read_predictions(predictions[0]).values()))
    temperatures = [read_temperature(path) for path in calibrations]
    save_figure(classification.roc_curves(groups), roc)
    save_figure(classification.rejection_curves(groups), rejection)
    save_figure(classification.score_distributions(groups, probability), scores)
    save_figure(classification.reliability_diagram(groups, probability, temperatures), reliability)
