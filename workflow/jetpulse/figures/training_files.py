"""The figure of an experiment's trainings, from files to a file."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.figures.style import save_figure
from jetpulse.figures.training import training_curves
from jetpulse.training.descriptions import load_description
from jetpulse.training.descriptions import read_history as read_checked


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a history.csv as float64 arrays (epochs,)."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_checked(path))))
        columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    except (IndexError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a training history ({error}); train again") from error
    missing = {"epoch", "train_loss"} - set(columns)
    if missing:
        raise UserError(f"{path}: not a training history, lacks {', '.join(sorted(missing))}; train again")
    return columns


def plot_training_figure(histories: Mapping[int, Path], path: Path) -> None:
    """Draw the training curves of an experiment's seeds; model.json beside a history says which epoch was kept.

    Raises:
        UserError: a file is missing, or is not what a training writes.
    """
    columns = {seed: read_history(file) for seed, file in histories.items()}
    kept = {seed: kept_epoch(file.with_name("model.json"), columns[seed]) for seed, file in histories.items()}
    save_figure(training_curves(columns, kept), path)


def kept_epoch(path: Path, history: Mapping[str, np.ndarray]) -> int:
    """Return the epoch, from 1, whose weights were kept, from model.json.

    Raises:
        UserError: not an epoch of the history.
    """
    epoch, epochs = load_description(path).get("best_epoch"), len(history["epoch"])
    if not isinstance(epoch, int) or not 1 <= epoch <= epochs:
        raise UserError(f"{path}: best_epoch is {epoch}, expected 1 to {epochs} as in history.csv; train again")
    return epoch
