"""One figure of a small problem's entries, whatever they are: points, columns, pictures or episodes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jetpulse.figures.problem_style import (
    RASTER,
    Entries,
    bins_for,
    class_colour,
    class_points,
    histogram_edges,
    inner_range,
    padded,
    thinned,
    unused,
)
from jetpulse.figures.style import COLOURS, grid, styled

_MOST_COLUMNS = 60
_WIDE = 7  # panels in a line if there are many
_EXAMPLES = 8
_EPISODES = 5
_STEEP = 30.0  # a bin so many times higher than the median one asks for a logarithmic scale
_LEARNED = 0  # number of the split train


@styled
def sample(entries: Entries) -> Figure:
    """Draw entries: points in a plane or over one feature, histograms by class, a number over each column, pictures.

    Entries with neither label nor target are episodes (n, steps) of expected rates.
    """
    shape = entries.features.shape[1:]
    if entries.label is None and entries.target is None:
        return _episodes(entries)
    if len(shape) >= 2:
        return _pictures(entries)
    if entries.label is not None:
        return _plane(entries) if shape == (2,) else _by_class(entries)
    return _over_columns(entries)


def _plane(entries: Entries) -> Figure:
    figure, axes = grid(1, 1, 5.0, 4.2)
    figure.set_dpi(RASTER)
    axis = axes[0][0]
    shown = thinned(len(entries))
    learned = entries.split[shown] == _LEARNED
    class_points(axis, entries.features[shown], entries.label[shown], entries.names, learned)
    if not learned.all() and learned.any():
        axis.plot([], [], "o", mfc="none", mec="0.4", ls="", label="not trained on")
    plane_axes(axis, entries.features, entries)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plane_axes(axis: Axes, points: np.ndarray, entries: Entries) -> None:
    """Set names and ranges of a plane in which points (n, 2) lie; equal scales where the ranges are alike."""
    (left, right), (low, high) = (padded(*inner_range(values, 20.0), 0.1) for values in points.T)
    axis.set(xlabel=entries.names.column(0), ylabel=entries.names.column(1), xlim=(left, right), ylim=(low, high))
    if 0.5 <= (right - left) / (high - low) <= 2:
        axis.set_aspect("equal", adjustable="box")


def _panels(count: int, entries: Entries) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each of the first columns, in a grid that fits a page."""
    count = min(count, _MOST_COLUMNS)
    lines = next((lines for lines in (1, 2, 3) if count <= 4 * lines), None)
    small = lines is None
    columns = _WIDE if small else -(-count // lines)
    width, height = (2.0, 1.65) if small else ((3.2, 2.6) if count > 1 else (5.0, 3.6))
    figure, axes = grid(-(-count // columns), columns, width, height)
    panels = [axis for row in axes for axis in row]
    unused(panels[count:])
    for panel in panels[:count] if small else ():
        panel.tick_params(labelsize=6.5, pad=1.5)
        panel.locator_params(nbins=4)
    if entries.features.shape[1] > count:
        figure.suptitle(f"the first {count} of {entries.features.shape[1]} columns", fontsize=9)
    return figure, panels[:count]


def _by_class(entries: Entries) -> Figure:
    classes = range(entries.classes())
    bins = bins_for([int(np.sum(entries.label == kind)) for kind in classes])
    figure, panels = _panels(entries.features.shape[1], entries)
    small = len(panels) > 12
    for i, panel in enumerate(panels):
        values = entries.features[:, i].astype(np.float64)
        edges = histogram_edges(values, bins)
        heights = [np.zeros(1)]
        for kind in classes:
            own = values[entries.label == kind]
            own = own[np.isfinite(own)]
            if len(own):
                height = np.histogram(own, edges)[0] / len(own) / np.diff(edges)
                heights.append(height)
                panel.stairs(height, edges, color=class_colour(kind), lw=1.0 if small else 1.4)
        together = np.concatenate(heights)
        high = float(together.max())
        low = float(together[together > 0].min()) if high else 0.0
        steep = high > _STEEP * np.median(together[together > 0]) if high else False
        panel.set_yscale("log" if steep else "linear")
        panel.set_ylim(*((0.5 * low, 2 * high) if steep else (0, 1.08 * high or 1)))
        outside = float(np.mean((values < edges[0]) | (values > edges[-1]) | ~np.isfinite(values)))
        far = f", {outside:.0%} outside".replace("%", " %") if outside >= 0.02 else ""
        panel.set_title(f"{entries.names.column(i)}{far}", fontsize=7.5 if small else 10, pad=3)
        if small:
            panel.minorticks_off()
            panel.tick_params(labelleft=False)
    named = [kind for kind in classes if (entries.label == kind).any()]
    handles = [Line2D([], [], color=class_colour(kind), lw=1.6) for kind in named]
    # The legend tells numbers where the names alone do not show that a class is rare.
    told = [f"{entries.names.of_class(kind)} ({int(np.sum(entries.label == kind)):,})" for kind in named]
    figure.legend(handles, told, loc="outside lower center", ncols=min(len(named), 5))
    figure.supylabel("density", fontsize=9)
    return figure


def _over_columns(entries: Entries) -> Figure:
    figure, panels = _panels(entries.features.shape[1], entries)
    figure.set_dpi(RASTER)
    small = len(panels) > 12
    shown = thinned(len(entries))
    learned = entries.split[shown] == _LEARNED
    target = entries.target[shown]
    few = len(shown) <= 300
    marks = {"ms": 5.0 if few else 2.0, "mew": 0, "alpha": 0.8 if few else 0.35, "rasterized": True}
    scale = 1.0 if few else 2.5
    parts = [(np.full(len(shown), True), COLOURS[0], "entries")]
    if few:
        parts = [(learned, COLOURS[0], "trained on"), (~learned, COLOURS[1], "not trained on")]
    for i, panel in enumerate(panels):
        x = entries.features[shown, i].astype(np.float64)
        for chosen, colour, name in parts:
            panel.plot(x[chosen], target[chosen], "o", color=colour, label=name, **marks)
        profile = _profile(entries.features[:, i].astype(np.float64), entries.target)
        if profile is not None and entries.features.shape[1] > 1:
            panel.plot(*profile, color="black", lw=1.2, label="median")
        panel.set(xlim=padded(*inner_range(x)), ylim=padded(*inner_range(target)))
        panel.set_xlabel(entries.names.column(i), fontsize=7.5 if small else 10)
        panel.tick_params(labelleft=not small or i % _WIDE == 0)
    figure.supylabel(entries.names.number(), fontsize=10)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, markerscale=scale)
    return figure


def _profile(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return medians of x and y in bins of equally many entries; None of too few."""
    parts = len(x) // 30
    if parts < 3:
        return None
    order = np.argsort(x, kind="stable")
    groups = np.array_split(order, min(parts, 12))
    middle = np.array([np.median(x[group]) for group in groups])
    value = np.array([np.median(y[group]) for group in groups])
    different = np.concatenate([[True], np.diff(middle) > 0])
    return middle[different], value[different]


def _pictures(entries: Entries) -> Figure:
    pictures = entries.features.reshape(len(entries), *entries.features.shape[1:3], -1)[..., 0]
    if entries.label is None:
        groups = [(entries.names.number(), thinned(len(entries), _EXAMPLES))]
    else:
        found = [(kind, np.flatnonzero(entries.label == kind)[:_EXAMPLES]) for kind in range(entries.classes())]
        groups = [(entries.names.of_class(kind), places) for kind, places in found]
    high, wide = pictures.shape[1] + 1, pictures.shape[2] + 1
    sheet = np.full((len(groups) * high - 1, _EXAMPLES * wide - 1), np.nan)
    figure, axes = grid(1, 1, 0.55 * _EXAMPLES * wide / high + 0.8, 0.55 * len(groups) + 0.3)
    axis = axes[0][0]
    for row, (_, places) in enumerate(groups):
        for column, place in enumerate(places):
            top, left = row * high, column * wide
            sheet[top : top + high - 1, left : left + wide - 1] = pictures[place]
        if not len(places):
            axis.text(0, row * high + high / 2 - 1, "none", va="center", color="0.4")
    picture(axis, sheet, max(inner_range(pictures[:1000], 20.0)[1], 1e-12))
    axis.set_yticks([row * high + high / 2 - 1 for row in range(len(groups))], [name for name, _ in groups])
    axis.tick_params(length=0)
    return figure


def picture(panel: Axes, values: np.ndarray, high: float | None = None) -> None:
    """Draw one picture (rows, columns), dark where its values are high."""
    panel.imshow(values, cmap="Greys", vmin=0, vmax=high, interpolation="nearest")
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(False)
    panel.grid(False)


def _episodes(entries: Entries) -> Figure:
    figure, axes = grid(1, 1, 7.0, 3.4)
    axis, rates = axes[0][0], entries.features
    step = np.arange(rates.shape[1])
    if len(rates) > _EPISODES:
        low, high = np.quantile(rates, (0.1, 0.9), axis=0)
        axis.fill_between(step, low, high, color="0.88", lw=0, label="80 % of all episodes")
    for number, rate in enumerate(rates[:_EPISODES]):
        axis.plot(step, rate, lw=1.3, color=COLOURS[number], label=f"episode {number + 1}")
    axis.set(
        xlabel="time step",
        ylabel=entries.names.number() if entries.names.target else "expected pulses per time step",
        ylim=(0, None),
    )
    axis.margins(x=0.01)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
