"""Figures of classifiers of small problems: what they say of entries, and which classes they take for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.figures.problem_style import (
    RASTER,
    Entries,
    Names,
    bins_for,
    class_colour,
    class_points,
    inner_range,
    padded,
    thinned,
    unused,
)
from jetpulse.figures.problems import picture, plane_axes
from jetpulse.figures.style import grid, styled
from jetpulse.figures.surfaces import Surface, draw_borders, draw_surface

_PICTURES = 10
_BINS = 40
_MOST_NUMBERS = 15  # classes of which every number is printed


@styled
def decisions(entries: Entries, probabilities: Sequence[np.ndarray], surfaces: Sequence[Surface]) -> Figure:
    """Draw the decision surface of the first training and the borders of the others, with the test points.

    Args:
        entries: test points, features (n, 2).
        probabilities: of every training, (n, classes).
        surfaces: what every training says of the plane.
    """
    figure, axes = grid(1, 1, 5.6, 4.4)
    figure.set_dpi(RASTER)
    axis = axes[0][0]
    plane_axes(axis, entries.features, entries)
    decision(axis, entries, probabilities[0], surfaces[0])
    for surface in surfaces[1:]:
        draw_borders(axis, surface, colors="0.35", linewidths=0.7, linestyles="--")
    axis.plot([], [], color="black", lw=1.4, label="border, training 1")
    if len(surfaces) > 1:
        axis.plot([], [], color="0.35", lw=0.7, ls="--", label="borders of the others")
    if wrong_of(entries, probabilities[0]).any():
        axis.plot([], [], "o", ms=10, mfc="none", mec="black", ls="", label="wrong")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    accuracy = [1 - float(np.mean(wrong_of(entries, row))) for row in probabilities]
    axis.set_title(f"accuracy {', '.join(f'{value:.3f}' for value in accuracy[:6])}", fontsize=9)
    return figure


def decision(axis: Axes, entries: Entries, probability: np.ndarray, surface: Surface, size: float = 5.0) -> None:
    """Draw one decision surface with its test points, wrong ones ringed."""
    draw_surface(axis, surface)
    draw_borders(axis, surface, colors="black", linewidths=1.4)
    shown = thinned(len(entries))
    class_points(axis, entries.features[shown], entries.label[shown], entries.names, size=size)
    wrong = shown[wrong_of(entries, probability)[shown]]
    axis.plot(*entries.features[wrong].T, "o", ms=1.9 * size, mfc="none", mec="black", mew=0.9)


def wrong_of(entries: Entries, probability: np.ndarray) -> np.ndarray:
    """Return which entries are taken for another class than theirs, bool (n,)."""
    return probability.argmax(axis=1) != entries.label


@styled
def curves(entries: Entries, x: np.ndarray, probabilities: Sequence[np.ndarray]) -> Figure:
    """Draw the probability of every class along the only feature, a line for every training, test points beside.

    Args:
        entries: test points, features (n, 1).
        x: where the probabilities are, (m,).
        probabilities: of every training, (m, classes).
    """
    figure, axes = grid(1, 1, 6.4, 3.8)
    axis, k = axes[0][0], probabilities[0].shape[1]
    for kind in range(1 if k == 2 else 0, k):
        for number, row in enumerate(probabilities):
            name = None if number else f"probability of {entries.names.of_class(kind)}"
            width = 0.7 if number else 1.6
            axis.plot(x, row[:, kind], color=class_colour(kind), lw=width, label=name)
    places = np.linspace(1, 0, k) if k == 2 else np.full(k, -0.05)
    for kind in np.unique(entries.label):
        own = entries.features[entries.label == kind, 0]
        place = np.full(len(own), places[::-1][kind])
        axis.plot(own, place, "|", ms=9, color=class_colour(int(kind)), label=entries.names.of_class(int(kind)))
    axis.set(xlabel=entries.names.column(0), ylabel="probability", ylim=(-0.1, 1.05), xlim=(x[0], x[-1]))
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def line_points(features: np.ndarray, points: int = 400) -> np.ndarray:
    """Return points (points,) along the range of one feature (n, 1)."""
    return np.linspace(*padded(*inner_range(features[:, 0], 20.0)), points)


@styled
def example_answers(entries: Entries, probability: np.ndarray) -> Figure:
    """Draw pictures that one training takes for another class, the surest first, and right ones of every class."""
    wrong = wrong_of(entries, probability)
    sure = probability.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    mistaken = order[wrong[order]]
    right = [place for kind in range(probability.shape[1]) for place in _least_sure(entries, probability, kind)]
    rows = max(1, min(2, -(-len(mistaken) // _PICTURES)))
    shown = [*(mistaken[i * _PICTURES : (i + 1) * _PICTURES] for i in range(rows)), np.array(right[:_PICTURES], int)]
    figure, axes = grid(len(shown), _PICTURES, 1.0, 1.25)
    pictures = entries.features.reshape(len(entries), *entries.features.shape[1:3], -1)[..., 0]
    high = max(inner_range(pictures[:1000], 20.0)[1], 1e-12)
    for row, places in zip(axes, shown, strict=True):
        for i, panel in enumerate(row):
            if i >= len(places):
                unused([panel])
                continue
            place = places[i]
            picture(panel, pictures[place], high)
            true, told = (entries.names.of_class(int(c)) for c in (entries.label[place], probability[place].argmax()))
            name = f"{true} → {told}" if wrong[place] else true
            colour = "#B22222" if wrong[place] else "black"
            panel.set_title(f"{name}\n{sure[place]:.2f}", fontsize=8, color=colour, pad=3)
    titles = [f"wrong: {int(wrong.sum()):,}\nof {len(wrong):,}", *[""] * (rows - 1), "right,\nleast sure"]
    for row, title in zip(axes, titles, strict=True):
        row[0].text(-0.2, 0.5, title, ha="right", va="center", transform=row[0].transAxes)
    return figure


def _least_sure(entries: Entries, probability: np.ndarray, kind: int) -> np.ndarray:
    """Return the place of the right entry of a class with the least probability, int64 (0 or 1,)."""
    own = np.flatnonzero((entries.label == kind) & (probability.argmax(axis=1) == kind))
    return own[np.argsort(probability[own, kind], kind="stable")[:1]]


@styled
def distributions(entries: Entries, probabilities: Sequence[np.ndarray]) -> Figure:
    """Draw how probabilities (n, classes) of every training are distributed by class: median and range of trainings.

    Of two classes the probability of the second is shown, of more that of the true class.
    """
    figure, axes = grid(1, 1, 6.0, 3.8)
    axis, k = axes[0][0], probabilities[0].shape[1]
    bins = bins_for([int(np.sum(entries.label == kind)) for kind in np.unique(entries.label)], _BINS)
    edges = np.linspace(0, 1, bins + 1)
    for kind in np.unique(entries.label):
        own = entries.label == kind
        values = [row[own, 1 if k == 2 else kind] for row in probabilities]
        counts = np.array([np.histogram(row, edges)[0] / len(row) * bins for row in values])
        colour, name = class_colour(int(kind)), entries.names.of_class(int(kind))
        axis.stairs(np.median(counts, axis=0), edges, color=colour, lw=1.5, label=name)
        axis.stairs(counts.max(axis=0), edges, baseline=counts.min(axis=0), fill=True, color=colour, alpha=0.25)
    of = entries.names.of_class(1) if k == 2 else "the true class"
    axis.set(xlabel=f"probability of {of}", ylabel="density", yscale="log", xlim=(0, 1))
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def confusion_counts(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return how many entries of each true class (rows) are taken for each class (columns), int64 (k, k)."""
    k = probability.shape[1]
    return np.bincount(label * k + probability.argmax(axis=1), minlength=k * k).reshape(k, k)


@styled
def confusion(counts: np.ndarray, names: Names) -> Figure:
    """Draw which classes are taken for which: numbers of entries and parts of each true class.

    Args:
        counts: of every training, (seeds, true classes, told classes); several are averaged.
        names: names of the classes.
    """
    mean, k = counts.mean(axis=0), counts.shape[1]
    total = mean.sum(axis=1, keepdims=True)
    part = np.divide(mean, total, out=np.full(mean.shape, np.nan), where=total > 0)
    side = max(2.2, (0.75 if k <= _MOST_NUMBERS else 0.25) * k)
    figure, axes = grid(1, 1, side + 2.0, side + 1.2)
    axis = axes[0][0]
    shown = axis.imshow(part, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    for i, j in np.ndindex(k, k) if k <= _MOST_NUMBERS else ():
        dark = "white" if part[i, j] > 0.6 else ("0.6" if mean[i, j] == 0 else "black")
        count = f"{mean[i, j]:,.0f}" if len(counts) == 1 or mean[i, j] >= 1000 else f"{mean[i, j]:.1f}"
        fraction = f"{100 * part[i, j]:.1f} %" if total[i, 0] else "–"
        text = f"{count}\n{fraction}" if mean[i, j] or not total[i, 0] else "0"
        axis.text(j, i, text, ha="center", va="center", fontsize=8, color=dark)
    told = [names.of_class(i) for i in range(k)]
    axis.set_xticks(range(k), told, rotation=40 if max(map(len, told)) > 5 and k > 2 else 0)
    axis.set_yticks(range(k), told)
    axis.set(xlabel="taken for", ylabel="true class")
    axis.grid(False)
    n = f"{total.sum():,.0f} entries"
    axis.set_title(n if len(counts) == 1 else f"{n}, mean of {len(counts)} trainings", fontsize=9)
    figure.colorbar(shown, ax=axis, label="part of the true class", shrink=0.8)
    return figure
