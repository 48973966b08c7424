"""Tables as csv, plain or gzipped, read in pieces; mistakes are named with their line."""

import csv
import difflib
import gzip
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from jetpulse.errors import UserError, cannot_open, first_line
from jetpulse.open_files import too_many_open

LARGEST = float(np.finfo(np.float32).max)  # of what a sample can hold
_PIECE = 8 << 20  # bytes of text at once
_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)
_TRUTHS = ("true", "false")
_SHOWN = 40  # letters of a wrong value


def column_names(path: Path, names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of a csv file's columns: those of its first line, or ``names`` where it has no such line.

    Raises:
        UserError: unreadable, no lines, a name twice or empty, or another number of columns than ``names``.
    """
    _, first = next(_numbered(path), (0, []))
    if not first:
        raise UserError(f"{path}: the file is empty, expected a table with commas; fetch or make it again")
    found = [cell.strip() for cell in first]
    if names is not None and len(names) != len(found):
        raise UserError(f"{path}: line 1 has {len(found)} values, `names` has {len(names)} names; give one for each")
    chosen = found if names is None else list(names)
    wrong = next((name for name in chosen if chosen.count(name) > 1 or not name or "," in name), None)
    if wrong is not None:
        raise UserError(
            f"{path}: column name {wrong[:_SHOWN]!r} is empty, given twice or has a comma; rename that column"
        )
    if len(found) == 1 and any(sign in found[0] for sign in ";\t|"):
        raise UserError(f"{path}: line 1 is {found[0][:_SHOWN]!r}; columns must be separated by commas")
    if names is None and all(_is_number(cell) for cell in found):
        raise UserError(f"{path}: line 1 has no names, only numbers; say by `names` what the columns are called")
    return tuple(chosen)


def check_columns(path: Path, wanted: Sequence[str], found: Collection[str]) -> None:
    """Refuse columns that are not there.

    Raises:
        UserError: names the first one, and the nearest that is there.
    """
    for name in wanted:
        if name not in found:
            near = difflib.get_close_matches(name, found, 1, 0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(f"{path}: no column {name!r}; {hint}there are: {', '.join(found) or 'none with names'}")


def read_columns(path: Path, names: Sequence[str] | None, wanted: Sequence[str]) -> Iterator[np.ndarray]:
    """Yield some columns of a csv file in pieces, float64 (n, columns), as ``wanted`` names and orders them.

    Columns of True and False, by their first row, are 1 and 0.

    Args:
        path: the file; one that ends in .gz is unpacked on the way.
        names: of all columns, where the first line does not have them.
        wanted: columns that are there.

    Raises:
        UserError: what is not a finite number, lines of another length, a damaged or truncated file.
    """
    header, rows = column_names(path, names), 0
    lines = _numbered(path)
    _, first = next(lines) if names is not None else (next(lines), next(lines, (0, [])))[1]
    truths = {name for name, cell in zip(header, first, strict=False) if cell.strip().lower() in _TRUTHS}
    kinds = {name: pa.bool_() if name in truths else pa.float64() for name in wanted}
    for columns in _batches(path, names, wanted, kinds):
        values = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
        if not (np.abs(values) <= LARGEST).all():
            raise _fault(path, header, wanted, "a value is not a number within float32")
        rows += len(values)
        yield values
    if rows == 0:
        raise UserError(f"{path}: has no rows below its names; fetch or make it again")


def read_whole(path: Path, names: Sequence[str] | None, wanted: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """Yield some columns of a csv file in pieces, by name, (n,) each: int64 or uint64, float64 where there are others.

    Arguments are those of ``read_columns``.

    Raises:
        UserError: what is not a number, lines of another length, a damaged or truncated file.
    """
    rows = 0
    for columns in _batches(path, names, wanted, dict.fromkeys(wanted, pa.string())):
        yield {
            name: _numbers(pa.compute.utf8_trim_whitespace(column), name, path, rows)
            for name, column in zip(wanted, columns, strict=True)
        }
        rows += len(columns[0])


def _numbers(texts: pa.Array, name: str, path: Path, first: int) -> np.ndarray:
    for kind in (pa.int64(), pa.uint64(), pa.float64()):
        try:
            return texts.cast(kind).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            continue
    row, text = next(
        ((i, text) for i, text in enumerate(texts.to_pylist()) if not _is_number(text)), (0, str(texts[0]))
    )
    raise UserError(
        f"{path}: row {first + row}: {name} is {text[:_SHOWN]!r}, which names an event, expected a whole number; "
        "repair the file or choose other columns by `event`"
    )


def _batches(
    path: Path, names: Sequence[str] | None, wanted: Sequence[str], kinds: Mapping[str, pa.DataType]
) -> Iterator[list[pa.Array]]:
    """Yield some columns of a csv file in pieces, of these types by name, as ``wanted`` orders them.

    Raises:
        UserError: what is not of its type, lines of another length, a damaged or truncated file.
    """
    header = column_names(path, names)
    # Lines up to that of the names; a file without such a line is read from its beginning.
    above = next(_numbered(path))[0] if names is None else 0
    options = {
        "read_options": pa.csv.ReadOptions(use_threads=False, block_size=_PIECE, column_names=header, skip_rows=above),
        "convert_options": pa.csv.ConvertOptions(
            column_types=dict(kinds),
            include_columns=list(wanted),
            null_values=[],
            true_values=_spelt("true"),
            false_values=_spelt("false"),
        ),
    }
    try:
        with (
            pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as raw,
            pa.csv.open_csv(raw, **options) as reader,
        ):
            for batch in reader:
                yield batch.columns
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        if words := too_many_open(error):
            raise UserError(f"{path}: {words}") from error
        truths = [name for name, kind in kinds.items() if kind == pa.bool_()]
        raise _fault(path, header, wanted, first_line(error), truths) from error


def _spelt(word: str) -> list[str]:
    """Return the spellings of a word that are the same to us."""
    forms = (word, word.title(), word.upper())
    return [f"{before}{form}{after}" for form in forms for before in ("", " ") for after in ("", " ")]


def _numbered(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a csv file that have something in them: number, from 1, and text."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            for row in lines:
                if row:
                    yield lines.line_num, row
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise cannot_open(path, error, "a table with commas") from error
    except _GZIP as error:
        raise UserError(f"{path}: damaged or truncated ({first_line(error)}); fetch or make it again") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({first_line(error)}); save it as UTF-8") from error
    except csv.Error as error:
        raise UserError(f"{path}: not a table with commas ({first_line(error)}); fetch or make it again") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _fault(
    path: Path, header: Sequence[str], wanted: Sequence[str], reason: str, truths: Collection[str] = ()
) -> UserError:
    """Return the error for the first line of a file that is wrong, which is read anew to find it."""
    try:
        for number, (line, row) in enumerate(_numbered(path)):
            if len(row) != len(header):
                return UserError(
                    f"{path}: line {line}: {len(row)} values, expected {len(header)} as in the others; repair the line"
                )
            if number == 0 and all(cell.strip() == name for cell, name in zip(row, header, strict=True)):
                continue
            for name in wanted:
                text = row[header.index(name)].strip()
                if name in truths:
                    if text.lower() not in _TRUTHS:
                        return UserError(
                            f"{path}: line {line}: {name} is {text[:_SHOWN]!r}, expected True or False as in its first "
                            "line; repair the line or leave the column out by `columns`"
                        )
                    continue
                if not _is_number(text) or not abs(float(text)) <= LARGEST:
                    found = "missing" if not text else repr(text[:_SHOWN])
                    return UserError(
                        f"{path}: line {line}: {name} is {found}, expected a finite number; repair the line or leave "
                        "the column out by `columns`"
                    )
    except UserError as error:
        return error
    return UserError(f"{path}: cannot be read as a table with commas ({reason}); fetch or make it again")
