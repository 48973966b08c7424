"""Figures of trainings: loss and metrics against epoch."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jetpulse.figures.style import COLOURS, grid, styled

History = Mapping[str, np.ndarray]


# A metric that falls by more than this is shown on a logarithmic scale.
_WIDE = 50.0


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
        shown = np.concatenate([h[name] for h in histories.values() for name in h if name.endswith(f"_{metric}")])
        if shown.min() > 0 and shown.max() > _WIDE * shown.min():
            axis.set_yscale("log")
        axis.set_xlabel("epoch")
        axis.set_ylabel(metric.replace("_", " "))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0][0].plot([], [], color="grey", ls="--", lw=1.0, label="training")
    if validated:
        axes[0][0].plot([], [], color="grey", label="validation")
    axes[0][0].legend()
    return figure


def _cycle(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]
