"""A trigger on a stream of pulses whose rate changes: its episodes, its pulses, what it sees, how it is judged.

Pulses of a time step are Poisson numbers, their heights are exponentially distributed. A trigger accepts those that
reach its threshold, and shall accept ``target`` of them in every step. Before a step it may move the threshold by one
level. It knows neither the rate nor the pulses below its threshold, only what it has accepted so far.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jetpulse import seeds
from jetpulse.config.streams import Stream

ACTIONS = ("lower", "keep", "raise")
MEMORY = 4  # steps back that a trigger remembers, unless it is told otherwise
_WAVES = 3


def generate_episodes(stream: Stream, first: int, n: int) -> np.ndarray:
    """Return the expected pulses per step of episodes ``first`` and following, float32 (n, steps).

    An episode depends on the stream's settings and its number alone. The logarithm of the rate is that of the median,
    three waves of random phase and frequency, and a Gaussian constant that is drawn anew at every jump.

    Raises:
        ValueError: a negative number.
    """
    if first < 0 or n < 0:
        msg = f"episodes {first} to {first + n} do not exist"
        raise ValueError(msg)
    rates = np.empty((n, stream.steps), np.float32)
    time = np.arange(stream.steps)
    for i in range(n):
        rng = seeds.generator(stream.seed, "trigger/rates", first + i)
        phase, frequency = rng.random((_WAVES, 1)), rng.uniform(0.5, 1.5, (_WAVES, 1)) / stream.period
        waves = np.sin(2 * np.pi * (phase + frequency * time)).sum(axis=0) * np.sqrt(2 / _WAVES)
        jumps = np.cumsum(rng.random(stream.steps) < 1 / stream.between)
        constant = rng.standard_normal(stream.steps + 1)[jumps]
        rates[i] = stream.rate * np.exp(stream.drift * waves + stream.jumps * constant)
    return rates


def thresholds(stream: Stream) -> np.ndarray:
    """Return the thresholds that can be set, float64 (levels,) in mV."""
    return np.linspace(0.0, stream.highest, stream.levels)


def nearest_level(stream: Stream, rates: np.ndarray) -> np.ndarray:
    """Return the level, int64, whose accepted rate is the target at these rates (any shape), or the nearest to it."""
    wanted = stream.height * np.log(np.asarray(rates, np.float64) / stream.target)
    step = stream.highest / (stream.levels - 1)
    return np.clip(np.rint(wanted / step), 0, stream.levels - 1).astype(np.int64)


def draw_pulses(stream: Stream, rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how many pulses of every step reach each threshold, int64 (..., steps, levels), at ``rates`` (..., steps).

    Numbers of pulses between two thresholds are drawn, which has the same distribution as drawing every height.
    """
    reach = np.exp(-thresholds(stream) / stream.height)
    between = reach - np.append(reach[1:], 0.0)
    drawn = rng.poisson(np.asarray(rates, np.float64)[..., None] * between)
    return np.flip(np.cumsum(np.flip(drawn, -1), axis=-1), -1)


def pulses_of(stream: Stream, rates: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Return the pulses (n, steps, levels) of episodes with these ids (n,), each from seeds of its own."""
    pulses = np.zeros((*np.shape(rates), stream.levels), np.int64)
    for i, number in enumerate(event):
        pulses[i] = draw_pulses(stream, rates[i], seeds.generator(stream.seed, "trigger/pulses", int(number)))
    return pulses


def reward(stream: Stream, accepted: np.ndarray) -> np.ndarray:
    """Return minus the distance of accepted pulses (any shape) from the target, in units of the target."""
    return -np.abs(accepted - stream.target) / stream.target


def returns(stream: Stream, accepted: np.ndarray) -> np.ndarray:
    """Return the sum of the rewards over the steps, axis 1 of ``accepted`` (n, steps, ...), float64 (n, ...).

    The order of the sum makes no difference where the target is a whole number, so that equal courses are equal.
    """
    return -np.abs(accepted - stream.target).sum(axis=1) / stream.target


class Trigger:
    """Many episodes side by side, in each of them a trigger with a threshold of its own."""

    def __init__(self, stream: Stream, pulses: np.ndarray, memory: int = MEMORY, copies: int = 1) -> None:
        """Begin with the level that suits the median rate.

        Args:
            stream: settings.
            pulses: that reach each threshold, (n, steps, levels).
            memory: steps back that are observed.
            copies: triggers for each episode, which see the same pulses; m = n x copies in all, an episode's together.
        """
        self.stream, self._pulses, self._memory = stream, pulses, memory
        self._episode = np.repeat(np.arange(len(pulses)), copies)
        self.time = 0
        self.level = np.full(len(self._episode), nearest_level(stream, stream.rate))
        self._accepted = np.full((memory, len(self._episode)), stream.target)  # of the last steps, the latest first
        self._levels = np.tile(self.level, (memory, 1))

    def observe(self) -> np.ndarray:
        """Return what the triggers know before they act, float32 (m, 2 x memory).

        That is for each of the last steps the logarithm of (accepted + 1) / (target + 1), the latest first; the
        threshold in units of the highest; and for the steps before the last one, by how many levels their threshold was
        above it. Before an episode everything is taken to have been on target.
        """
        ratio = np.log((self._accepted + 1) / (self.stream.target + 1))
        threshold = self.level / (self.stream.levels - 1)
        return np.concatenate([ratio, threshold[None], self._levels[1:] - self.level]).T.astype(np.float32)

    def act(self, action: np.ndarray) -> np.ndarray:
        """Lower (0), keep (1) or raise (2) the thresholds (m,) by one level, let a step pass, return accepted (m,)."""
        self.level = np.clip(self.level + action - 1, 0, self.stream.levels - 1)
        accepted = self._pulses[self._episode, self.time, self.level]
        self._accepted = np.concatenate([accepted[None], self._accepted[:-1]])
        self._levels = np.concatenate([self.level[None], self._levels[:-1]])
        self.time += 1
        return accepted


@dataclass(frozen=True)
class Course:
    """What triggers did and got: ``level`` and ``accepted`` int64 (m, steps)."""

    level: np.ndarray
    accepted: np.ndarray


def run_trigger(trigger: Trigger, decide: Callable[[Trigger], np.ndarray]) -> Course:
    """Let triggers act by ``decide``, which returns actions (m,), from the first step to the last."""
    levels, accepted = (np.zeros((len(trigger.level), trigger.stream.steps), np.int64) for _ in range(2))
    for step in range(trigger.stream.steps):
        accepted[:, step] = trigger.act(decide(trigger))
        levels[:, step] = trigger.level
    return Course(levels, accepted)


def run_informed(stream: Stream, pulses: np.ndarray, rates: np.ndarray) -> Course:
    """Return the course of a trigger that knows the rate (n, steps) of every step, as no real one does."""
    wanted = nearest_level(stream, rates)
    return run_trigger(Trigger(stream, pulses), lambda trigger: 1 + np.sign(wanted[:, trigger.time] - trigger.level))
