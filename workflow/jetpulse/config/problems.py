"""Typed models of small problems with known answers: points, numbers of a table, pictures, episodes."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from jetpulse.config.splits import (
    EventColumns,
    Files,
    Repeats,
    Split,
    of_files_only,
    one_or_many,
    without_files,
)
from jetpulse.config.streams import Stream
from jetpulse.config.types import Count, Name, Section, Seed, real

Answers = Literal["classes", "number", "episodes"]


class Points(Section):
    """Generated points with a known answer: a straight line, or two classes in a plane."""

    shape: Literal["line", "gaussians", "rings", "moons", "spirals", "xor"] = Field(
        description="`line`: y = 3 x + 1 with x from 0 to 1, a number to be learned. Two classes: `gaussians` around "
        "(-1, -1) and (1, 1); `rings` of radii 0.61 and 2.01; `moons`; `spirals`; `xor`: the points (0, 0), (0, 1), "
        "(1, 0), (1, 1) in turn, of class 1 where exactly one coordinate is 1."
    )
    n: Count = Field(500, description="Number of points.")
    seed: Seed = Field(1, description="Base seed.")
    noise: real(ge=0) | None = Field(
        None,
        description="Standard deviation of every coordinate, of the radius of rings, of y for a line (null: 0.1; 1 for "
        "gaussians, 0 for xor).",
    )


class Houses(Section):
    """Generated prices of houses, from a formula with known noise."""

    n: Count = Field(5000, description="Number of houses.")
    seed: Seed = Field(1, description="Base seed.")


class Decays(Section):
    """Generated decays of a heavy Higgs boson against top pairs, with the columns of the HIGGS benchmark."""

    n: Count = Field(20_000, description="Number of events, half of them signal.")
    seed: Seed = Field(1, description="Base seed.")


class Digits(Section):
    """The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn brings along."""


class SplitPaths(Section):
    """Files of which each is one split; without `val`, `split` takes a part of the training entries for it."""

    train: Files = Field(description="Files to train on.")
    val: Files = Field([], description="Files that decide when to stop.")
    test: Files = Field(description="Files used once, for the results.")

    def all(self) -> list[str]:
        """Return every file in the order of the splits."""
        return self.train + self.val + self.test


def _as_list(value: Any) -> Any:
    return value if isinstance(value, dict) else one_or_many(value)


Paths = Annotated[
    list[str] | SplitPaths, BeforeValidator(_as_list, json_schema_input_type=str | list[str] | SplitPaths)
]


def _listed(paths: list[str] | SplitPaths | None) -> list[str]:
    return paths.all() if isinstance(paths, SplitPaths) else (paths or [])


class ProblemSource(Section):
    """Where entries come from: exactly one of `points`, `houses`, `decays`, `digits`, `stream`, `files`, `download`."""

    points: Points | None = Field(None, description="Generate points of a line or of two classes in a plane.")
    houses: Houses | None = Field(None, description="Generate prices of houses.")
    decays: Decays | None = Field(None, description="Generate decays with low-level and high-level observables.")
    digits: Digits | None = Field(None, description="Take scikit-learn's handwritten digits; no network needed.")
    stream: Stream | None = Field(None, description="Generate episodes of pulses at a changing rate, for a trigger.")
    files: Paths | None = Field(
        None,
        description="Read them: csv (also .csv.gz), pandas HDF5 in fixed format (key `data`), or pictures in idx "
        "files (names that end in ubyte or ubyte.gz); one path, a list, or lists by split; `~` and `$VARIABLES` are "
        "expanded.",
    )
    labels: Paths | None = Field(
        None,
        description="Files of the classes, whole numbers (0, 1, 2, ... or other codes), one for each of "
        "`files` and in the same order: HDF5 or idx. Of csv files `label` names a column.",
    )
    targets: Paths | None = Field(None, description="The same for numbers to be learned.")
    label: str | None = Field(None, description="Column of a csv that holds the class, a whole number.")
    target: str | None = Field(None, description="Column of a csv that holds the number to be learned.")
    columns: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Columns of a csv to learn from, in this order (null: all others)."
    )
    names: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Names of the columns of a csv that has no line of names (null: the first line has them)."
    )
    event: EventColumns | None = Field(
        None,
        description="Column of the files that holds whole numbers, equal for rows of one event, or several that "
        "together do; they are not learned from, and equal ones in two files are one event as well. null: each row is "
        "an event.",
    )
    duplicates: Repeats = Field(
        "refuse",
        description="`refuse`: rows of the files with the same features and answer never are in two splits; where "
        "`split` assigns rows by `hash` they go to one of them together, elsewhere the dataset is refused. `keep`: "
        "every row goes where it goes, as for tables of a few different rows.",
    )
    download: Name | None = Field(None, description="Fetch them: a name in `jetpulse list-sources`.")

    @model_serializer(mode="wrap")
    def _applicable(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that what is written can be read again and does not grow with the config."""
        return without_files(self, handler(self), "event", "duplicates")

    @model_validator(mode="after")
    def _exactly_one(self) -> "ProblemSource":
        kinds = ("points", "houses", "decays", "digits", "stream", "files", "download")
        if sum(bool(getattr(self, kind) is not None) for kind in kinds) != 1:
            msg = f"needs exactly one of {', '.join(kinds)}"
            raise ValueError(msg)
        answers = [key for key in ("labels", "targets", "label", "target") if getattr(self, key)]
        if self.files is not None and len(answers) != 1:
            msg = "files need exactly one of label, target (columns of a csv), labels, targets (files)"
            raise ValueError(msg)
        if self.files is None and self.download is None:
            given = [key for key in ("columns", "names", "event") if getattr(self, key)] + answers
            if given:
                msg = f"{given[0]}: belongs to files; remove it"
                raise ValueError(msg)
        return of_files_only(self, "duplicates")

    @model_validator(mode="after")
    def _in_pairs(self) -> "ProblemSource":
        for key in ("labels", "targets"):
            beside = getattr(self, key)
            alike = type(beside) is type(self.files) and len(_listed(beside)) == len(_listed(self.files))
            if beside is not None and self.files is not None and not alike:
                msg = f"{key}: {len(_listed(beside))} files for {len(_listed(self.files))} in `files`; give one for "
                msg += "each, by split if those are"
                raise ValueError(msg)
        return self

    @property
    def module(self) -> str:
        """Name of the module of ``jetpulse.problems`` that has the entries."""
        generated = ("points", "houses", "decays", "digits", "stream")
        return next((name for name in generated if getattr(self, name) is not None), "from_files")

    def paths(self) -> list[str]:
        """Return the user's files, as the config spells them."""
        return _listed(self.files) + _listed(self.labels) + _listed(self.targets)


class ProblemDataset(Section):
    """Entries of a small problem: features with a class or a number, or episodes to act in."""

    kind: Literal["problems"] = Field(description="A small problem.")
    question: str | None = Field(None, description="What is asked, in a sentence; begins its part of the report.")
    source: ProblemSource = Field(description="Where the entries come from.")
    split: Split = Field(Split(), description="How entries are dealt to the splits.")

    @property
    def answers(self) -> Answers:
        """What the entries' answers are; of a download that is not resolved yet, classes."""
        source = self.source
        if source.stream is not None:
            return "episodes"
        number = source.houses is not None or source.target or source.targets
        return "number" if number or (source.points is not None and source.points.shape == "line") else "classes"

    def has(self, split: str) -> bool:
        """Return whether a split will have entries."""
        if isinstance(self.source.files, SplitPaths) and split != "val":
            return True
        if isinstance(self.source.files, SplitPaths) and self.source.files.val:
            return True
        return getattr(self.split, split) > 0


class Columns(Section):
    """Some of the columns of a small problem's entries."""

    kind: Literal["columns"] = Field(description="Some of the columns.")
    columns: Annotated[list[str], Field(min_length=1)] = Field(
        ["*"], description="Names of columns to keep; `*` stands for any letters, as in `m_*`."
    )
    without: list[str] = Field([], description="Names of columns to leave out of these.")
