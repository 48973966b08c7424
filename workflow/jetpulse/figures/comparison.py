"""All experiments that were tested on one dataset, side by side, with published results and references."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import read_scores
from jetpulse.evaluation.localisation import correct, read_bins, residual
from jetpulse.figures.classification import Scores, rejection_curves, roc_curves
from jetpulse.figures.style import grid, line_styles, literal, save_figure, styled


def plot_comparison_figures(
    predictions: Mapping[str, Sequence[Path]],
    dataset: str,
    references: Sequence[dict[str, str]],
    roc: Path,
    rejection: Path,
) -> None:
    """Draw ROC and rejection curves of every experiment on ``dataset``, with published working points.

    Raises:
        UserError: no experiment was tested on the dataset.
    """
    groups: dict[str, Scores] = {}
    for name, files in predictions.items():
        scores = [read_scores(file).get(dataset) for file in files]
        if not all(scores):
            raise UserError(f"--dataset {dataset}: experiment {name!r} was not tested on it; name those that were")
        groups[name] = scores
    save_figure(roc_curves(groups), roc)
    save_figure(rejection_curves(groups, _points(references)), rejection)


def _points(references: Sequence[dict[str, str]]) -> dict[str, list[tuple[float, float]]]:
    points = {}
    for row in references:
        found = [
            (eff, float(row[f"rejection_{eff:.0%}"[:-1]])) for eff in (0.3, 0.5) if row[f"rejection_{eff:.0%}"[:-1]]
        ]
        if found:
            points[row["tagger"]] = found
    return points


def plot_localisation_comparison_figure(
    predictions: Mapping[str, Sequence[Path]], dataset: str, experiments: Mapping[str, Experiment], path: Path
) -> None:
    """Draw the residuals, the fraction of wrong bins and the RMSE of every experiment on ``dataset``.

    Raises:
        UserError: an experiment that was not tested on the dataset, or that ``experiments`` lack.
    """
    unknown = set(predictions) - set(experiments)
    if unknown:
        known = ", ".join(experiments)
        raise UserError(f"--predictions {min(unknown)}: the spec has no such experiment; it has {known}")
    measured, references = {}, {}
    for name, files in predictions.items():
        seeds = [read_bins(file, dataset) for file in files]
        measured[name] = [(residual(*seed), correct(*seed)) for seed in seeds]
        reference = experiments[name].reference
        given = {"rmse": reference.rmse, "accuracy": reference.accuracy} if reference else {}
        references[name] = {metric: value for metric, value in given.items() if value is not None}
    save_figure(localisation_comparison(measured, references), path)


Measured = Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]


@styled
def localisation_comparison(measured: Measured, references: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw how often residuals exceed a distance, and every training's wrong fraction and RMSE beside references.

    Args:
        measured: experiment -> (residual (n,), right (n,) bool) of every seed.
        references: experiment -> ``rmse`` and ``accuracy``, each of them if known.
    """
    height = max(3.6, 1.2 + 0.32 * len(measured))
    figure, axes = grid(1, 3, 4.4, height, width_ratios=[1.3, 1, 1])
    styles = dict(zip(measured, line_styles(), strict=False))
    colours = {name: style["color"] for name, style in styles.items()}
    least = 0.5 / max(len(residuals) for seeds in measured.values() for residuals, _ in seeds)
    _beyond(axes[0][0], measured, styles, least)
    wrong = {name: [1 - float(np.mean(right)) for _, right in seeds] for name, seeds in measured.items()}
    known = {name: 1 - given["accuracy"] for name, given in references.items() if "accuracy" in given}
    _dots(axes[0][1], wrong, known, colours, least)
    axes[0][1].set_xlabel("fraction of wrong bins")
    rmse = {name: [float(np.sqrt(np.mean(row**2))) for row, _ in seeds] for name, seeds in measured.items()}
    known = {name: given["rmse"] for name, given in references.items() if "rmse" in given}
    _dots(axes[0][2], rmse, known, colours, 1e-4)
    axes[0][2].set_xlabel("RMSE of the mean bin [bins]")
    axes[0][2].tick_params(labelleft=False)
    axes[0][2].set_ylabel("")
    return figure


def _beyond(axis: Axes, measured: Measured, styles: Mapping[str, dict[str, str]], least: float) -> None:
    distance = np.geomspace(1e-3, max(1.0, *(np.abs(r).max() for seeds in measured.values() for r, _ in seeds)), 200)
    for name, seeds in measured.items():
        fraction = np.array(
            [1 - np.searchsorted(np.sort(np.abs(row)), distance, side="right") / len(row) for row, _ in seeds]
        )
        fraction[fraction <= 0] = np.nan
        shown = np.isfinite(fraction).all(axis=0)
        axis.plot(distance[shown], np.median(fraction[:, shown], axis=0), label=literal(name), **styles[name])
        band = fraction[:, shown]
        if band.size:
            axis.fill_between(distance[shown], band.min(0), band.max(0), color=styles[name]["color"], alpha=0.25, lw=0)
    axis.axvline(0.5, color="grey", lw=0.6, ls=":")
    axis.set_xlim(distance[0], distance[-1])
    axis.set_ylim(least, 1.2)
    axis.set(xlabel="distance d [bins]", ylabel="fraction with |mean bin − true bin| > d", xscale="log", yscale="log")
    axis.legend(loc="lower left", fontsize=8)


def _dots(
    axis: Axes,
    values: Mapping[str, Sequence[float]],
    references: Mapping[str, float],
    colours: Mapping[str, str],
    least: float,
) -> None:
    """Draw every seed's value as a dot, their median as a line, a reference as a diamond; below ``least`` at it."""
    for row, (name, seeds) in enumerate(values.items()):
        shown = np.maximum(seeds, least)
        axis.plot(shown, np.full(len(shown), row), "o", color=colours[name], ms=6, alpha=0.6, mew=0)
        axis.plot(np.median(shown), row, "|", color=colours[name], ms=16, mew=2)
        if name in references:
            axis.plot(max(references[name], least), row, "D", mfc="none", mec="0.15", ms=7)
    axis.plot([], [], "o", color="0.5", mew=0, label="training")
    axis.plot([], [], "|", color="0.5", ms=12, mew=2, label="median")
    if references:
        axis.plot([], [], "D", mfc="none", mec="0.15", label="reference")
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    axis.set_xlim(min(low, high / 20), high)
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 100 else (1,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_yticks(range(len(values)), list(map(literal, values)))
    axis.set_ylim(len(values) - 0.5, -0.5)
    axis.set_ylabel("experiment")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, handletextpad=0.2)
