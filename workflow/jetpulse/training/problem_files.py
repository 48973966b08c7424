"""New entries for networks of small problems: a csv of named columns, pictures of digits, files of the project."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.problems.pictures import as_digit, read_picture
from jetpulse.problems.tables import check_columns, column_names, read_columns
from jetpulse.samples import Block
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

    Entries are numbered by ``event``. Pictures come in blocks of ``rows``, with their files' names as the attribute
    ``pictures``.

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
        check_columns(file, wanted["columns"], column_names(file, None))
        start = 0
        for values in read_columns(file, None, wanted["columns"]):
            yield _block(values.astype(np.float32), start), attributes
            start += len(values)
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
    check_columns(file, wanted["columns"], names)
    places = [names.index(name) for name in wanted["columns"]]
    return Block(block.entries | {"features": np.ascontiguousarray(block.entries["features"][:, places])})
