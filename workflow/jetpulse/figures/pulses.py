"""Figures of pulse data sets: traces, traces coloured by derivative filters, synthetic images."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import CARETDOWN

from jetpulse.errors import UserError
from jetpulse.figures.style import COLOURS, grid, save_figure, styled
from jetpulse.pulses.filters import FIRST, SECOND, convolve, synthetic_image
from jetpulse.samples import read_attributes, read_block, split_sizes

_TRUTH = "#000000"
_MARKER = {"ls": "", "marker": CARETDOWN, "color": _TRUTH, "ms": 7}
_FILTERS = {"first derivative": FIRST, "second derivative": SECOND}
_TIME = "time [bins]"
# Red above and blue below 0; the middle is grey where points lie on white, white where images have no grid.
_POINT_MAP, _IMAGE_MAP = "coolwarm", "RdBu_r"


def _mark_truth(axis: Axes, label: int) -> None:
    """Point at the true bin from above the axes, so that no data is covered."""
    axis.plot(label, 1, **_MARKER, transform=axis.get_xaxis_transform(), clip_on=False, zorder=5)


def _name_truth(figure: Figure) -> None:
    figure.legend([Line2D([], [], **_MARKER)], ["true bin of the coincident pulse"], loc="outside upper center")


@styled
def stacked_traces(waveform: np.ndarray, label: np.ndarray, unit: str) -> Figure:
    """Draw entries in panels, three in a row; the traces of one stand above each other, one scale for all.

    Args:
        waveform: (n, traces, samples), n >= 1.
        label: (n,) true bins.
        unit: of the traces.
    """
    n, traces, samples = waveform.shape
    columns = min(n, 3)
    rows = -(-n // columns)
    figure, axes = grid(rows, columns, 3.4, max(2.2, 0.8 * traces + 0.4), sharex=True, sharey=True)
    low, high = float(waveform.min()), float(waveform.max())
    step = max(np.ceil(high - low), 1.0)
    base = step * np.arange(traces)[::-1]
    for i, axis in enumerate(a for row in axes for a in row):
        if i >= n:
            axis.set_visible(False)
            continue
        axis.axvline(label[i], color=_TRUTH, lw=0.8, ls=":", zorder=1)
        for j in range(traces):
            axis.plot(waveform[i, j] + base[j], color=COLOURS[j % len(COLOURS)], lw=1.3)
        _mark_truth(axis, label[i])
        axis.set(xlim=(0, samples - 1), ylim=(low - 0.04 * step, base[0] + high + 0.04 * step))
        if i % columns == 0:
            axis.set_yticks(base, [f"trace {j + 1}" for j in range(traces)])
        if i + columns >= n:
            axis.set_xlabel(_TIME)
            axis.tick_params(labelbottom=True)
    figure.supylabel(f"height, traces {step:g} apart\n[{unit}]", fontsize=10)
    _name_truth(figure)
    return figure


@styled
def coloured_traces(waveform: np.ndarray, label: int, unit: str) -> Figure:
    """Draw the traces of one entry (columns), coloured by tanh of each derivative (rows).

    Args:
        waveform: (traces, samples).
        label: true bin.
        unit: of the trace.
    """
    traces, samples = waveform.shape
    figure, axes = grid(len(_FILTERS), traces, 3.3, 2.3, sharex=True, sharey=True)
    shown = None
    for row, (name, kernel) in zip(axes, _FILTERS.items(), strict=True):
        value = np.tanh(convolve(waveform[None], kernel))[0]
        margin = len(kernel) // 2
        bins = np.arange(margin, samples - margin)
        for j, axis in enumerate(row):
            axis.plot(waveform[j], color="#b3b3b3", lw=0.9, zorder=1)
            shown = axis.scatter(
                bins,
                waveform[j, bins],
                c=value[j],
                cmap=_POINT_MAP,
                vmin=-1,
                vmax=1,
                s=22,
                edgecolors="#4d4d4d",
                linewidths=0.25,
                zorder=2,
            )
            _mark_truth(axis, label)
            axis.set_xlim(-1, samples)
            if row is axes[0]:
                axis.set_title(f"trace {j + 1}", pad=10)
            if row is axes[-1]:
                axis.set_xlabel(_TIME)
        figure.colorbar(shown, ax=row, label=f"tanh({name})", ticks=(-1, -0.5, 0, 0.5, 1))
    figure.supylabel(f"height [{unit}]", fontsize=10)
    _name_truth(figure)
    return figure


@styled
def synthetic_images(waveform: np.ndarray, label: np.ndarray) -> Figure:
    """Draw the image of both derivatives of every entry, two in a row.

    Args:
        waveform: (n, traces, samples), n >= 1.
        label: (n,) true bins.
    """
    n, traces, samples = waveform.shape
    images = synthetic_image(waveform)
    columns = min(n, 2)
    rows = -(-n // columns)
    figure, axes = grid(rows, columns, 4.6, 0.8 + 0.2 * images.shape[1], sharex=True, sharey=True)
    names = [f"trace {j + 1}{prime}" for prime in ("\N{PRIME}", "\N{DOUBLE PRIME}") for j in range(traces)]
    shown = None
    for i, axis in enumerate(a for row in axes for a in row):
        if i >= n:
            axis.set_visible(False)
            continue
        shown = axis.imshow(
            images[i],
            cmap=_IMAGE_MAP,
            vmin=-1,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
            extent=(0.5, samples - 1.5, 2 * traces - 0.5, -0.5),
        )
        axis.grid(False)
        axis.axhline(traces - 0.5, color="#000000", lw=0.8)
        axis.set_yticks(range(2 * traces), names)
        _mark_truth(axis, label[i])
        axis.set_xlim(0.5, samples - 1.5)
        if i + columns >= n:
            axis.set_xlabel(_TIME)
            axis.tick_params(labelbottom=True)
    everywhere = [axis for row in axes for axis in row]
    figure.colorbar(shown, ax=everywhere, label="tanh(derivative)", ticks=(-1, -0.5, 0, 0.5, 1), aspect=30)
    _name_truth(figure)
    return figure


def plot_pulse_figures(samples: Path, traces: Path, convolutions: Path, synthetic: Path) -> int:
    """Draw the three figures of a data set's first entries; return the number of entries drawn.

    Raises:
        UserError: not samples of pulses, or without entries.
    """
    spec = read_attributes(samples, "pulses")["spec"]
    split = next((name for name, n in split_sizes(samples).items() if n), None)
    if split is None:
        raise UserError(f"{samples}: holds no entries; there is nothing to draw")
    entries = read_block(samples, split, 0, 6).entries
    waveform, label = entries["waveform"], entries["label"]
    unit = "wave of the background = 1" if spec["source"]["waveforms"] else "as in the files"
    save_figure(stacked_traces(waveform, label, unit), traces)
    save_figure(coloured_traces(waveform[0], int(label[0]), unit), convolutions)
    save_figure(synthetic_images(waveform, label), synthetic)
    return len(label)
