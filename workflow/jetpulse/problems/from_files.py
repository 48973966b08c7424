"""Entries of a small problem from the user's files: features with classes or numbers, in a column or a file beside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from jetpulse.config import expand_path
from jetpulse.config.problems import Paths, ProblemSource, SplitPaths
from jetpulse.errors import UserError
from jetpulse.problems.entries import Chunk, Entries, Part, taking
from jetpulse.problems.readers import UserFile, open_file
from jetpulse.problems.tables import check_columns
from jetpulse.samples import SPLITS, FileContents, event_ids
from jetpulse.samples.events import ROW_BITS

MOST_CLASSES = 1000
_INK = 255.0


@dataclass(frozen=True)
class _Pair:
    """A file of features, the names of those that are wanted, and where its answers are: `beside`, or a column.

    ``codes`` are those of the dataset's classes where they are not 0, 1, 2, ...; a class is its code's place there.
    """

    file: UserFile
    features: tuple[str, ...]
    answer: str
    beside: UserFile | None
    classes: bool
    codes: tuple[int, ...] = ()

    def found_codes(self) -> set[int]:
        """Return the codes of the classes that the file has; only its answers are read."""
        file, row, found = self.beside or self.file, 0, set()
        for values in file.read((self.answer,)):
            found |= set(np.unique(self._answers(values.reshape(len(values)).astype(np.float64), row)).tolist())
            row += len(values)
        return found

    def _answers(self, values: np.ndarray, first: int) -> np.ndarray:
        """Return answers as classes int64 (n,) or as they are; ``first`` is the number of the entry where they begin.

        Raises:
            UserError: a class that is not a whole number from 0, nor -1.
        """
        if not self.classes:
            return values
        wrong = np.flatnonzero((values != np.floor(values)) | (values < -1) | (values >= MOST_CLASSES))
        if len(wrong):
            raise UserError(
                f"{(self.beside or self.file).path}: entry {first + wrong[0]}: {self.answer} is {values[wrong[0]]:g}, "
                f"expected a class: a whole number from 0 to {MOST_CLASSES - 1}, or -1 and 1; entries count from 0"
            )
        found = values.astype(np.int64)
        return np.searchsorted(self.codes, found) if self.codes else found

    def events(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        """Yield the event ids int64 that columns name, in pieces."""
        row = 0
        for columns in self.file.read_events(names):
            rows = np.arange(row, row + len(columns[names[0]]))
            yield event_ids(columns, self.file.path, rows)
            row += len(rows)

    def count(self) -> int:
        return self.file.count(self.features)

    def chunks(self) -> Iterator[Chunk]:
        """Yield features float64 (n, ...) and answers (n,), in order."""
        if self.beside is None:
            row = 0
            for values in self.file.read((*self.features, self.answer)):
                yield values[:, :-1], self._answers(values[:, -1], row)
                row += len(values)
            return
        for values, found, row in _side_by_side(self.file, self.features, self.beside, self.answer):
            yield values, self._answers(found, row)


def entries(source: ProblemSource) -> Entries:
    """Return the entries of files; without columns that name them, events are the files' rows.

    Raises:
        UserError: files that cannot be read, do not belong together or are named twice, unknown columns; while entries
            are read, what is not a finite number or a class, and files of another number of entries than their answers.
    """
    beside = source.labels if source.labels is not None else source.targets
    classes = source.label is not None or source.labels is not None
    files = [open_file(path, source.names) for path in _expanded(source.files, "files")]
    key = "labels" if source.labels is not None else "targets"
    answers = [open_file(path, key=key) for path in _expanded(beside, key)] or [None] * len(files)
    named = source.label or source.target
    pairs = [_pair(file, answer, named, classes, source) for file, answer in zip(files, answers, strict=True)]
    first = pairs[0]
    for pair in pairs[1:]:
        if _layout(pair) != _layout(first):
            raise UserError(
                f"{pair.file.path}: {_layout(pair)}, but {first.file.path}: {_layout(first)}; all files of a dataset "
                "need the same"
            )
    codes = _codes(pairs) if classes else []
    if len(codes) > 1 and codes != list(range(len(codes))):
        pairs = [replace(pair, codes=tuple(codes)) for pair in pairs]
    keep, splits = source.duplicates == "keep", _splits(source.files)
    contents = FileContents([(str(pair.file.path), name[0]) for pair, name in zip(pairs, splits, strict=True)], keep)
    return Entries(
        answers="classes" if classes else "number",
        shape=(len(first.features),) if first.features else first.file.shape,
        parts=tuple(
            Part(pair.chunks, pair.count, splits=dealt, events=partial(pair.events, source.event))
            if source.event
            else Part(pair.chunks, pair.count, contents.prefix(str(pair.file.path)) << ROW_BITS, dealt)
            for pair, dealt in zip(pairs, splits, strict=True)
        ),
        columns=first.features,
        units={} if first.features else {"features": "1 (from 0 paper to 1 ink)"},
        target="" if classes else first.answer,
        classes=tuple(map(str, pairs[0].codes)),
        recoded=bool(pairs[0].codes),
        packages=("pyarrow", "hdf5plugin"),
        files=tuple(str(pair.file.path) for pair in pairs),
        events=tuple(source.event or ()),
    )


def _codes(pairs: Sequence[_Pair]) -> list[int]:
    """Return the codes of the classes in all files, in ascending order.

    Raises:
        UserError: -1, which may stand for a missing class, among others than 1.
    """
    found = [pair.found_codes() for pair in pairs]
    codes = sorted(set().union(*found))
    if codes[:1] == [-1] and codes != [-1, 1]:
        pair = next(pair for pair, some in zip(pairs, found, strict=True) if -1 in some)
        others = ", ".join(map(str, codes[1:6])) or "no other"
        raise UserError(
            f"{(pair.beside or pair.file).path}: {pair.answer} is -1 as well as {others}; -1 is a class only where 1 "
            "is the other one: remove entries whose class is missing, or write classes as 0, 1, 2, ..."
        )
    return codes


def _expanded(paths: Paths | None, key: str) -> list[str]:
    listed = paths.all() if isinstance(paths, SplitPaths) else paths or []
    return [expand_path(path, f"source.{key}") for path in listed]


def _splits(files: Paths) -> list[tuple[str, ...]]:
    """Return to which splits the entries of every file are dealt."""
    if not isinstance(files, SplitPaths):
        return [SPLITS] * len(files)
    training = ("train",) if files.val else ("train", "val")
    return [training] * len(files.train) + [("val",)] * len(files.val) + [("test",)] * len(files.test)


def _layout(pair: _Pair) -> str:
    return f"columns {', '.join(pair.features)}" if pair.features else f"pictures of {pair.file.shape}"


def _pair(file: UserFile, beside: UserFile | None, named: str | None, classes: bool, source: ProblemSource) -> _Pair:
    if file.format == "idx":
        if len(file.shape) != 2:
            raise UserError(f"{file.path}: holds labels, expected pictures; name it in `labels`")
        if beside is None or source.columns:
            key = "columns" if source.columns else named
            raise UserError(f"{file.path}: pictures have no column {key!r}; name files of their classes by `labels`")
        if source.event:
            raise UserError(f"{file.path}: pictures have no column {source.event[0]!r}; leave out `event`")
        return _Pair(file, (), _only_column(beside), beside, classes)
    answer = named if beside is None else _only_column(beside)
    no_features = [*(source.event or ()), *([answer] if beside is None else [])]
    features = tuple(source.columns or [name for name in file.columns if name not in no_features])
    check_columns(file.path, (*features, *no_features), file.columns)
    if beside is None and answer in features:
        raise UserError(f"{file.path}: {answer!r} is to be learned, it cannot be one of `columns` as well")
    if (
        both := next((name for name in no_features if name in features or no_features.count(name) > 1), None)
    ) is not None:
        raise UserError(f"{file.path}: {both!r} names the event, it cannot be learned or learned from; change `event`")
    if not features:
        raise UserError(f"{file.path}: has no column beside {answer!r} to learn from; add some")
    twice = next((name for name in features if features.count(name) > 1), None)
    if twice:
        raise UserError(f"{file.path}: `columns` names {twice!r} twice; remove one")
    return _Pair(file, features, answer, beside, classes)


def _only_column(beside: UserFile) -> str:
    """Return the name of the one column of a file of answers."""
    if beside.format == "idx":
        if beside.shape:
            raise UserError(f"{beside.path}: holds pictures, expected labels; check the order of the files")
        return "label"
    if len(beside.columns) != 1:
        raise UserError(
            f"{beside.path}: has {len(beside.columns)} columns ({', '.join(beside.columns[:5])}), expected one, the "
            "answers"
        )
    return beside.columns[0]


def _side_by_side(
    file: UserFile, features: Sequence[str], beside: UserFile, answer: str
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Yield features, answers and the first one's number of two files, which are read in pieces of other lengths."""
    take, row = taking(beside.read((answer,)), np.dtype(np.float64)), 0
    for values in file.read(features):
        found = take(len(values))
        if len(found) < len(values):
            raise UserError(
                f"{beside.path}: ends after {row + len(found)} answers, but {file.path} holds at least "
                f"{row + len(values)} entries; give one for each, in the same order"
            )
        scaled = values / _INK if file.format == "idx" else values
        yield scaled, found, row
        row += len(values)
    if len(take(1)):
        raise UserError(
            f"{beside.path}: has more answers than the {row} entries of {file.path}; give one for each, in the same "
            "order"
        )
