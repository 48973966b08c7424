"""Typed models of scans and searches: which keys of an experiment take which values, and what a scan expands into."""

import difflib
import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from jetpulse.config.types import Name, Real, Section, Seed, Seeds

# Where the keys that a scan varies begin; `representation` and `dataset` go on with keys of what they name.
VARIED = ("training", "model", "seeds", "representation", "dataset", "experiment")
Values = Annotated[list[Any], Field(min_length=1)]
Scale = Literal["linear", "log", "category"]
# An end of a range; the key that takes it has limits of its own.
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_MOST_POINTS = 10_000


def _check_key(key: str, allowed: tuple[str, ...]) -> None:
    """Refuse a dotted path that begins with none of the allowed keys or has an empty part.

    Raises:
        ValueError: such a path.
    """
    first, *rest = key.split(".")
    if first not in allowed:
        near = difflib.get_close_matches(first, allowed, 1, 0.5)
        hint = f"did you mean {'.'.join([near[0], *rest])!r}? " if near else ""
        msg = f"{key!r} cannot be varied; {hint}keys begin with {', '.join(allowed)}"
        raise ValueError(msg)
    if not all(rest) or (rest and first in ("seeds", "experiment")):
        msg = f"{key!r} is no key; write it like training.learning_rate"
        raise ValueError(msg)


class Scan(Section):
    """One key of an experiment, or a grid of several, takes one value after another; each is an experiment too."""

    experiment: Name = Field(description="A key of `experiments`: what is varied.")
    vary: str | dict[str, Values] = Field(
        description="A dotted key of the experiment, such as `training.learning_rate`, `model.filters`, `model` (whole "
        "networks), `seeds`, `representation.steps` or `dataset.source.simulation.shower` (which make another "
        "representation or sample for each value), or `experiment` (several keys at once); for a grid a mapping of "
        "such keys to their values."
    )
    values: Values | None = Field(None, description="What the key takes; not with a grid.")
    labels: list[str] | dict[str, list[str]] | None = Field(
        None, description="Names of the values in figure and table (null: the values); for a grid by key."
    )
    seeds: Seeds | None = Field(None, description="Seeds of every point (null: those of the experiment).")
    x_scale: Literal["auto", "linear", "log", "category"] = Field(
        "auto", description="Axis of the figure; `auto`: numbers over more than a decade are `log`, texts a `category`."
    )

    @field_validator("vary")
    @classmethod
    def _begins_well(cls, vary: str | dict[str, list[Any]]) -> str | dict[str, list[Any]]:
        for key in [vary] if isinstance(vary, str) else vary:
            _check_key(key, VARIED)
        if not vary:
            msg = "names no key; write one like training.learning_rate"
            raise ValueError(msg)
        return vary

    @model_validator(mode="after")
    def _matching(self) -> "Scan":
        if isinstance(self.vary, str) and self.values is None:
            msg = "values: is required and missing (or give `vary` as a mapping of keys to values)"
            raise ValueError(msg)
        if not isinstance(self.vary, str) and self.values is not None:
            msg = "values: has no meaning for a grid, whose values stand in `vary`; remove it"
            raise ValueError(msg)
        if len(self.axes()) > 1 and self.x_scale != "auto":
            msg = "x_scale: has no meaning for a grid; remove it"
            raise ValueError(msg)
        if self.seeds is not None and "seeds" in self.axes():
            msg = "seeds: are what is varied; remove this key"
            raise ValueError(msg)
        for seeds in [self.seeds or []]:
            if len(set(seeds)) < len(seeds):
                msg = f"seeds {seeds} are not all different"
                raise ValueError(msg)
        points = math.prod(len(values) for values in self.axes().values())
        if points > _MOST_POINTS:
            msg = f"vary: {points} combinations of values, {_MOST_POINTS} are possible; leave some out"
            raise ValueError(msg)
        self._check_labels()
        return self

    def _check_labels(self) -> None:
        axes = self.axes()
        if isinstance(self.labels, list) and len(axes) > 1:
            msg = f"labels: a grid needs a mapping of keys to labels; its keys are {', '.join(axes)}"
            raise ValueError(msg)
        for key, labels in self.named().items():
            if key not in axes:
                msg = f"labels: {key!r} is not varied; varied are {', '.join(axes)}"
                raise ValueError(msg)
            if len(labels) != len(axes[key]) or len(set(labels)) < len(labels):
                msg = f"labels: needs {len(axes[key])} different ones, one for each value, found {labels}"
                raise ValueError(msg)

    def axes(self) -> dict[str, list[Any]]:
        """Return the values of every key that is varied."""
        return {self.vary: self.values or []} if isinstance(self.vary, str) else self.vary

    def named(self) -> dict[str, list[str]]:
        """Return the labels of every key that has some."""
        if isinstance(self.labels, list):
            return {next(iter(self.axes())): self.labels}
        return self.labels or {}


class Axis(Section):
    """One key of an expanded scan: its values as the experiments have them."""

    key: str = Field(description="Dotted key of the experiment.")
    values: list[Any] = Field(description="Its values.")
    labels: list[str] = Field(description="A text for each value.")
    scale: Scale = Field(description="How an axis of a figure shows them.")


class Point(Section):
    """One point of an expanded scan."""

    experiment: Name = Field(description="The experiment that was trained.")
    dataset: Name = Field(description="Its dataset.")
    place: list[Annotated[int, Field(ge=0, lt=_MOST_POINTS)]] = Field(description="Number of its value on every axis.")


class ScanPlan(Section):
    """A scan as ordinary experiments, the way ``jetpulse summarise-scan`` takes it."""

    base: Name = Field(description="The experiment that is varied.")
    task: str = Field(description="Its task.")
    axes: Annotated[list[Axis], Field(min_length=1)] = Field(description="What is varied.")
    points: Annotated[list[Point], Field(min_length=1)] = Field(description="All combinations of values.")

    def experiments(self) -> list[str]:
        """Return the experiments of all points, each once."""
        return list(dict.fromkeys(point.experiment for point in self.points))

    def label(self, point: Point) -> str:
        """Return the labels of a point's values."""
        return ", ".join(axis.labels[i] for axis, i in zip(self.axes, point.place, strict=True))


class Range(Section):
    """What a search may choose from: numbers between two ends, or one of several values."""

    low: Whole | Real | None = Field(None, description="Smallest number; with two whole numbers only such are tried.")
    high: Whole | Real | None = Field(None, description="Largest number.")
    log: bool = Field(False, description="Try orders of magnitude equally often.")
    choices: Values | None = Field(None, description="In place of `low` and `high`: the values.")

    @model_validator(mode="after")
    def _one_kind(self) -> "Range":
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                msg = "needs either choices or low and high (and log), not both"
                raise ValueError(msg)
            return self
        if self.low is None or self.high is None:
            msg = "needs low and high, or choices"
            raise ValueError(msg)
        if not self.low < self.high:
            msg = f"low {self.low:g} is not below high {self.high:g}"
            raise ValueError(msg)
        if self.log and self.low <= 0:
            msg = f"log needs low above 0, found {self.low:g}"
            raise ValueError(msg)
        return self

    def ends(self) -> list[Any]:
        """Return what must be allowed for all of the range to be: its ends, or every choice."""
        return [self.low, self.high] if self.choices is None else self.choices


class SearchSettings(Section):
    """How settings are searched for."""

    space: Annotated[dict[str, Range], Field(min_length=1)] = Field(
        description="What is tried for which key; keys begin with `training.` or `model.`."
    )
    trials: Annotated[int, Field(ge=1, le=100_000)] = Field(30, description="Trainings.")
    seed: Seed = Field(1, description="Seed of what is tried and of every training.")
    metric: Literal["val_loss", "val_accuracy"] = Field(
        "val_loss", description="What is to be best, on the validation split, after the epoch that a training keeps."
    )
    prune: bool = Field(
        True, description="Stop a trial that is worse than the median of earlier ones after as many epochs."
    )
    max_epochs: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        None, description="Epochs of a trial at most, in place of the experiment's (null: as the experiment)."
    )

    @field_validator("space")
    @classmethod
    def _begin_well(cls, space: dict[str, Range]) -> dict[str, Range]:
        for key in space:
            _check_key(key, ("training", "model"))
            if "." not in key or key == "model.name":
                msg = f"{key!r} cannot be searched; write a key of one network or training, like training.batch"
                raise ValueError(msg)
        return space


class Search(SearchSettings):
    """Settings of an experiment that are searched for on the validation split, bad trials stopped early."""

    experiment: Name = Field(description="A key of `experiments`: what is tuned.")
