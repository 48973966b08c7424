"""Readers of other people's labels and scores: npz, csv and HDF5, each error in one line."""

import csv
from collections.abc import Callable, Collection
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - importing it lets h5py read blosc-compressed files
import numpy as np

from jetpulse.config.scores import ScoreColumns
from jetpulse.errors import UserError, cannot_open, first_line
from jetpulse.evaluation.predictions import Arrays, read_predictions
from jetpulse.samples import event_ids, kind_of, open_hdf5, read_npz
from jetpulse.samples.archives import DAMAGED

_AGAIN = "fetch or make it again"
_SCORES = ("score", "probability")  # names that are looked for if the config has none
# role (label, score, event) -> names of its columns, for the names that a file has
_Chosen = dict[str, list[str]]
_Choose = Callable[[Collection[str]], _Chosen]


def read_score_file(path: Path, columns: ScoreColumns, dataset: str) -> Arrays:
    """Return what a file says about its entries.

    Args:
        path: .npz, .csv, .h5 or .hdf5; a predictions.h5 of this project is read where it is about ``dataset``.
        columns: which columns or arrays are read.
        dataset: the dataset that was scored.

    Returns:
        ``label`` int8 (n,), 0 and 1; ``score`` float64 (n,), or (n, 2) for background and signal, finite; if the file
        has it ``event`` int64 (n,).

    Raises:
        UserError: missing, damaged, of another format, lacking a column, without entries, or holding other values.
    """
    readers = {".npz": _read_npz, ".csv": _read_csv, ".h5": _read_hdf5, ".hdf5": _read_hdf5}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise UserError(f"{path}: has the ending {suffix!r}, expected {', '.join(readers)}; convert the file")
    found = readers[suffix](path, lambda names: _choose(names, columns, path), dataset)
    arrays = {role: _joined(parts, role, path) for role, parts in found.items() if role != "event"}
    if "event" in found:
        named = dict(zip(columns.events(), found["event"], strict=True))
        _check_lengths(arrays | named, path)
        arrays["event"] = event_ids(named, path, np.arange(len(arrays["label"])))
    _check_lengths(arrays, path)
    return {role: _checked(values, role, path) for role, values in arrays.items()}


def _choose(found: Collection[str], columns: ScoreColumns, path: Path) -> _Chosen:
    """Return the names of the columns to read, all of which are there."""
    score = columns.score or [next((name for name in _SCORES if name in found), _SCORES[0])]
    chosen = {"label": [columns.label], "score": score}
    if columns.event != ScoreColumns().event or columns.event in found:
        chosen |= {"event": columns.events()} if columns.event is not None else {}
    missing = [(role, name) for role, names in chosen.items() for name in names if name not in found]
    if missing:
        role, name = missing[0]
        known = ", ".join(found) or "nothing"
        raise UserError(f"{path}: no {role} {name!r}, found {known}; name it by `scores.{role}` in the config")
    return chosen


Parts = dict[str, list[np.ndarray]]


def _read_npz(path: Path, choose: _Choose, dataset: str) -> Parts:
    chosen: _Chosen = {}

    def wanted(found: Collection[str]) -> list[str]:
        chosen.update(choose(found))
        return [name for names in chosen.values() for name in names]

    arrays = read_npz(path, wanted)
    return {role: [arrays[name] for name in names] for role, names in chosen.items()}


def _read_hdf5(path: Path, choose: _Choose, dataset: str) -> Parts:
    with open_hdf5(path) as handle:
        if kind_of(handle) == "predictions":
            arrays = _predicted(path, dataset)
            return {role: [arrays[name] for name in names] for role, names in choose(arrays).items()}
        try:
            parts: Parts = {}
            for role, names in choose(handle).items():
                items = [handle[name] for name in names]
                if not all(isinstance(item, h5py.Dataset) and item.shape is not None for item in items):
                    raise UserError(f"{path}: {role} {', '.join(names)} is a group or empty, expected a plain dataset")
                parts[role] = [np.asarray(item[()]) for item in items]
            return parts
        except (*DAMAGED, ValueError) as error:
            raise UserError(f"{path}: cannot be read as HDF5 ({first_line(error)}); {_AGAIN}") from error


def _predicted(path: Path, dataset: str) -> Arrays:
    """Return what a predictions.h5 says about a dataset, under whatever name if there is only one."""
    found = read_predictions(path)
    name = dataset if dataset in found else next(iter(found))
    if name != dataset and len(found) > 1:
        known = ", ".join(found)
        raise UserError(f"{path}: holds no predictions for {dataset!r}, found {known}; check the experiment's dataset")
    return found[name]


def _read_csv(path: Path, choose: _Choose, dataset: str) -> Parts:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True, skipinitialspace=True)
            header = [name.strip() for name in next(lines, [])]
            _check_header(header, path)
            chosen = choose(header)
            wanted = [(role, header.index(name)) for role, names in chosen.items() for name in names]
            values: list[list[float]] = [[] for _ in wanted]
            for row in lines:
                if row and len(row) != len(header):
                    where = f"{path}: line {lines.line_num}"
                    raise UserError(f"{where}: {len(row)} values, expected {len(header)} as in the first line")
                for (role, i), column in zip(wanted, values, strict=True) if row else ():
                    column.append(_number(row[i], role, f"{path}: line {lines.line_num}"))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise cannot_open(path, error, "a file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({first_line(error)}); save it as UTF-8") from error
    except csv.Error as error:
        raise UserError(f"{path}: not valid csv ({first_line(error)}); {_AGAIN}") from error
    parts: Parts = {role: [] for role in chosen}
    for (role, _), column in zip(wanted, values, strict=True):
        parts[role].append(np.array(column, np.int64 if role == "event" else np.float64))
    return parts


def _check_header(header: list[str], path: Path) -> None:
    if not header:
        raise UserError(f"{path}: the file is empty, expected a line of column names; {_AGAIN}")
    other = next((sign for sign in ";\t| " if sign in header[0]), None)
    if len(header) == 1 and other:
        raise UserError(f"{path}: columns are separated by {other!r}, expected commas; convert the file")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{path}: two columns are called {twice!r}; rename one")


def _number(text: str, role: str, where: str) -> float:
    """Return a cell's number; event ids are whole and too long for a float."""
    try:
        value = int(text) if role == "event" else float(text)
    except ValueError as error:
        expected = "a whole number" if role == "event" else "a number"
        raise UserError(f"{where}: {role} is {text[:40]!r}, expected {expected}") from error
    if role == "event" and not -(2**63) <= value < 2**64:
        raise UserError(f"{where}: event {text[:40]} does not fit 64 bits; use smaller ids")
    return value - 2**64 if value >= 2**63 and role == "event" else value  # as event_ids does


def _joined(parts: list[np.ndarray], role: str, path: Path) -> np.ndarray:
    """Return a role's array, two columns side by side."""
    if len(parts) == 1:
        column = parts[0]
        return column[:, 0] if role == "score" and column.shape[1:] == (1,) else column
    shapes = [part.shape for part in parts]
    if shapes[0] != shapes[1] or len(shapes[0]) != 1:
        raise UserError(f"{path}: the two columns of the score have shapes {shapes[0]} and {shapes[1]}, expected (n,)")
    return np.stack(parts, axis=1)


def _check_lengths(arrays: Arrays, path: Path) -> None:
    for role, values in arrays.items():
        if values.ndim != 1 and not (role == "score" and values.shape[1:] == (2,)):
            expected = "(n,) or (n, 2)" if role == "score" else "(n,)"
            raise UserError(f"{path}: {role} has shape {values.shape}, expected {expected}")
    n = len(arrays["label"])
    for role, values in arrays.items():
        if len(values) != n:
            raise UserError(f"{path}: {n} labels but {len(values)} {role}s; there must be one for each entry")
    if n == 0:
        raise UserError(f"{path}: has no entries")


def _checked(values: np.ndarray, role: str, path: Path) -> np.ndarray:
    """Return values of the right type, or refuse them."""
    if values.dtype.kind not in "biuf":
        raise UserError(f"{path}: {role} has type {values.dtype}, expected real numbers; convert it")
    if role == "event":
        return values
    if role == "label":
        _refuse((values != 0) & (values != 1), values, path, "label", "0 (background) or 1 (signal)")
        return values.astype(np.int8)
    with np.errstate(over="ignore", invalid="ignore"):
        scores = values.astype(np.float64)
    wrong = ~np.isfinite(scores)
    _refuse(wrong.any(axis=1) if wrong.ndim == 2 else wrong, values, path, "score", "a finite number")
    return scores


def _refuse(wrong: np.ndarray, values: np.ndarray, path: Path, role: str, expected: str) -> None:
    """Refuse values by the first that is wrong."""
    if wrong.any():
        first = int(wrong.argmax())
        raise UserError(f"{path}: entry {first}: {role} is {values[first]}, expected {expected}")
