"""Generated points with a known answer: a straight line, or two classes in a plane.

Classes take turns. What can be known of them: two Gaussians of width s around (-1, -1) and (1, 1) are best told apart
by the sign of x + y, with accuracy Phi(sqrt(2) / s), 0.921 for the width of 1 that is the default: wide enough for a
surface with errors on both sides, as in textbooks. Rings, moons and spirals do not overlap at their default noise.
"""

import numpy as np

from jetpulse import seeds
from jetpulse.config.problems import Points
from jetpulse.problems.entries import Chunk, Entries, block_size, drawn

BLOCK = 10_000  # points in one piece, with seeds of its own
SLOPE, OFFSET = 3.0, 1.0
RADII = (2.01, 0.61)  # of class 0 and 1; the width of a ring is the standard deviation of the radius
TURNS = 1.5  # of a spiral, whose radius grows from 0 to 2
NOISE = {"line": 0.1, "gaussians": 1.0, "rings": 0.1, "moons": 0.1, "spirals": 0.1, "xor": 0.0}
CLASSES = {
    "gaussians": ("lower left", "upper right"),
    "rings": ("outer ring", "inner ring"),
    "moons": ("upper moon", "lower moon"),
    "spirals": ("first arm", "second arm"),
    "xor": ("equal", "different"),
}


def line(x: np.ndarray) -> np.ndarray:
    """Return the true answer of the straight line at x, same shape."""
    return SLOPE * x + OFFSET


def noise_of(spec: Points) -> float:
    """Return the noise of generated points: what is asked for, or the shape's own."""
    return NOISE[spec.shape] if spec.noise is None else spec.noise


def generate_points(spec: Points, block: int) -> Chunk:
    """Return one block of points: features float64 (n, columns) and answers (n,), which depend on the arguments alone.

    Answers are float64 for a line and classes int64 else. A last block that is shorter holds the beginning of what a
    whole one would, so that a larger ``n`` appends.

    Raises:
        ValueError: no such block.
    """
    size = block_size(spec.n, BLOCK, block)
    rng = seeds.generator(spec.seed, "points", block)
    noise = noise_of(spec)
    if spec.shape == "line":
        x = rng.random((BLOCK, 1))
        return x[:size], (line(x[:, 0]) + noise * rng.standard_normal(BLOCK))[:size]
    number = np.arange(BLOCK, dtype=np.int64)
    if spec.shape == "xor":
        corners = np.stack([number // 2 % 2, number % 2], axis=1)
        return (corners + noise * rng.standard_normal((BLOCK, 2)))[:size], (corners.sum(axis=1) % 2)[:size]
    label = number % 2
    return _plane(spec.shape, label, noise, rng)[:size], label[:size]


def _plane(shape: str, label: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return points (n, 2) of two classes."""
    if shape == "gaussians":
        return (2.0 * label - 1)[:, None] + noise * rng.standard_normal((len(label), 2))
    along = rng.random(len(label))
    if shape == "rings":
        radius = np.array(RADII)[label] + noise * rng.standard_normal(len(label))
        return _polar(radius, 2 * np.pi * along)
    if shape == "moons":  # as scikit-learn's make_moons: half circles of radius 1, the lower one moved by (1, 0.5)
        points = _polar(np.ones(len(label)), np.pi * along)
        points = np.where(label[:, None] == 1, np.array([1.0, 0.5]) - points, points)
    else:
        along = np.sqrt(along)  # as many points on every piece of an arm, which is longer outside
        points = _polar(2 * along, 2 * np.pi * TURNS * along + np.pi * label)
    return points + noise * rng.standard_normal(points.shape)


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def entries(spec: Points) -> Entries:
    """Return generated points as entries of a problem."""
    columns, answer = (("x",), ("target",)) if spec.shape == "line" else (("x", "y"), ())
    return Entries(
        answers="number" if spec.shape == "line" else "classes",
        shape=(len(columns),),
        parts=drawn(spec.n, BLOCK, lambda block: generate_points(spec, block)),
        columns=columns,
        units=dict.fromkeys(columns + answer, "1"),
        target="y" if spec.shape == "line" else "",
        classes=CLASSES.get(spec.shape, ()),
    )
