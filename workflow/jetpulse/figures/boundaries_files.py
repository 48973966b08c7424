"""The file of the grid of decision surfaces: models and samples in, SVG out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.figures.boundaries import Learned, boundaries
from jetpulse.figures.classes_files import probabilities_at, surface_of
from jetpulse.figures.problem_files import read_entries
from jetpulse.figures.problem_style import Entries
from jetpulse.figures.style import save_figure


def model_label(experiment: Experiment) -> str:
    """Return what a kind of model is called in figures: its name, or the estimator that it wraps."""
    arguments = experiment.model.arguments()
    label = str(arguments.get("estimator", experiment.model.name))
    return f"{label}, regression" if experiment.task == "regression" else label


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def plot_boundaries_figure(
    models: Mapping[str, Path], samples: Mapping[str, Path], experiments: Mapping[str, Experiment], out: Path
) -> int:
    """Draw one grid of decision surfaces: a row for every dataset, a column for every kind of model; return how many.

    Args:
        models: one model.safetensors of every experiment.
        samples: samples.h5 of every dataset.
        experiments: definitions of at least these experiments.
        out: figure to write.

    Raises:
        UserError: an experiment that is not defined, samples that are missing or no points in a plane.
    """
    rows: dict[str, Entries] = {}
    cells: dict[tuple[str, str], Learned] = {}
    for name, model in models.items():
        if name not in experiments:
            raise UserError(f"--models {name}: the spec has no such experiment; it has {', '.join(experiments)}")
        dataset = experiments[name].dataset
        if dataset not in samples:
            raise UserError(f"--samples: lacks {dataset!r}, which {name!r} learned; give {dataset}=FILE")
        if dataset not in rows:
            rows[dataset] = _points(samples[dataset])
        entries = rows[dataset]
        column, again = model_label(experiments[name]), 1
        while (dataset, column) in cells:
            again += 1
            column = f"{model_label(experiments[name])} ({again})"
        surface = surface_of(model, entries.features, samples[dataset])
        probability = probabilities_at(model, entries.features, samples[dataset])
        if probability.shape[1] < entries.classes():
            raise UserError(f"{model}: tells {probability.shape[1]} classes apart, {dataset!r} has {entries.classes()}")
        cells[dataset, column] = Learned(name, surface, probability)
    columns = list(dict.fromkeys(column for _, column in cells))
    save_figure(boundaries(rows, columns, cells), out)
    return len(cells)


def _points(path: Path) -> Entries:
    entries, _ = read_entries(path, ("test",), None)
    if entries.label is None or entries.features.shape[1:] != (2,):
        shape = " x ".join(map(str, np.shape(entries.features)[1:]))
        raise UserError(f"{path}: has entries of shape {shape}, a grid of boundaries shows classes of 2 features")
    return entries
