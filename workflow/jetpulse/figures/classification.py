"""Figures of classifiers; ``scores`` are (label, score) pairs of (n,) arrays, one for each seed."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.evaluation.calibration import calibrated
from jetpulse.evaluation.classification import SIGNAL_EFFICIENCIES, auc_with_error, rejection_with_error, roc
from jetpulse.evaluation.measures import expected_calibration_error, reliability
from jetpulse.figures.style import CLASS_COLOURS, CLASS_NAMES, COLOURS, grid, line_styles, literal, styled

Scores = Sequence[tuple[np.ndarray, np.ndarray]]
EFFICIENCIES = np.linspace(0.01, 1.0, 199)
_CLOSE, _STEP = 1.22, 0.018  # rejections within such a factor are drawn so far apart


def _background(scores: Scores) -> np.ndarray:
    """Return background efficiency (seeds, efficiencies) at common signal efficiencies."""
    curves = [roc(label, score) for label, score in scores]
    return np.array([np.interp(EFFICIENCIES, signal, background) for background, signal in curves])


def _floor(scores: Scores) -> float:
    """Background efficiency of a single background entry: curves mean nothing below."""
    return 1.0 / max(1, min(int(np.sum(label == 0)) for label, _ in scores))


def _name(name: str, scores: Scores) -> str:
    areas = [auc_with_error(label, score)[0] for label, score in scores]
    return f"{literal(name)}, AUC {np.median(areas):.4f}"


@styled
def roc_curves(groups: Mapping[str, Scores]) -> Figure:
    """Draw median ROC curves with the band from lowest to highest seed, one colour or kind of line per group."""
    figure, axes = grid(1, 1, 5.2, 4.2)
    axis = axes[0][0]
    for style, (name, scores) in zip(line_styles(), groups.items(), strict=False):
        background = _background(scores)
        axis.plot(np.median(background, 0), EFFICIENCIES, label=_name(name, scores), **style)
        axis.fill_betweenx(EFFICIENCIES, background.min(0), background.max(0), color=style["color"], alpha=0.25, lw=0)
    axis.plot([0, 1], [0, 1], color="grey", lw=0.8, ls=":", label="no separation")
    axis.set(xlabel="background efficiency", ylabel="signal efficiency", xlim=(-0.01, 1), ylim=(0, 1.01))
    axis.legend(loc="lower right")
    return figure


@styled
def rejection_curves(
    groups: Mapping[str, Scores], published: Mapping[str, Sequence[tuple[float, float]]] = {}
) -> Figure:
    """Draw background rejection against signal efficiency, band over seeds, published points as markers.

    At the efficiencies that tables show bars are the statistical error of the median.
    """
    figure, axes = grid(1, 1, 6.8, 4.2)
    axis = axes[0][0]
    for number, (style, (name, scores)) in enumerate(zip(line_styles(), groups.items(), strict=False)):
        background = _background(scores)
        background[background < _floor(scores)] = np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            rejection = 1.0 / background
        shown = np.isfinite(rejection).all(axis=0)
        middle = np.median(rejection, 0)
        axis.plot(EFFICIENCIES[shown], middle[shown], label=_name(name, scores), **style)
        band = rejection[:, shown]
        if band.size:
            axis.fill_between(EFFICIENCIES[shown], band.min(0), band.max(0), color=style["color"], alpha=0.25, lw=0)
        _working_points(axis, scores, 0.006 * (number - (len(groups) - 1) / 2), style["color"])
    for marker, (name, points) in zip("sD^vP*X<>ohp" * 4, _apart(published).items(), strict=False):
        axis.plot(*zip(*points, strict=True), marker, color="0.25", mfc="none", ms=6, label=literal(name))
    for efficiency in SIGNAL_EFFICIENCIES:
        axis.axvline(efficiency, color="grey", lw=0.6, ls=":")
    axis.set(xlabel="signal efficiency", ylabel=r"background rejection $1/\varepsilon_B$", xlim=(0, 1), yscale="log")
    axis.set_ylim(bottom=1)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return figure


def _apart(published: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    """Return points (efficiency, rejection) moved sideways where they would cover one another."""
    every = [(x, y, name) for name, points in published.items() for x, y in points]
    moved: dict[str, list[tuple[float, float]]] = {name: [] for name in published}
    for efficiency in sorted({x for x, _, _ in every}):
        groups: list[list[tuple[float, str]]] = []
        for y, name in sorted((y, name) for x, y, name in every if x == efficiency):
            if groups and y < _CLOSE * groups[-1][-1][0]:
                groups[-1].append((y, name))
            else:
                groups.append([(y, name)])
        for group in groups:
            for number, (y, name) in enumerate(group):
                moved[name].append((efficiency + _STEP * (number - (len(group) - 1) / 2), y))
    return moved


def _working_points(axis: Axes, scores: Scores, aside: float, colour: str) -> None:
    """Draw the 68 % intervals at the marked efficiencies, a little ``aside``; where no background passes the limit."""
    for efficiency in SIGNAL_EFFICIENCIES:
        found = np.array([rejection_with_error(label, score, efficiency) for label, score in scores])
        value, _, low, high = np.median(found, axis=0)
        place = efficiency + aside
        if np.isfinite([value, high]).all():
            sizes = [[value - low], [high - value]]
            axis.errorbar(place, value, sizes, fmt="none", ecolor=colour, elinewidth=1.1, capsize=1.5)
        else:
            axis.plot(place, low, "^", color=colour, ms=4)


@styled
def score_distributions(groups: Mapping[str, Scores], probability: bool = True) -> Figure:
    """Draw the score's distribution by class, a panel per dataset; lines are medians over seeds, bands their range."""
    figure, axes = grid(1, len(groups), 4.6, 3.4)
    for axis, (name, scores) in zip(axes[0], groups.items(), strict=True):
        bins = _bins(scores)
        edges = np.linspace(0, 1, bins + 1) if probability else _edges(scores, bins)
        for kind in (1, 0):
            counts = np.array([np.histogram(score[label == kind], edges, density=True)[0] for label, score in scores])
            axis.stairs(np.median(counts, 0), edges, color=CLASS_COLOURS[kind], label=CLASS_NAMES[kind], lw=1.6)
            axis.stairs(counts.max(0), edges, baseline=counts.min(0), fill=True, color=CLASS_COLOURS[kind], alpha=0.25)
        xlabel = "score: probability of signal" if probability else "score: larger for signal, no probability"
        axis.set(xlabel=xlabel, ylabel="density", title=literal(name), yscale="log", xlim=(edges[0], edges[-1]))
    axes[0][0].legend(loc="upper center" if probability else "best")
    return figure


def _bins(scores: Scores) -> int:
    """Return how many bins the smaller class can fill: 40 of it has 400 entries."""
    return int(np.clip(2 * np.sqrt(min(np.sum(label == kind) for label, _ in scores for kind in (0, 1))), 8, 40))


def _edges(scores: Scores, bins: int) -> np.ndarray:
    """Return the edges of equal bins that hold all scores of every seed, whatever their range."""
    low, high = min(score.min() for _, score in scores), max(score.max() for _, score in scores)
    return np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, high + 0.5, bins + 1)


@styled
def reliability_diagram(
    groups: Mapping[str, Scores], probability: bool = True, temperatures: Sequence[float] = ()
) -> Figure:
    """Draw the fraction of signal against the predicted probability, with binomial errors, a panel per dataset.

    With the ``temperatures`` of the trainings also what calibration makes of them; the legend has the expected
    calibration error. Scores that are no probabilities cannot be calibrated; the figure says so.
    """
    figure, axes = grid(1, len(groups), 4.2, 3.8)
    if not probability:
        for axis, name in zip(axes[0], groups, strict=True):
            text = "The scores are no probabilities:\nthere is nothing to calibrate."
            axis.text(0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes)
            axis.set_title(literal(name))
            axis.set_axis_off()
        return figure
    for axis, (name, scores) in zip(axes[0], groups.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="grey", lw=0.8, ls=":", label="calibrated")
        for i, (label, score) in enumerate(scores):
            colour, training = COLOURS[i % len(COLOURS)], f"training {i + 1}"
            _reliability_points(axis, label, score, "o-", colour, training)
            if temperatures:
                told = f"at temperature {temperatures[i]:.2f}"
                _reliability_points(axis, label, calibrated(score, temperatures[i]), "s--", colour, told)
        axis.set(
            xlabel="mean predicted probability",
            ylabel="fraction of signal",
            title=literal(name),
            xlim=(0, 1),
            ylim=(0, 1),
        )
        axis.legend(loc="lower right", fontsize=6.5, title="expected calibration error", title_fontsize=7)
    return figure


def _reliability_points(axis: Axes, label: np.ndarray, score: np.ndarray, style: str, colour: str, name: str) -> None:
    counts, mean, fraction = reliability(label, score)
    filled = counts > 0
    n = counts[filled]
    # Wilson's width stays above zero where a bin holds one class only.
    error = np.sqrt(fraction[filled] * (1 - fraction[filled]) / n + 0.25 / n**2) / (1 + 1 / n)
    told = f"{name}: {expected_calibration_error(label, score):.4f}"
    hollow = {"mfc": "white", "alpha": 0.6} if style != "o-" else {}
    axis.errorbar(mean[filled], fraction[filled], error, fmt=style, ms=3, lw=1.0, color=colour, label=told, **hollow)
