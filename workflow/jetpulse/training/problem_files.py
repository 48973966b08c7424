"""New entries for networks of small problems: a csv of named columns, pictures of digits, files of the project."""

import difflib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jetpulse.errors import UserError
from jetpulse.problems.pictures import as_digit, read_picture
from jetpulse.samples import Block
from jetpulse.samples.archives import cannot_open, first_line
from jetpulse.training.inputs import check_representation

Blocks = Iterator[tuple[Block, dict[str, Any]]]
TABLES, PICTURE = (".csv", ".csv.gz"), ".png"


def is_problem(description: Mapping[str, Any]) -> bool:
    """Return whether model.json describes a network of a small problem."""
    return description["representation"]["kind"] in ("problems", "problem-columns")


def is_foreign(file: Path) -> bool:
    """Return whether a file is a csv, a picture or a folder of such: none that this project wrote."""
    return file.is_dir() or file.name.lower().endswith((*TABLES, PICTURE))


def foreign_blocks(file: Path, description: Mapping[str, Any], rows: int) -> Blocks:
    """Yield the entries of a csv, of a PNG file or of those in a folder as a network of a problem reads them.

    Entries are numbered by ``event``. The attributes of pictures have their files' names as ``pictures``.

    Raises:
        UserError: unusable files, or another form of entries than the network reads.
    """
    wanted = description["representation"]
    attributes = {**wanted, "features": "features", "outputs": description["outputs"], "shape": description["shape"]}
    attributes |= {
        "dataset": json.dumps(description.get("dataset", {})),
        "columns": ", ".join(wanted.get("columns", [])),
    }
    if file.name.lower().endswith(TABLES):
        if "columns" not in wanted:
            raise UserError(f"{file}: holds columns, the model was trained on entries of shape {wanted['shape']}")
        for values, start in read_columns(file, wanted["columns"], rows):
            yield _block(values, start), attributes
        return
    if len(wanted.get("shape", ())) != 2:
        raise UserError(f"{file}: a picture, the model was trained on {', '.join(wanted.get('columns', ['numbers']))}")
    files = sorted(path for path in file.iterdir() if path.suffix.lower() == PICTURE) if file.is_dir() else [file]
    if not files:
        raise UserError(f"{file}: holds no files that end in {PICTURE}")
    for start in range(0, len(files), rows):
        chosen = files[start : start + rows]
        digits = [as_digit(read_picture(path), tuple(wanted["shape"]), str(path)) for path in chosen]
        yield _block(np.stack(digits), start), attributes | {"pictures": [path.name for path in chosen]}


def _block(features: np.ndarray, start: int) -> Block:
    return Block({"event": np.arange(start, start + len(features), dtype=np.int64), "features": features})


def as_trained(block: Block, attributes: dict[str, Any], wanted: Mapping[str, Any], file: Path) -> Block:
    """Return entries of a file of the project with the columns that a network was trained on.

    Args:
        block: entries of samples, or of a file that `build-columns` wrote.
        attributes: the file's.
        wanted: the representation that model.json describes.
        file: for messages.

    Raises:
        UserError: other entries than the network knows.
    """
    if attributes["kind"] != "problems" or wanted["kind"] != "problem-columns":
        check_representation(file, attributes, wanted)
        return block
    names = attributes["columns"].split(", ")
    places = [_place(name, names, file) for name in wanted["columns"]]
    return Block(block.entries | {"features": np.ascontiguousarray(block.entries["features"][:, places])})


def _place(name: str, names: Sequence[str], file: Path) -> int:
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"{file}: no column {name!r}, which the model was trained on; {hint}found {', '.join(names)}")
    return names.index(name)


def read_columns(file: Path, columns: Sequence[str], rows: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield named columns of a csv, float32 (n, columns), with the number of the first of these entries.

    The first line has the names; columns that are not asked for may hold anything.

    Raises:
        UserError: missing, no csv, lacking a column, or a cell that is no finite number.
    """
    read = {"header": None, "encoding": "utf-8-sig", "skipinitialspace": True, "index_col": False}
    try:
        with warnings.catch_warnings():
            # Lines of more cells than there are names.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            names = [name.strip() for name in pd.read_csv(file, nrows=1, dtype=str, na_filter=False, **read).iloc[0]]
            twice = next((name for name in columns if names.count(name) > 1), None)
            if twice is not None:
                raise UserError(f"{file}: two columns are called {twice!r}; rename one")
            places = [_place(name, names, file) for name in columns]
            start = 0
            with pd.read_csv(
                file, skiprows=1, names=range(len(names)), chunksize=rows, low_memory=False, **read
            ) as chunks:
                for chunk in chunks:
                    yield _numbers(chunk, places, columns, start, file), start
                    start += len(chunk)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise cannot_open(file, error, "a csv file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 text ({first_line(error)}); save it as UTF-8") from error
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{file}: holds no entries below a line of column names") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, OSError, EOFError) as error:
        raise UserError(f"{file}: not valid csv ({first_line(error)}); every line needs as many cells") from error


def _numbers(chunk: pd.DataFrame, places: Sequence[int], columns: Sequence[str], start: int, file: Path) -> np.ndarray:
    values = np.empty((len(chunk), len(places)), np.float32)
    for i, (place, name) in enumerate(zip(places, columns, strict=True)):
        cells = chunk[place]
        with np.errstate(over="ignore"):
            values[:, i] = pd.to_numeric(cells, errors="coerce")
        bad = np.flatnonzero(~np.isfinite(values[:, i]))
        if len(bad):
            found = "missing" if pd.isna(cells.iloc[bad[0]]) else repr(str(cells.iloc[bad[0]])[:40])
            raise UserError(f"{file}: entry {start + bad[0]}: {name} is {found}, expected a finite number")
    return values
