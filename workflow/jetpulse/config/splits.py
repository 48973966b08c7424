"""Typed models of splits: how entries are dealt, or which files are which split."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from jetpulse.config.types import Fraction, Section, Seed


class Split(Section):
    """Fractions of the events in each split; they add up to 1."""

    train: Fraction = Field(0.6, description="Fraction to train on.")
    val: Fraction = Field(0.2, description="Fraction that decides when to stop.")
    test: Fraction = Field(0.2, description="Fraction used once, for the results.")
    seed: Seed = Field(0, description="Another seed deals the events anew.")
    method: Literal["hash", "shuffle"] = Field(
        "hash",
        description="`hash`: by the event's id alone (rows of tables from files: by their values), so that more events "
        "or files move none of the others; `shuffle`: scikit-learn's train_test_split with random_state `seed`, test "
        "and train in exact numbers, by the place among all files (not of jets).",
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


Files = Annotated[list[str], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])]


def _distinct(names: list[str]) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"names {twice!r} twice; remove one"
        raise ValueError(msg)
    return names


# Columns (branches, arrays) whose equal values make one event of the entries that have them.
EventColumns = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
    AfterValidator(_distinct),
]


# What to do with an example that is in two splits.
Repeats = Literal["refuse", "keep"]


class JetFile(Section):
    """One file of jets; a plain path is the same without a label."""

    path: str = Field(description="Where it is; `~` and `$VARIABLES` are expanded.")
    label: Literal[0, 1] | None = Field(
        None, description="Class of all its jets, 1 or 0, for files of one class; null: the file knows."
    )


def _as_jet_files(value: Any) -> Any:
    """Return a list of sections also for a single path or section, and for paths in a list."""
    values = value if isinstance(value, list) else [value]
    return [{"path": item} if isinstance(item, str) else item for item in values]


_OneJetFile = str | JetFile
JetFiles = Annotated[
    list[JetFile], BeforeValidator(_as_jet_files, json_schema_input_type=_OneJetFile | list[_OneJetFile])
]


class SplitFiles(Section):
    """Files that already are one split each, or files whose events the dataset's `split` deals to the splits."""

    train: JetFiles = Field([], description="Files to train on.")
    val: JetFiles = Field([], description="Files that decide when to stop.")
    test: JetFiles = Field([], description="Files used once, for the results.")
    deal: JetFiles = Field(
        [], description="Files whose events `split` deals to the three; a plain list of files means these."
    )

    def all(self) -> list[JetFile]:
        """Return every file in the order of the splits."""
        return [file for file, _ in self.by_split()]

    def by_split(self) -> list[tuple[JetFile, str]]:
        """Return every file in that order with the split that it is, "" for those that are dealt."""
        named = {"train": self.train, "val": self.val, "test": self.test, "": self.deal}
        return [(file, split) for split, files in named.items() for file in files]

    def has(self, split: str, fraction: float) -> bool:
        """Return whether a split gets entries, of files of its own or a fraction of those that are dealt."""
        return bool(getattr(self, split)) or bool(self.deal and fraction)

    @model_validator(mode="after")
    def _some(self) -> "SplitFiles":
        if not self.all():
            msg = "names no file"
            raise ValueError(msg)
        if self.deal and len(self.all()) > len(self.deal):
            msg = "files are either dealt by `split` or named for train, val and test, not both"
            raise ValueError(msg)
        return self


def _as_split_files(value: Any) -> Any:
    """Return a section also for a list of files: those that are dealt."""
    return {"deal": value} if isinstance(value, str | list) else value


# In a schema for editors a path or a list of files is allowed as well.
SplitFilesOrList = Annotated[
    SplitFiles, BeforeValidator(_as_split_files, json_schema_input_type=str | list[_OneJetFile] | SplitFiles)
]


def _reads_files(source: Section) -> bool:
    return bool(source.files or getattr(source, "download", None))


def of_files_only(source: Section, *keys: str) -> Any:
    """Return a source that reads files, or has none of ``keys``, which are about them.

    Raises:
        ValueError: names the first key that another source has.
    """
    given = [key for key in keys if key in source.model_fields_set and getattr(source, key) is not None]
    if given and not _reads_files(source):
        msg = f"{given[0]}: is about files, which this source does not read; remove it"
        raise ValueError(msg)
    return source


def without_files(source: Section, values: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return a source's values without those of ``keys`` if it reads no files."""
    return values if _reads_files(source) else {key: value for key, value in values.items() if key not in keys}
