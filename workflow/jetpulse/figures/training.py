"""Figures of trainings: loss and metrics against epoch."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jetpulse.figures.style import COLOURS, grid

History = Mapping[str, np.ndarray]


def training_curves(histories: Mapping[int, History]) -> Figure:
    """Draw training (dashed) and validation (solid) curves of every seed; a dot marks the weights that were kept.

    Args:
        histories: seed -> column of history.csv -> (epochs,).
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
                best = int(np.argmin(history["val_loss"]))
                axis.plot(epoch, val, color=colour)
                axis.plot(epoch[best], val[best], "o", color=colour, ms=5)
            axis.plot([], [], color=colour, label=f"seed {seed}")
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
