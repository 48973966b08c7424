"""Event ids: columns of the user's files that say which entries belong together, or the file's content and the row.

An id is int64. Of one column of whole numbers it is the number itself; of several it is their hash; and where a file
has no such column, every row is an event, whose id is 31 bits of the SHA-256 of the file's content << 32 | row. So an
id depends neither on a file's name nor on the others that are read with it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jetpulse.contents import hash_file
from jetpulse.errors import UserError
from jetpulse.samples.splits import mix

ROW_BITS = 32
_PREFIX_BITS = 31


def row_of(event: int) -> int:
    """Return the row within its file from the id of an event that is a row."""
    return int(event) & ((1 << ROW_BITS) - 1)


def row_ids(prefix: int, rows: np.ndarray) -> np.ndarray:
    """Return the ids int64 (n) of the rows (n) of a file whose content has this prefix."""
    return (prefix << ROW_BITS) + rows.astype(np.int64)


def event_ids(columns: Mapping[str, np.ndarray], path: str | Path, rows: np.ndarray) -> np.ndarray:
    """Return the ids int64 (n) of the events that columns of whole numbers name.

    Args:
        columns: by name, (n) each; whole numbers of any type, floats too if they hold such. All 64 bits count: an
            unsigned number from 2^63 on becomes the negative one of the same bits.
        path: of their file, for messages.
        rows: (n) of the entries in the file, for messages.

    Raises:
        UserError: what is not a whole number, or a float too large to tell it from its neighbours.
    """
    words = [_whole(values, name, path, rows) for name, values in columns.items()]
    if len(words) == 1:
        return words[0]
    state = np.full(len(rows), len(words), np.uint64)
    for word in words:
        state = mix(state ^ word.view(np.uint64))
    return (state >> np.uint64(1)).view(np.int64)


def _whole(values: np.ndarray, name: str, path: str | Path, rows: np.ndarray) -> np.ndarray:
    """Return a column as int64 (n)."""
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise UserError(
            f"{path}: {name!r} is {values.dtype} of shape {values.shape}, expected one whole number for each entry to "
            "name its event by; choose other columns, or none, by `event`"
        )
    if values.dtype.kind == "f":
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero(~(np.abs(values) < exact) | (values != np.floor(values)))
        if len(wrong):
            value = values[wrong[0]]
            whole = np.isfinite(value) and value == np.floor(value)
            expected = f"less than {exact:.0f}, where {values.dtype} begins to round" if whole else "a whole number"
            raise UserError(
                f"{path}: event {rows[wrong[0]]}: {name} is {value}, which names an event, expected {expected}; "
                "repair the file or choose other columns, or none, by `event`"
            )
    if values.dtype == np.uint64:
        return values.view(np.int64)
    return values.astype(np.int64)


class FileContents:
    """What the files of a dataset are by their content: prefixes of event ids; and that no file is named twice."""

    def __init__(self, files: Sequence[tuple[str, str]], keep: bool = False) -> None:
        """Refuse files of equal content.

        Args:
            files: (path, split or "" for files that `split` assigns) of every file.
            keep: whether one content may be in two splits.

        Raises:
            UserError: names both files.
        """
        self._digests: dict[str, bytes] = {}
        self._prefixes: dict[int, str] = {}
        by_size: dict[int, list[tuple[str, str]]] = {}
        for path, split in files:
            if Path(path).is_file():  # what is wrong with others is said where they are read
                by_size.setdefault(Path(path).stat().st_size, []).append((path, split))
        for alike in by_size.values():
            seen: dict[tuple[bytes, str], str] = {}
            for path, split in alike if len(alike) > 1 else ():
                digest = self._digest(path)
                other = next((name for key, name in seen.items() if key[0] == digest and not keep), None)
                other = seen.get((digest, split), other)
                if other is not None:
                    twice = "is named twice" if other == path else f"holds the very same bytes as {other}"
                    raise UserError(f"{path}: {twice}; name one of them, once")
                seen[digest, split] = path

    def prefix(self, path: str) -> int:
        """Return the prefix of the ids of a file's rows.

        Raises:
            UserError: another content has the same prefix (of a thousand files with a probability of 0.0002).
        """
        found = int.from_bytes(self._digest(path)[:4], "big") >> (32 - _PREFIX_BITS)
        other = self._prefixes.setdefault(found, path)
        if self._digest(other) != self._digest(path):
            raise UserError(
                f"{path}: its events would get the ids of those of {other} (both SHA-256 begin with the same 31 bits); "
                "write one of the files anew, or name the columns of an event by `event`"
            )
        return found

    def _digest(self, path: str) -> bytes:
        if path not in self._digests:
            self._digests[path] = bytes.fromhex(hash_file(path))
        return self._digests[path]


def describe_events(named: Mapping[str, Sequence[str]], whole: bool = False) -> list[str]:
    """Return lines that say what an event is, from the columns (none: every row) that name it, by file.

    Rows are events by themselves where they are ``whole``, whatever is in them.
    """
    lines = []
    for names in dict.fromkeys(map(tuple, named.values())):
        files = [path for path, columns in named.items() if tuple(columns) == names]
        where = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
        if names:
            lines.append(f"{where}: entries of equal {', '.join(names)} are one event")
        elif whole:
            lines.append(f"{where}: each entry of the tree is an event")
        else:
            lines.append(f"{where}: each row is taken for an event; columns that tell otherwise are named by `event`")
    return lines
