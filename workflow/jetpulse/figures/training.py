"""Figures of trainings: loss and metrics against epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from jetpulse.figures.style import COLOURS, grid, styled

History = Mapping[str, np.ndarray]


# A metric that begins at so many times the range in which it ends hides the end on a linear scale.
_WIDE = 8.0
_DECADES = 300  # that an axis spans at most to have more than powers of ten for its marks


@styled
def training_curves(histories: Mapping[int, History], kept: Mapping[int, int]) -> Figure:
    """Draw training (dashed) and validation (solid) curves of every seed; a dot marks the weights that were kept.

    Args:
        histories: seed -> column of history.csv -> (epochs,).
        kept: seed -> epoch (from 1) whose weights were kept.
    """
    first = next(iter(histories.values()))
    metrics = [name.removeprefix("train_") for name in first if name.startswith("train_")]
    validated = "val_loss" in first
    figure, axes = grid(1, len(metrics), 4.6, 3.2)
    for axis, metric in zip(axes[0], metrics, strict=True):
        for colour, (seed, history) in zip(_cycle(len(histories)), histories.items(), strict=True):
            epoch = history["epoch"]
            axis.plot(epoch, history[f"train_{metric}"], color=colour, ls="--", lw=1.0, alpha=0.7)
            if validated:
                val = history[f"val_{metric}"]
                axis.plot(epoch, val, color=colour)
                axis.plot(kept[seed], val[kept[seed] - 1], "o", color=colour, ms=5)
            axis.plot([], [], color=colour, label=f"seed {seed}")
        names = (f"train_{metric}", f"val_{metric}")
        _scale(axis, [h[name] for h in histories.values() for name in names if name in h])
        axis.set_xlabel("epoch")
        axis.set_ylabel(metric.replace("_", " "))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0][0].plot([], [], color="grey", ls="--", lw=1.0, label="training")
    if validated:
        axes[0][0].plot([], [], color="grey", label="validation")
    axes[0][0].legend()
    return figure


def _scale(axis: Axes, curves: Sequence[np.ndarray]) -> None:
    """Show the second half of the curves (epochs,), which would be a line at the axis below a few first epochs.

    Positive metrics that span much get a logarithmic scale; of others what lies far from the second half is cut off.
    """
    everything = np.concatenate(curves)
    later = np.concatenate([curve[len(curve) // 2 :] for curve in curves])
    everything, later = (values[np.isfinite(values)] for values in (everything, later))
    if not len(later):
        return
    if everything.min() > 0:
        if everything.max() > _WIDE * later.max() or everything.max() > 5 * _WIDE * everything.min():
            axis.set_yscale("log")
            if everything.max() < _DECADES * everything.min():
                axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.yaxis.set_major_formatter("{x:g}")
                axis.yaxis.set_minor_formatter(NullFormatter())
        return
    low, high = later.min(), later.max()
    reach = _WIDE * max(high - low, 1e-12 * max(abs(low), abs(high), 1e-300))
    if everything.max() > high + reach or everything.min() < low - reach:
        seen = everything[(everything >= low - reach) & (everything <= high + reach)]
        margin = 0.05 * max(float(np.ptp(seen)), 1e-12 * max(abs(low), abs(high), 1e-300))
        axis.set_ylim(seen.min() - margin, seen.max() + margin)


def _cycle(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]
