"""What the figures of small problems share: names, colours of classes, ranges and bins that outliers do not spoil."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from jetpulse.figures.style import COLOURS, literal

# Ten colours that differ for colour-blind people, too; black and grey are kept for lines and points of no class.
_CLASS_COLOURS = (*COLOURS[:6], "#882255", "#44AA99", "#DDCC77", "#332288")
_MARKERS = "os^Dv<>PX*"
_RASTER_FROM = 1000  # points of one panel; more are drawn as pixels
RASTER = 200  # dots per inch of what is drawn as pixels
DRAWN = 5000  # points in one panel at most
_NARROW = 1e-9  # of a number: differences that cannot be drawn
_FEW = 12  # different numbers of a column that are drawn one by one


@dataclass(frozen=True)
class Names:
    """Names for axes and legends: of columns, of classes (none: the answer is a number) and of the number.

    They come from users' files; all but ``given`` return them as figures show them.
    """

    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    target: str = ""

    def given(self, i: int) -> str:
        """Return the name of a column as it is in the file, its number if it has none."""
        return self.columns[i] if i < len(self.columns) else f"feature {i + 1}"

    def column(self, i: int) -> str:
        """Return the name of a column, its number if it has none."""
        return literal(self.given(i))

    def of_class(self, i: int) -> str:
        """Return the name of a class, its number if it has none."""
        return literal(self.classes[i]) if i < len(self.classes) else str(i)

    def number(self) -> str:
        """Return the name of the number that is to be learned."""
        return literal(self.target) or "target"

    def unit(self) -> str:
        """Return the unit of that number in brackets after a space, empty if it has none."""
        _, bracket, unit = self.target.rpartition(" [")
        return f" [{literal(unit)}" if bracket and unit.endswith("]") else ""


@dataclass(frozen=True)
class Entries:
    """Entries of a problem: ``features`` (n, *shape), ``label`` int64 (n,) and ``target`` (n,), None if it has no such.

    ``split`` (n,) is the number of each entry's split in ``SPLITS``.
    """

    features: np.ndarray
    label: np.ndarray | None
    target: np.ndarray | None
    split: np.ndarray
    names: Names

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.features)

    def classes(self) -> int:
        """Return the number of classes: of names, or what the labels need."""
        most = 0 if self.label is None or not len(self.label) else int(self.label.max()) + 1
        return max(len(self.names.classes), most)


def class_colour(i: int) -> str:
    """Return the colour of a class; the first two are those of background and signal."""
    return _CLASS_COLOURS[i % len(_CLASS_COLOURS)]


def class_marker(i: int) -> str:
    """Return the marker of a class."""
    return _MARKERS[i % len(_MARKERS)]


def thinned(n: int, most: int = DRAWN) -> np.ndarray:
    """Return which of n entries are drawn, int64: all, or ``most`` of them at equal steps."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def class_points(
    axis: Axes, points: np.ndarray, label: np.ndarray, names: Names, filled: np.ndarray | None = None, size: float = 5.0
) -> None:
    """Draw points (n, 2) in colour and marker of their class, those that are not ``filled`` (n,) as rings."""
    filled = np.ones(len(points), bool) if filled is None else filled
    raster = len(points) > _RASTER_FROM
    size = size if len(points) <= _RASTER_FROM / 2 else 0.6 * size
    for kind in np.unique(label):
        colour, told = class_colour(int(kind)), names.of_class(int(kind))
        for inside in (True, False):
            chosen = (label == kind) & (filled == inside)
            if not chosen.any():
                continue
            face = {"mfc": colour, "mec": "white", "mew": 0.4} if inside else {"mfc": "none", "mec": colour, "mew": 1.0}
            axis.plot(
                *points[chosen].T,
                class_marker(int(kind)),
                ms=size,
                ls="",
                label=told,
                rasterized=raster,
                alpha=0.9,
                **face,
            )
            told = None


def class_rgb(probability: np.ndarray) -> np.ndarray:
    """Return colours (..., 3) of probabilities (..., classes): the likeliest class's, white where all are alike."""
    k = probability.shape[-1]
    colours = np.array([to_rgb(class_colour(i)) for i in range(k)])
    sure = (probability.max(axis=-1) - 1 / k) / (1 - 1 / k) if k > 1 else np.ones(probability.shape[:-1])
    return 1 - 0.55 * np.clip(sure, 0, 1)[..., None] * (1 - colours[probability.argmax(axis=-1)])


def inner_range(values: np.ndarray, reach: float = 8.0) -> tuple[float, float]:
    """Return ends that hold all values but absurd ones: further than ``reach`` inter-quartile distances from the rest.

    A range without width becomes one around its value; without finite values it is 0 to 1.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = _ends(values, reach)
    if not high - low > _NARROW * max(abs(low), abs(high), 1e-200):
        half = max(0.5, 0.05 * abs(low))
        return low - half, high + half
    return low, high


def _ends(values: np.ndarray, reach: float) -> tuple[float, float]:
    quarter, half, rest = np.quantile(values, (0.25, 0.5, 0.75))
    if rest == quarter:  # more than half of the values are one number: the others decide
        others = values[values != half]
        low, high = _ends(others, reach) if len(others) else (half, half)
        return min(low, float(half)), max(high, float(half))
    reached = reach * (rest - quarter)
    return float(values[values >= quarter - reached].min()), float(values[values <= rest + reached].max())


def padded(low: float, high: float, part: float = 0.06) -> tuple[float, float]:
    """Return a range with a margin on both sides."""
    return low - part * (high - low), high + part * (high - low)


def histogram_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return edges of bins: one bin for each of a few different numbers, else ``bins`` equal ones.

    At either end at most 0.5 % of the values, and absurd ones, may lie outside.
    """
    values = values[np.isfinite(values)].astype(np.float64)
    different = np.unique(values)
    apart = np.diff(different).min() > _NARROW * max(np.abs(different).max(), 1e-200) if len(different) > 1 else False
    if apart and len(different) <= _FEW:
        middle = 0.5 * (different[1:] + different[:-1])
        narrow = np.diff(different).min() / 2
        return np.concatenate([[different[0] - narrow], middle, [different[-1] + narrow]])
    if len(values) > 200:
        low, high = np.quantile(values, (0.005, 0.995))
        values = values[(values >= low) & (values <= high)]
    return np.linspace(*inner_range(values, 15.0), bins + 1)


def bins_for(counts: Sequence[int], most: int = 40) -> int:
    """Return how many bins histograms of so many entries bear."""
    filled = [n for n in counts if n]
    return int(np.clip(2 * np.sqrt(min(filled)), 6, most)) if filled else 6


def unused(panels: Sequence[Axes]) -> None:
    """Hide panels that show nothing."""
    for panel in panels:
        panel.set_axis_off()
