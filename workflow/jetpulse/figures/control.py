"""Figures of trigger control: returns of a policy beside fixed thresholds, and what it does in single episodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from jetpulse.config.streams import Stream
from jetpulse.evaluation.control import Judged
from jetpulse.figures.style import COLOURS, grid, styled
from jetpulse.problems.trigger import Course, thresholds

_FIXED, _INFORMED = "0.35", "0.6"
_DECADES = 1000  # that an axis spans at most to have more than powers of ten for its marks
_LEAST = 0.1  # accepted pulses that a logarithmic axis still shows
_SHOWN = 3  # times the return of the best fixed threshold: what is worse is below the figure
_POLICY, _RATE = COLOURS[1], COLOURS[0]


@dataclass(frozen=True)
class Curve:
    """One training: ``episodes`` played until the end of each epoch and columns of its history, all (epochs,).

    ``kept`` is the epoch (from 1) whose weights were kept.
    """

    episodes: np.ndarray
    history: Mapping[str, np.ndarray]
    kept: int


@styled
def returns_figure(curves: Mapping[str, Curve], judged: Sequence[Judged], stream: Stream) -> Figure:
    """Draw the return against training episodes, against fixed thresholds, and by test episode.

    Args:
        curves: of every seed.
        judged: the test episodes' returns, in the same order.
        stream: the episodes' settings.
    """
    columns = 8
    figure, ((learning, fixed, single),) = grid(1, 3, 4.4, 3.9 + 0.2 * (len(curves) // columns))
    _draw_learning(learning, curves, judged[0])
    _draw_thresholds(fixed, judged, stream)
    _draw_single(single, judged)
    figure.legend(*learning.get_legend_handles_labels(), loc="outside lower center", ncols=columns)
    return figure


def _draw_learning(axis: Axes, curves: Mapping[str, Curve], judged: Judged) -> None:
    kept, best_fixed = [], judged.fixed[:, judged.best].mean()
    for number, (seed, curve) in enumerate(curves.items()):
        colour, history = COLOURS[number % len(COLOURS)], curve.history
        axis.plot(curve.episodes, history["train_return"], color=colour, ls="--", lw=1.0, alpha=0.7)
        shown = history.get("val_return", history["train_return"])
        if "val_return" in history:
            axis.plot(curve.episodes, shown, color=colour)
        axis.plot(curve.episodes[curve.kept - 1], shown[curve.kept - 1], "o", color=colour, ms=5)
        axis.plot([], [], color=colour, label=f"seed {seed}")
        kept.append(shown[curve.kept - 1])
    axis.plot([], [], color="grey", ls="--", lw=1.0, label="training")
    if any("val_return" in curve.history for curve in curves.values()):
        axis.plot([], [], color="grey", label="validation")
    axis.axhline(best_fixed, color=_FIXED, ls="-.", lw=1.4, label="best fixed threshold")
    axis.axhline(judged.informed.mean(), color=_INFORMED, ls=":", lw=1.4, label="if the rate were known")
    # What policies do before they have learned anything would hide what they learn.
    if axis.get_ylim()[0] < _SHOWN * best_fixed < min(kept):
        axis.set_ylim(bottom=_SHOWN * best_fixed)
    axis.set(xlabel="training episodes played", ylabel="mean return of an episode")


def _draw_thresholds(axis: Axes, judged: Sequence[Judged], stream: Stream) -> None:
    first = judged[0]
    mean = first.fixed.mean(axis=0)
    axis.plot(thresholds(stream), mean, color=_FIXED, label="fixed threshold")
    axis.plot(thresholds(stream)[first.best], mean[first.best], "o", color=_FIXED, ms=5)
    for number, one in enumerate(judged):
        axis.axhline(one.policy.mean(), color=COLOURS[number % len(COLOURS)], lw=1.2)
    axis.axhline(first.informed.mean(), color=_INFORMED, ls=":", lw=1.4)
    # Low thresholds accept nearly all: their return would hide everything else.
    bottom = _SHOWN * mean.max()
    top = min(0.0, float(max(first.informed.mean(), *(one.policy.mean() for one in judged), mean.max())) * 0.8)
    axis.set(
        xlabel="threshold [mV]", ylabel="mean return of a test episode", ylim=(bottom, top) if bottom < top else None
    )
    axis.legend(loc="lower right")


def _draw_single(axis: Axes, judged: Sequence[Judged]) -> None:
    fixed = judged[0].fixed[:, judged[0].best]
    for number, one in enumerate(judged):
        axis.plot(fixed, one.policy, ".", color=COLOURS[number % len(COLOURS)], ms=4, alpha=0.7)
    values = np.concatenate([fixed, *(one.policy for one in judged)])
    ends = np.array([values.min(), values.max()])
    axis.plot(ends, ends, color=_FIXED, lw=1.0, ls="--", label="equal")
    ahead = np.median([(one.policy > fixed).mean() for one in judged])
    axis.set(xlabel="return of the best fixed threshold", ylabel="return of the policy")
    axis.locator_params(nbins=5)
    axis.set_title(f"test episodes: {len(fixed)}, ahead in {100 * ahead:.3g} %")
    axis.legend(loc="lower right")


@dataclass(frozen=True)
class Example:
    """One episode: expected ``rate`` (steps,), and what policy and fixed threshold did, courses of one episode each."""

    event: int
    rate: np.ndarray
    policy: Course
    fixed: Course


def choose_examples(advantage: np.ndarray) -> np.ndarray:
    """Return the places of at most three episodes (n,): with the least, the median and the largest advantage."""
    order = np.argsort(advantage, kind="stable")
    return order[np.unique([0, (len(order) - 1) // 2, len(order) - 1])] if len(order) else order


@styled
def episodes_figure(examples: Sequence[Example], stream: Stream) -> Figure:
    """Draw rate, threshold and accepted pulses of single episodes, a column for each.

    Dots are the accepted pulses, where there are any, lines their expectation at the rate and threshold of the step.
    """
    figure, axes = grid(3, len(examples), 4.4, 2.3, sharex=True, sharey="row")
    for column, example in enumerate(examples):
        _draw_example([row[column] for row in axes], example, stream)
    for row, name in zip(axes, ("pulses per step", "threshold [mV]", "accepted per step"), strict=True):
        row[0].set_ylabel(name)
    axes[2][0].set_ylim(bottom=max(_LEAST, axes[2][0].get_ylim()[0]))
    for panel in axes[0] + axes[2]:
        low, high = panel.get_ylim()
        if high < _DECADES * low:
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
    figure.align_ylabels([row[0] for row in axes])
    figure.legend(*axes[2][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_example(panels: Sequence[Axes], example: Example, stream: Stream) -> None:
    rate, threshold, accepted = panels
    steps, levels = np.arange(stream.steps), thresholds(stream)
    rate.plot(steps, example.rate, color=_RATE)
    rate.set(yscale="log", title=f"test episode {example.event}")
    drawn = ((example.fixed, _FIXED, "best fixed threshold"), (example.policy, _POLICY, "policy"))
    for course, colour, name in drawn:
        level = levels[course.level[0]]
        threshold.step(steps, level, where="mid", color=colour, lw=1.3)
        counts = np.where(course.accepted[0] > 0, course.accepted[0], np.nan)
        accepted.plot(steps, counts, ".", color=colour, ms=3, alpha=0.4)
        accepted.plot(steps, example.rate * np.exp(-level / stream.height), color=colour, lw=1.4, label=name)
    accepted.axhline(stream.target, color="black", lw=1.0, ls=":", zorder=3, label="target")
    accepted.set(yscale="log", xlabel="step")
