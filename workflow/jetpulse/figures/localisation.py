"""Figures of pulse finders; probabilities are (seeds, n, bins), labels (n,) the true bins."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from jetpulse.evaluation.localisation import (
    bin_index,
    correct,
    count_correct,
    coverage,
    lump_rare,
    quantile_edges,
    residual,
)
from jetpulse.evaluation.measures import binomial_interval
from jetpulse.figures.style import COLOURS, grid, styled

_TRUE = "0.45"  # no colour of a training
_TRACES = ("#0072B2", "#56B4E9", "#44608a")
_LEVELS = np.concatenate([np.linspace(0.05, 0.95, 19), [0.97, 0.98, 0.99, 0.995, 0.998, 0.999]])


def choose_examples(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the entries that a figure shows: three typical ones, then the three least certain of the true bin.

    Args:
        label: (n,).
        probability: (n, bins), mean over seeds.
    """
    order = np.argsort(-probability[np.arange(len(label)), label], kind="stable")
    typical = [order[len(order) * quarter // 4] for quarter in (1, 2, 3)]
    return np.array(list(dict.fromkeys([*typical, *order[::-1][:3][::-1]])))


@styled
def probabilities(waveform: np.ndarray, label: np.ndarray, probability: np.ndarray, event: Sequence[int]) -> Figure:
    """Draw traces of up to six entries (m, traces, samples) and below them each seed's probability of every bin."""
    columns = min(3, len(label))
    rows = -(-len(label) // columns)
    figure = Figure(figsize=(4.1 * columns, 3.9 * rows))
    axes = figure.subplots(2 * rows, columns, squeeze=False, sharex=True, height_ratios=[2.4, 1] * rows)
    for i, true in enumerate(label):
        row, column = divmod(i, columns)
        upper, lower = axes[2 * row][column], axes[2 * row + 1][column]
        _traces(upper, waveform[i], true)
        _bars(lower, probability[:, i], true)
        mean = probability[:, i].mean(axis=0)
        found = "right" if mean.argmax() == true else f"finds bin {mean.argmax()}"
        upper.set_title(f"event {event[i]}: {found}, p(true) = {_percent(mean[true])}")
        if column == 0:
            upper.set_ylabel("traces (shifted)")
            lower.set_ylabel("probability")
    for spare in range(len(label), rows * columns):
        for axis in axes[2 * (spare // columns) : 2 * (spare // columns) + 2, spare % columns]:
            axis.remove()
    for column in range(columns):
        axes[-1][column].set_xlabel("bin")
    if len(label) % columns:
        axes[2 * rows - 3][-1].tick_params(labelbottom=True)
    handles = axes[1][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=min(6, len(handles[0])))
    return figure


def _percent(value: float) -> str:
    return f"{value:.1%}".replace("%", " %") if value >= 1e-3 or value == 0 else f"{value:.0e}"


def _traces(axis: Axes, waveform: np.ndarray, true: int) -> None:
    step = 0.85 * max(float(np.ptp(waveform)), 1e-9)
    axis.axvline(true, color=_TRUE, lw=5, alpha=0.25)
    for j, trace in enumerate(waveform):
        axis.plot(trace - j * step, color=_TRACES[j % len(_TRACES)], lw=1.2)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.grid(False)


def _bars(axis: Axes, probability: np.ndarray, true: int) -> None:
    edges = np.arange(probability.shape[1] + 1) - 0.5
    axis.axvline(true, color=_TRUE, lw=5, alpha=0.25, label="true bin")
    axis.stairs(probability.mean(axis=0), edges, fill=True, color="#b8c4d0", label="mean over seeds")
    for seed, row in enumerate(probability):
        axis.stairs(row, edges, color=COLOURS[seed % len(COLOURS)], lw=1.0, label=f"training {seed + 1}")
    axis.set_ylim(0, 1.05)


@styled
def residuals(label: np.ndarray, probability: np.ndarray) -> Figure:
    """Draw the mean bin minus the true bin: its distribution for every seed, and against the true bin."""
    figure, axes = grid(1, 2, 5.4, 3.8)
    values = np.array([residual(label, row) for row in probability])
    edges = residual_edges(values)
    for seed, row in enumerate(values):
        counts = np.histogram(row, edges)[0]
        name = f"training {seed + 1}, RMSE {np.sqrt(np.mean(row**2)):.3g}"
        axes[0][0].stairs(counts, edges, color=COLOURS[seed % len(COLOURS)], lw=1.4, label=name)
    axes[0][0].set(xlabel="mean bin − true bin", ylabel="entries per bin", yscale="log")
    axes[0][0].set_ylim(0.5)
    _residual_scale(axes[0][0], "x")
    axes[0][0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)
    step = 1 + (label.max() - label.min()) // 50
    across = np.arange(label.min() - 0.5, label.max() + step, step)
    counts = np.histogram2d(np.tile(label, len(values)), values.ravel(), [across, edges])[0]
    shown = axes[0][1].pcolormesh(
        across, edges, np.ma.masked_equal(counts.T, 0), norm=LogNorm(1, max(10, counts.max())), rasterized=True
    )
    axes[0][1].set(xlabel="true bin", ylabel="mean bin − true bin")
    _residual_scale(axes[0][1], "y")
    axes[0][1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(shown, ax=axes[0][1], label="entries, all trainings")
    return figure


_CORE = 0.1  # residuals are shown linearly up to here, logarithmically beyond


def residual_edges(values: np.ndarray) -> np.ndarray:
    """Return edges of bins that are narrow around zero and widen with the distance from it."""
    most = max(1.0, float(np.abs(values).max()) * 1.05)
    return _CORE * np.sinh(np.linspace(-1, 1, 62) * np.arcsinh(most / _CORE))


def _residual_scale(axis: Axes, which: str) -> None:
    getattr(axis, f"set_{which}scale")("asinh", linear_width=_CORE)
    side = getattr(axis, f"{which}axis")
    limit = max(map(abs, getattr(axis, f"get_{which}lim")()))
    ticks = [tick for tick in (0.1, 1, 10, 100, 1000) if tick <= limit]
    side.set_ticks([*(-tick for tick in ticks[::-1]), 0, *ticks])
    side.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}".replace("-", "−")))
    side.set_ticks([], minor=True)


@styled
def efficiency(label: np.ndarray, probability: np.ndarray, truth: Mapping[str, np.ndarray]) -> Figure:
    """Draw the accuracy against what makes an entry hard, as far as ``truth`` knows it.

    Args:
        label: (n,).
        probability: (seeds, n, bins).
        truth: ``amplitude`` and ``pulses`` (n, traces), each of them if known.
    """
    right = np.array([correct(label, row) for row in probability])
    amplitude, pulses = truth.get("amplitude"), truth.get("pulses")
    known = {"amplitude": amplitude is not None and np.ptp(amplitude) > 0, "pulses": pulses is not None}
    figure, axes = grid(1, 1 + sum(known.values()) + known["pulses"], 4.5, 3.6)
    panels = iter(axes[0])
    if known["amplitude"]:
        _against_range(next(panels), right, amplitude.min(axis=1), "smallest height of the coincident pulse")
    if known["pulses"]:
        _against_number(next(panels), right, pulses.sum(axis=1), "further pulses in all traces")
    _against_range(next(panels), right, label, "true bin")
    if known["pulses"]:
        map_axis = next(panels)
        if known["amplitude"]:
            edges = quantile_edges(amplitude.min(axis=1), 5)
            names = [f"{low:.2g}–{high:.2g}" for low, high in pairwise(edges)]
            other = (bin_index(amplitude.min(axis=1), edges), names, "smallest height of the coincident pulse")
            _map(map_axis, right, (*_numbers(pulses.sum(axis=1), 8), "further pulses in all traces"), other)
        else:
            fullest = (*_numbers(pulses.max(axis=1), 5), "further pulses, fullest trace")
            _map(map_axis, right, fullest, (*_numbers(pulses.min(axis=1), 5), "further pulses, emptiest trace"))
    shared = [axis for axis in axes[0] if axis.get_ylabel() == "accuracy"]
    lowest = min(axis.get_ylim()[0] for axis in shared)
    for axis in shared:
        axis.set_ylim(lowest, 1 + 0.04 * (1 - lowest))
    axes[0][0].legend(loc="best", fontsize=8)
    return figure


def _numbers(values: np.ndarray, most: int) -> tuple[np.ndarray, list[str]]:
    """Return whole numbers as bins from 0 and the bins' names, the last of them open if anything was lumped."""
    lumped = np.minimum(lump_rare(values), most)
    names = [str(i) for i in range(int(lumped.max()) + 1)]
    if lumped.max() < values.max():
        names[-1] = f"≥{names[-1]}"
    return lumped, names


def _against_number(axis: Axes, right: np.ndarray, values: np.ndarray, name: str) -> None:
    index, names = _numbers(values, 20)
    _accuracy_points(axis, right, index, np.arange(len(names)), None)
    axis.set_xticks(np.arange(len(names)), names)
    axis.set(xlabel=name, ylabel="accuracy")


def _against_range(axis: Axes, right: np.ndarray, values: np.ndarray, name: str) -> None:
    edges = quantile_edges(values, 10)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    _accuracy_points(axis, right, bin_index(values, edges), middle, half)
    axis.set(xlabel=name, ylabel="accuracy")


def _accuracy_points(axis: Axes, right: np.ndarray, index: np.ndarray, at: np.ndarray, half: np.ndarray | None) -> None:
    """Draw every seed as a line and the median over seeds with the binomial error of one."""
    counted = [count_correct(row, index, shape=(len(at),)) for row in right]
    total = counted[0][1]
    filled = total > 0
    passed = np.array([passed[filled] for passed, _ in counted])
    total, at = total[filled], at[filled]
    for seed, row in enumerate(passed):
        axis.plot(at, row / total, color=COLOURS[seed % len(COLOURS)], lw=1.0, alpha=0.7, label=f"training {seed + 1}")
    middle = np.median(passed, axis=0)
    low, high = binomial_interval(middle, total)
    axis.errorbar(
        at,
        middle / total,
        [middle / total - low, high - middle / total],
        xerr=None if half is None else half[filled],
        fmt="o",
        color="0.15",
        ms=4,
        lw=1.0,
        label="median, statistical error",
    )


_Axis = tuple[np.ndarray, list[str], str]
_ENTRIES = 50  # that a cell of a map needs for a colour


def _map(axis: Axes, right: np.ndarray, across: _Axis, upwards: _Axis) -> None:
    """Draw mean accuracy in cells of two quantities, each given as index (n,), names of the bins, and its own name."""
    shape = (len(across[1]), len(upwards[1]))
    counted = [count_correct(row, across[0], upwards[0], shape=shape) for row in right]
    total = counted[0][1]
    with np.errstate(invalid="ignore"):
        accuracy = np.mean([passed for passed, _ in counted], axis=0) / total
    # The accuracy of few entries is chance: it is printed, but has no colour and does not make the scale.
    enough = total >= min(_ENTRIES, total.max())
    coloured = np.ma.masked_where(~enough, accuracy)
    shown = axis.imshow(coloured.T, origin="lower", aspect="auto", interpolation="nearest")
    shown.set_clim(coloured.min() - 0.01 * float(coloured.min() == coloured.max()), coloured.max())
    dark = (shown.norm.vmin + shown.norm.vmax) / 2
    for (i, j), value in np.ndenumerate(accuracy):
        if total[i, j]:
            colour = "0.4" if not enough[i, j] else "black" if value > dark else "white"
            axis.text(i, j, f"{100 * value:.3g}\n{total[i, j]:,}", ha="center", va="center", fontsize=7, color=colour)
    axis.set_xticks(np.arange(shape[0]), across[1])
    axis.set_yticks(np.arange(shape[1]), upwards[1])
    axis.set(xlabel=across[2], ylabel=upwards[2])
    axis.grid(False)
    axis.figure.colorbar(shown, ax=axis, label="accuracy (in cells: %, entries)")
    if not enough[total > 0].all():
        axis.set_title(f"no colour: below {min(_ENTRIES, total.max())} entries", fontsize=8)


@styled
def coverage_curves(label: np.ndarray, probability: np.ndarray) -> Figure:
    """Draw how often sets of bins hold the true one against how often they should; on the right how often not."""
    figure, axes = grid(1, 2, 4.6, 4.0)
    n, smallest = len(label), 0.5 / len(label)
    reached = [1.0], [1.0]  # least coverage, and fractions outside
    for axis, missed in zip(axes[0], (False, True), strict=True):
        ends = [smallest, 1] if missed else [0, 1]
        axis.plot(ends, ends, color="grey", lw=0.8, ls=":", label="calibrated")
        for seed, row in enumerate(probability):
            covered, content = coverage(label, row, _LEVELS)
            observed, expected = covered.mean(axis=1), np.clip(content.mean(axis=1), 0, 1)
            low, high = binomial_interval(covered.sum(axis=1), np.full(len(_LEVELS), n))
            if missed:
                expected, observed, low, high = (np.maximum(1 - x, smallest) for x in (expected, observed, high, low))
            reached[missed].extend([expected.min(), low.min()] if not missed else [expected.max(), high.max()])
            colour = COLOURS[seed % len(COLOURS)]
            axis.fill_between(expected, low, high, color=colour, alpha=0.2, lw=0)
            axis.plot(expected, observed, "o-", ms=3, lw=1.0, color=colour, label=f"training {seed + 1}")
    # Sets of whole bins can hold much more than is asked for: the smallest are shown, not an empty plane.
    least = min(reached[0])
    room = 0.06 * max(1 - least, 4 * smallest)
    ends = {"xlim": (max(least - room, 0.0), 1 + 0.3 * room), "ylim": (max(least - room, 0.0), 1 + 0.3 * room)}
    axes[0][0].set(xlabel="expected coverage", ylabel="observed coverage", **ends)
    most = 1.6 * max(max(reached[1][1:]), 4 * smallest)
    axes[0][1].set(xlabel="expected fraction outside", ylabel="observed fraction outside", xscale="log", yscale="log")
    axes[0][1].set(xlim=(0.7 * smallest, most), ylim=(0.7 * smallest, most))
    axes[0][0].legend(loc="best")
    return figure
