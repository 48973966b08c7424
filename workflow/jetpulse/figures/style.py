"""The style of all figures and how they are written; the same arrays give the same bytes."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jetpulse.samples import publish

CLASS_NAMES = {1: "top", 0: "QCD"}
CLASS_COLOURS = {1: "#D55E00", 0: "#0072B2"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")

mpl.use("agg")
mpl.style.use(Path(__file__).with_name("house.mplstyle"))


def grid(
    rows: int, columns: int, width: float = 4.0, height: float = 3.2, **options: object
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its axes by row and column; width and height of one panel in inches."""
    figure = Figure(figsize=(width * columns, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [list(row) for row in axes]


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as SVG without a date, or as what the path's ending says."""
    kind = Path(path).suffix.lstrip(".") or "svg"
    metadata = {"Date": None} if kind == "svg" else None
    with publish(path) as temporary:
        figure.savefig(temporary, format=kind, metadata=metadata)
