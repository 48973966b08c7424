"""Columns of tables that may not be what they seem: remarks for the log, on what streams by."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

_FILLERS = np.array([sign * value for value in (99, 999, 9999, 99999, 999999) for sign in (-1.0, 1.0)])
_BEYOND = 2.0  # times as large as all other values of the column: a filler, not one of them
_FEWEST = 10  # entries of each class, so that values lie apart by chance once in 100,000 columns
_ROUNDED = 0.01  # of a column's standard deviation
_IDS = re.compile(r"(event|entry|row|patient|sample)?[ _-]?(id|number|nr|no)|event", re.IGNORECASE)
_WEIGHTS = re.compile(r"((event|gen|mc|kaggle|sample|train|test)[ _-]?)*(weights?|wgts?)", re.IGNORECASE)


@dataclass
class Remarks:
    """Looks at the columns of a table, chunk by chunk, and says which of them are worth a second look."""

    columns: Sequence[str]
    target: str = ""
    _fillers: Counter[tuple[int, float]] = field(default_factory=Counter)
    _ends: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)  # by class: least and largest
    _entries: Counter[int] = field(default_factory=Counter)  # by class
    _largest: np.ndarray | None = None  # size of all values but fillers
    _counting: np.ndarray | None = None  # whether a column is the number of its row, but for where it begins
    _start: np.ndarray | None = None
    _moments: np.ndarray | None = None  # of values less the first, and squares of these and of what rounding loses
    _first: np.ndarray | None = None

    def add(self, features: np.ndarray, answers: np.ndarray, row: int) -> None:
        """Take in entries (n, columns) and their answers (n,): classes (integers) or numbers, from ``row`` on."""
        if not len(features):
            return
        classes = answers.dtype.kind in "iu"
        values = features.astype(np.float64)
        self._add_columns(values, row)
        seen = values if classes else np.column_stack([values, answers])
        self._add_sizes(seen)
        for label in np.unique(answers) if classes else ():
            own = values[answers == label]
            low, high = self._ends.get(int(label), (own[0], own[0]))
            self._ends[int(label)] = np.minimum(low, own.min(axis=0)), np.maximum(high, own.max(axis=0))
            self._entries[int(label)] += len(own)

    def _add_sizes(self, values: np.ndarray) -> None:
        size = np.abs(values)
        row, column = np.nonzero(size >= np.abs(_FILLERS).min())
        chosen = np.isin(values[row, column], _FILLERS)
        row, column = row[chosen], column[chosen]
        self._fillers.update(zip(column.tolist(), values[row, column].tolist(), strict=True))
        size[row, column] = 0.0
        self._largest = np.maximum(size.max(axis=0), 0.0 if self._largest is None else self._largest)

    def _add_columns(self, values: np.ndarray, row: int) -> None:
        number = row + np.arange(len(values))[:, None]
        if self._counting is None:
            self._counting, self._first, self._moments = np.ones(values.shape[1], bool), values[0], np.zeros((4, 1))
        if self._start is None or row == 0:  # every file may begin anew
            self._start = values[0] - row
        self._counting &= (values - number == self._start).all(axis=0)
        moved = values - self._first
        lost = values - values.astype(np.float32)
        self._moments = self._moments + np.stack(
            [np.full(values.shape[1], len(values)), moved.sum(axis=0), (moved**2).sum(axis=0), (lost**2).sum(axis=0)]
        )

    def lines(self) -> Iterator[str]:
        """Yield a line for every column that may not be what it is taken for."""
        if self._largest is None:
            return
        names = [*self.columns, self.target]
        for (column, value), count in sorted(self._fillers.items()):
            if count > 1 and abs(value) > _BEYOND * self._largest[column] > 0:
                yield (
                    f"{names[column]!r} is {value:g} in {count} entries, far from all others, taken as it is; if "
                    "it stands for a missing value, leave these entries or the column out"
                )
        n, total, squares, lost = self._moments
        with np.errstate(invalid="ignore"):
            rounded = lost > _ROUNDED**2 * (squares - total**2 / n)
        for column in np.flatnonzero(rounded & (lost > 0)):
            yield (
                f"column {names[column]!r} loses its last digits, since features are kept as float32 (7 digits); "
                "subtract what all its values have in common"
            )
        for column in np.flatnonzero(self._counting & (n >= _FEWEST)):
            yield f"column {names[column]!r} only counts the rows and is learned from; leave it out by `columns`"
        for column in np.flatnonzero(self._tells()):
            yield (
                f"column {names[column]!r} alone tells the classes apart, their values do not overlap; leave it out by "
                "`columns` if it comes from the answer"
            )
        for name in self.columns:
            if _IDS.fullmatch(name):
                yield f"column {name!r} is learned from like any other; if it names events, set `event: {name}`"
            elif _WEIGHTS.fullmatch(name):
                yield f"column {name!r} is learned from like any other; if it weights events, leave it out by `columns`"

    def _tells(self) -> np.ndarray:
        """Return whether the values of a column (columns,) lie apart for all classes."""
        if len(self._ends) < 2 or min(self._entries.values()) < _FEWEST:
            return np.zeros(len(self.columns), bool)
        low, high = (np.stack([ends[i] for ends in self._ends.values()]) for i in range(2))
        order = np.argsort(low, axis=0)
        return np.all(np.take_along_axis(low, order, 0)[1:] > np.take_along_axis(high, order, 0)[:-1], axis=0)
