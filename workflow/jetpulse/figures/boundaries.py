"""One grid of decision surfaces: a row for every problem in a plane, a column for every kind of model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from jetpulse.figures.classes import wrong_of
from jetpulse.figures.problem_style import RASTER, Entries, class_points, thinned
from jetpulse.figures.style import grid, literal, styled
from jetpulse.figures.surfaces import Surface, draw_borders, draw_surface

_DRAWN = 300  # test points of one panel


@dataclass(frozen=True)
class Learned:
    """What one experiment learned: name, decision surface, and the probabilities (n, classes) of test points."""

    experiment: str
    surface: Surface
    probability: np.ndarray


@styled
def boundaries(rows: Mapping[str, Entries], columns: Sequence[str], cells: Mapping[tuple[str, str], Learned]) -> Figure:
    """Draw decision surfaces with test points and accuracy; combinations that nobody learned stay empty.

    Args:
        rows: dataset -> test points, features (n, 2).
        columns: kinds of models.
        cells: (dataset, kind of model) -> what was learned.
    """
    figure, axes = grid(len(rows), len(columns), 2.3, 2.3)
    figure.set_dpi(RASTER)
    for line, (dataset, entries) in zip(axes, rows.items(), strict=True):
        for panel, column in zip(line, columns, strict=True):
            if (dataset, column) not in cells:
                panel.set(xticks=[], yticks=[])
                panel.spines[:].set_visible(False)
                panel.grid(False)
                continue
            learned = cells[dataset, column]
            draw_surface(panel, learned.surface)
            draw_borders(panel, learned.surface, colors="black", linewidths=1.0)
            shown = thinned(len(entries), _DRAWN)
            class_points(panel, entries.features[shown], entries.label[shown], entries.names, size=3.2)
            accuracy = 1 - float(np.mean(wrong_of(entries, learned.probability)))
            box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
            panel.text(
                0.97, 0.03, f"{accuracy:.3f}", ha="right", va="bottom", fontsize=8, transform=panel.transAxes, bbox=box
            )
            panel.set_xlabel(literal(learned.experiment), fontsize=7, color="0.35", labelpad=2)
            panel.set(xticks=[], yticks=[])
        line[0].set_ylabel(literal(dataset), fontsize=10)
    for panel, column in zip(axes[0], columns, strict=True):
        panel.set_title(literal(column), fontsize=10)
    return figure
