"""The style of all figures and how they are written; the same arrays give the same bytes.

Figures start from matplotlib's own defaults, whatever a user's matplotlibrc says, and leave its settings as they were.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import wraps
from itertools import cycle
from pathlib import Path
from typing import ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from jetpulse.samples import publish

CLASS_NAMES = {1: "top", 0: "QCD"}
CLASS_COLOURS = {1: "#D55E00", 0: "#0072B2"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")

_STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "image.cmap": "viridis",
    "svg.hashsalt": "jetpulse",  # else the ids in an SVG are random
}

_LONGEST = 60  # characters of a user's name that a figure shows
_Parameters, _Result = ParamSpec("_Parameters"), TypeVar("_Result")


def style() -> AbstractContextManager[None]:
    """Return the context in which figures are drawn and written: matplotlib's defaults and the project's style."""
    # Choosing a backend would load it.
    defaults = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
    return mpl.rc_context(defaults | _STYLE)


def styled(draw: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Mark a function that makes a figure: it runs in the project's style and changes no setting of matplotlib's."""

    @wraps(draw)
    def inside(*args: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
        with style():
            return draw(*args, **options)

    return inside


def literal(text: str) -> str:
    """Return a name from a user's files as a figure shows it: letter by letter, on one line, not too long.

    Dollars would make it a formula, and a label that begins with an underscore would not be in the legend.
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    shown = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return ("\u200b" if shown.startswith("_") else "") + shown.replace("$", r"\$")


def line_styles() -> Iterator[dict[str, str]]:
    """Yield colour and dashes of one curve after the other; the first 32 differ."""
    for dashes in cycle(("-", "--", "-.", ":")):
        for colour in COLOURS:
            yield {"color": colour, "ls": dashes}


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
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with style():
        # The layout's last bits differ from call to call, and ids in an SVG are hashes of positions.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axis in figure.axes:
            axis.set_position(Bbox(np.round(axis.get_position(original=True).get_points(), 6)))
        with publish(path) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
