"""How well a trigger's policy holds the target rate, beside every threshold that stays where it is.

The pulses of an episode are drawn from seeds of its own, so that all see the same ones. The fixed threshold that the
policy is compared with is the best on the very episodes of the test: no fixed threshold does better there.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jetpulse.config.streams import Stream
from jetpulse.errors import UserError
from jetpulse.evaluation.measures import Metrics, defined, fraction_with_error, mean_with_error, named
from jetpulse.problems.trigger import Course, pulses_of, returns, run_informed

# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    "return": ("return", ".2f"),
    "fixed_return": ("return of the best fixed threshold", ".2f"),
    "informed_return": ("return if the rate is known", ".2f"),
    "advantage": ("advantage over the fixed threshold", ".2f"),
    "ahead": ("episodes ahead of the fixed threshold", ".4f"),
}
_VALUES = 20_000_000  # numbers of pulses in memory at once


@dataclass(frozen=True)
class Judged:
    """Returns by episode, float64: ``policy`` (n,), ``fixed`` (n, levels) at each threshold, ``informed`` (n,)."""

    policy: np.ndarray
    fixed: np.ndarray
    informed: np.ndarray

    @property
    def best(self) -> int:
        """Return the level of the fixed threshold with the largest mean return; of equally good ones the first."""
        return int(self.fixed.mean(axis=0).argmax())


def read_stream(truth: Mapping[str, np.ndarray], attributes: Mapping[str, Any], where: str) -> Stream:
    """Return the settings of the stream that a sample's episodes are of.

    Raises:
        UserError: a sample of something else, or without entries.
    """
    source = json.loads(attributes.get("dataset", "{}")).get("source", {})
    if not source.get("stream") or "features" not in truth:
        raise UserError(f"{where}: its sample has no episodes; is it a dataset with a `stream`?")
    if not len(truth["features"]):
        raise UserError(f"{where}: has no entries; the test split must not be empty")
    return Stream.model_validate(source["stream"])


def check_course(predicted: Mapping[str, np.ndarray], stream: Stream, n: int, where: str) -> Course:
    """Return what a policy did in n episodes.

    Raises:
        UserError: levels or accepted pulses are missing, of another shape, or not levels of the stream.
    """
    for name in ("level", "accepted"):
        if name not in predicted or predicted[name].shape != (n, stream.steps):
            raise UserError(f"{where}: lacks {name} ({n}, {stream.steps}), episodes by steps; predict again")
    level = predicted["level"]
    wrong = np.argwhere((level < 0) | (level >= stream.levels))
    if len(wrong):
        entry, step = wrong[0]
        raise UserError(
            f"{where}: entry {entry}: level is {level[entry, step]}, expected 0 to {stream.levels - 1}; predict again"
        )
    return Course(level.astype(np.int64), predicted["accepted"].astype(np.int64))


def judge(course: Course, truth: Mapping[str, np.ndarray], stream: Stream, where: str) -> Judged:
    """Return the returns of a policy and of its references, all on the same pulses.

    Raises:
        UserError: the policy accepted other pulses than its levels let pass.
    """
    rates, event = truth["features"], truth["event"]
    parts = []
    for chosen in _pieces(len(rates), stream):
        pulses = pulses_of(stream, rates[chosen], event[chosen])
        accepted = np.take_along_axis(pulses, course.level[chosen, :, None], axis=2)[..., 0]
        wrong = np.argwhere(accepted != course.accepted[chosen])
        if len(wrong):
            entry, step = wrong[0]
            raise UserError(
                f"{where}: entry {chosen.start + entry}: accepted {course.accepted[chosen][entry, step]} pulses in "
                f"step {step}, its threshold lets {accepted[entry, step]} pass; predict again"
            )
        informed = run_informed(stream, pulses, rates[chosen]).accepted
        parts.append(tuple(returns(stream, each) for each in (accepted, pulses, informed)))
    return Judged(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _pieces(n: int, stream: Stream) -> Iterator[slice]:
    """Yield parts of n episodes whose pulses fit into memory."""
    size = max(1, _VALUES // (stream.steps * stream.levels))
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    Raises:
        UserError: unusable predictions, or made from other episodes than ``truth``.
    """
    stream = read_stream(truth, attributes, where)
    found = judge(check_course(predicted, stream, len(truth["features"]), where), truth, stream, where)
    fixed = found.fixed[:, found.best]
    values = {
        "return": mean_with_error(found.policy),
        "fixed_return": mean_with_error(fixed),
        "informed_return": mean_with_error(found.informed),
        "advantage": mean_with_error(found.policy - fixed),
        "ahead": fraction_with_error(found.policy > fixed),
    }
    metrics: Metrics = {"entries": len(fixed)}
    for name, numbers in values.items():
        metrics |= named(name, *numbers)
    return defined(metrics)
