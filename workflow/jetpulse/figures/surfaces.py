"""What a classifier says of every point of a plane: coloured by the likeliest class, with lines between classes."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from jetpulse.figures.problem_style import class_rgb, inner_range, padded

_POINTS = 150  # along one axis


@dataclass(frozen=True)
class Surface:
    """Probabilities (rows, columns, classes) at the points of a grid: ``x`` (columns,), ``y`` (rows,)."""

    x: np.ndarray
    y: np.ndarray
    probability: np.ndarray


def surface_points(features: np.ndarray, points: int = _POINTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a grid around features (n, 2): its axes x and y (points,), and all its points (points², 2), row by row."""
    x, y = (np.linspace(*padded(*inner_range(values, 20.0), 0.1), points) for values in features.T)
    return x, y, np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1)


def draw_surface(axis: Axes, surface: Surface) -> None:
    """Colour a plane by the likeliest class, the paler the less sure."""
    step = (surface.x[1] - surface.x[0]) / 2, (surface.y[1] - surface.y[0]) / 2
    extent = (surface.x[0] - step[0], surface.x[-1] + step[0], surface.y[0] - step[1], surface.y[-1] + step[1])
    axis.imshow(
        class_rgb(surface.probability), origin="lower", extent=extent, aspect="auto", interpolation="nearest", zorder=0
    )
    axis.set(xlim=(surface.x[0], surface.x[-1]), ylim=(surface.y[0], surface.y[-1]))
    axis.grid(False)


def draw_borders(axis: Axes, surface: Surface, **style: object) -> None:
    """Draw where another class becomes the likeliest; of two classes that is at 0.5."""
    k = surface.probability.shape[-1]
    for kind in range(1 if k == 2 else 0, k):
        others = np.delete(surface.probability, kind, axis=-1).max(axis=-1)
        ahead = surface.probability[..., kind] - others
        if ahead.min() < 0 < ahead.max():
            axis.contour(surface.x, surface.y, ahead, [0.0], **style)
