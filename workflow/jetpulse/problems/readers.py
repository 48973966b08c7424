"""The user's files, each as a stream of rows: csv, pandas HDF5 in fixed format, idx."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.problems.idx import idx_shape, read_idx
from jetpulse.problems.tables import LARGEST, check_columns, column_names, read_columns, read_whole
from jetpulse.samples.frames import open_frame

_HDF5 = (".h5", ".hdf5", ".hf5")
_VALUES = 5_000_000  # numbers of a frame in memory at once
FORMATS = ".csv, .csv.gz, .h5, .hdf5, .hf5, and names that end in ubyte or ubyte.gz (idx)"


@dataclass(frozen=True)
class UserFile:
    """A file: its format, the names of its columns (none of idx files), the shape of an entry."""

    path: Path
    format: str  # csv, hdf5 or idx
    columns: tuple[str, ...]
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None
    key: str = "data"

    def count(self, columns: Sequence[str]) -> int:
        """Return the number of entries; the first of ``columns`` of a csv file is read for it."""
        if self.format == "csv":
            return sum(len(piece) for piece in read_columns(self.path, self.names, columns[:1]))
        if self.format == "idx":
            return idx_shape(self.path)[0]
        with open_frame(self.path, self.key) as frame:
            return frame.rows

    def read(self, columns: Sequence[str]) -> Iterator[np.ndarray]:
        """Yield the entries in pieces: of tables float64 (n, columns), ordered as ``columns``; of idx uint8 (n, ...).

        Raises:
            UserError: no such column, what is not a finite number, a damaged or truncated file.
        """
        if self.format == "idx":
            yield from read_idx(self.path)
            return
        check_columns(self.path, columns, self.columns)
        if self.format == "csv":
            yield from read_columns(self.path, self.names, columns)
            return
        chosen = [self.columns.index(name) for name in columns]
        with open_frame(self.path, self.key) as frame:
            rows = max(1, _VALUES // frame.columns)
            for start in range(0, frame.rows, rows):
                yield _finite(frame.read(start, start + rows)[:, chosen], self, columns, start)

    def read_events(self, columns: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
        """Yield columns of a table in pieces, by name, (n,) each, whole numbers with all their digits.

        Raises:
            UserError: no such column, what is not a number, a damaged file.
        """
        if self.format == "csv":
            yield from read_whole(self.path, self.names, columns)
            return
        with open_frame(self.path, self.key) as frame:
            rows = max(1, _VALUES // len(columns))
            for start in range(0, frame.rows, rows):
                yield {name: frame.column(name, start, start + rows) for name in columns}


def _finite(values: np.ndarray, file: UserFile, columns: Sequence[str], first: int) -> np.ndarray:
    wrong = np.argwhere(~(np.abs(values) <= LARGEST))
    if len(wrong):
        row, column = wrong[0]
        raise UserError(
            f"{file.path}: row {first + row}: {columns[column]} is {values[row, column]}, expected a finite number; "
            "repair the file"
        )
    return values


def open_file(path: str | Path, names: Sequence[str] | None = None, key: str = "data") -> UserFile:
    """Return what a file is, from its name and its beginning.

    Args:
        path: the file.
        names: of the columns of a csv that has no line of names.
        key: of the frame in an HDF5 file.

    Raises:
        UserError: an unknown ending, or a file that cannot be read.
    """
    path = Path(path)
    name = path.name.lower()
    if name.endswith(("ubyte", "ubyte.gz")):
        return UserFile(path, "idx", (), idx_shape(path)[1:])
    if name.endswith((".csv", ".csv.gz")):
        columns = column_names(path, names)
        return UserFile(path, "csv", columns, (len(columns),), None if names is None else tuple(names))
    if name.endswith(_HDF5):
        with open_frame(path, key) as frame:
            columns = frame.names or tuple(f"x{i}" for i in range(frame.columns))
        return UserFile(path, "hdf5", columns, (len(columns),), key=key)
    raise UserError(f"{path}: unknown ending, expected {FORMATS}; rename or convert the file")
