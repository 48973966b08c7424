"""Typed models of other people's results: files of labels and scores in place of a network."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jetpulse.config.splits import Files
from jetpulse.config.types import Section


def _as_section(value: Any) -> Any:
    """Return a section also for a path or a list of paths."""
    return {"files": value} if isinstance(value, str | list) else value


class ScoreColumns(Section):
    """Where a file of scores has what, and what its scores mean."""

    label: str = Field("label", description="Column or array of the labels: 1 (signal) or 0 (background).")
    score: Annotated[Files, Field(min_length=1, max_length=2)] | None = Field(
        None,
        description="Column or array of the scores, larger for signal; an array of shape (n, 2) or a list of two "
        "columns are the probabilities of background and signal. null: `score`, else `probability`.",
    )
    event: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        "event",
        description="Column or array of event ids, by which entries in any order are found in the dataset's test "
        "split, or the several columns that the dataset's `event` names; rows of its file, from 0, will do where the "
        "test split is of one. A file without any must have the order of the test split; null: it has, whatever its "
        "ids are.",
    )
    meaning: Literal["probability", "logit", "discriminant"] = Field(
        "probability",
        description="What a score is: the `probability` of signal; its `logit` log(p / (1 - p)), from which the "
        "probability is computed; or any `discriminant` that is larger for signal: then there are ROC curve, AUC and "
        "background rejection, but no accuracy and no calibration.",
    )

    def events(self) -> list[str]:
        """Return the names of the columns that name an event."""
        return [self.event] if isinstance(self.event, str) else self.event or []


class Scores(ScoreColumns):
    """Labels and scores of someone else's classifier, a file for each of its trainings; a path will do."""

    files: Annotated[Files, Field(min_length=1)] = Field(
        description="One path or a list: .npz, .csv (a line of names, commas), .h5 (datasets, or predictions.h5 of "
        "this project); `~` and `$VARIABLES` are expanded."
    )


# In a schema for editors a path or a list of paths is allowed as well.
ScoresOrFiles = Annotated[Scores, BeforeValidator(_as_section, json_schema_input_type=str | list[str] | Scores)]
