"""Typed models of splits: how entries are dealt, or which files are which split."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from jetpulse.config.types import Fraction, Section


class Split(Section):
    """Fractions of the events in each split; they add up to 1."""

    train: Fraction = Field(0.6, description="Fraction to train on.")
    val: Fraction = Field(0.2, description="Fraction that decides when to stop.")
    test: Fraction = Field(0.2, description="Fraction used once, for the results.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Another seed deals the events anew.")
    method: Literal["hash", "shuffle"] = Field(
        "hash",
        description="`hash`: by the event's id alone, so that more events move none of the others; `shuffle`: "
        "scikit-learn's train_test_split with random_state `seed`, test and train in exact numbers (waveforms and "
        "spectra only).",
    )

    @model_validator(mode="after")
    def _complete(self) -> "Split":
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-9:
            msg = f"train + val + test is {total:g}, must be 1"
            raise ValueError(msg)
        return self


def one_or_many(value: Any) -> Any:
    """Return a list also for a single path."""
    return [value] if isinstance(value, str) else value


Files = Annotated[list[str], BeforeValidator(one_or_many)]


class SplitFiles(Section):
    """Files that already are one split each; a split without files is empty."""

    train: Files = Field([], description="Files to train on.")
    val: Files = Field([], description="Files that decide when to stop.")
    test: Files = Field([], description="Files used once, for the results.")

    def all(self) -> list[str]:
        """Return every file, as the config spells it, in the order of the splits."""
        return self.train + self.val + self.test

    @model_validator(mode="after")
    def _some(self) -> "SplitFiles":
        if not self.all():
            msg = "names no file"
            raise ValueError(msg)
        return self
