"""Typed model of a stream of pulses whose rate changes, as a trigger sees it."""

import math
from typing import Annotated

from pydantic import Field, model_validator

from jetpulse.config.types import Positive, Section, Seed, real

_MOST_RATES = 10**9  # of all episodes


class Stream(Section):
    """Episodes of a stream of pulses: their rate drifts and jumps, and a trigger's threshold has to follow it."""

    n: Annotated[int, Field(ge=0, le=10**6)] = Field(500, description="Episodes.")
    seed: Seed = Field(1, description="Base seed.")
    steps: Annotated[int, Field(ge=2, le=100_000)] = Field(
        200, description="Time steps of an episode; before each the threshold may move by one level."
    )
    target: real(ge=1, le=1e6) = Field(20.0, description="Accepted pulses per step that are wanted.")
    rate: real(gt=0, le=1e6) = Field(200.0, description="Median of the expected pulses per step.")
    drift: real(ge=0, le=2) = Field(0.5, description="Standard deviation of the slow part of the rate's logarithm.")
    period: real(ge=2) = Field(100.0, description="Steps in which the slow part swings to and fro, on average.")
    jumps: real(ge=0, le=2) = Field(
        0.5, description="Standard deviation of the sudden part of the rate's logarithm, constant between two jumps."
    )
    between: real(ge=1) = Field(50.0, description="Mean number of steps from one jump to the next.")
    height: Positive = Field(10.0, description="Mean height of a pulse [mV]; heights are exponentially distributed.")
    highest: Positive = Field(50.0, description="Highest threshold [mV]; the lowest is 0 and accepts every pulse.")
    levels: Annotated[int, Field(ge=2, le=1000)] = Field(
        51, description="Thresholds that can be set, in equal steps from 0 to `highest`."
    )

    @model_validator(mode="after")
    def _within_reach(self) -> "Stream":
        least = self.rate * math.exp(-self.highest / self.height)
        if not least < self.target < self.rate:
            msg = (
                f"target {self.target:g} is out of reach: at the median rate thresholds from 0 to {self.highest:g} mV "
                f"accept {self.rate:g} to {least:.3g} pulses per step; change target, rate, highest or height"
            )
            raise ValueError(msg)
        if self.n * self.steps > _MOST_RATES:
            msg = f"{self.n} episodes of {self.steps} steps are more than {_MOST_RATES:.0e} in all; lower n or steps"
            raise ValueError(msg)
        return self
