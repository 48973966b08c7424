"""What the project's own HDF5 files hold: one schema for each kind, checked whenever a file is read.

Names, types, shapes and attributes are checked when a file is opened, values when a block is read. A group is a split
(or ``all`` of raw jets), in predictions a dataset that was tested on.
"""

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples.seals import read_text

# Attributes of the root, and how many classes, bins or numbers a label may name.
About = Mapping[str, Any]
_AGAIN, _PREDICT = "make the file again", "predict again"
_SUM = 1e-6  # how far probabilities may be from adding up to 1


@dataclass(frozen=True)
class Column:
    """A dataset: ``kinds`` of its type as numpy calls them, names of the axes of one entry, and which values are wrong.

    ``axes`` may be "shape": those of the root's attribute of that name; axes of one name have one length. ``wrong`` is
    given the values and what is known of the file and returns bool of their shape, or (n,).
    """

    kinds: str
    axes: tuple[str, ...] | str = ()
    wrong: Callable[[np.ndarray, About], np.ndarray] = lambda values, about: ~np.isfinite(values)
    expected: str = "a finite number"
    ragged: bool = False
    optional: bool = False


def _outside(values: np.ndarray, about: About) -> np.ndarray:
    return (values < 0) | (values >= about.get("outputs", math.inf))


def _no_pixel(values: np.ndarray, about: About) -> np.ndarray:
    return (values < 0) | (values >= (math.prod(map(int, about["shape"])) if "shape" in about else math.inf))


def _no_probabilities(values: np.ndarray, about: About) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return ~((values >= 0) & (values <= 1)).all(axis=1) | ~(np.abs(values.sum(axis=1) - 1) <= _SUM)


_ANY = Column("i", wrong=lambda values, about: np.zeros(len(values), bool))
_LABEL = Column("iu", wrong=_outside, expected="the number of a class or bin, from 0 to {last}")
_NUMBER = Column("f")
_COUNT = Column("iu", wrong=lambda values, about: values < 0, expected="a whole number from 0")


def _columns(**columns: Column) -> dict[str, Column]:
    return {"event": _ANY} | columns


def _optional(column: Column) -> Column:
    return Column(**vars(column) | {"optional": True})


def _per_entry(axis: str, **other: Any) -> Column:
    return Column("f", (axis,), optional=True, **other)


_JETS = _columns(label=_LABEL, constituents=Column("f", ("components",), ragged=True), jet=_per_entry("components"))
_FEATURES = Column("f", "shape")
_PROBLEMS = _columns(features=_FEATURES, label=_optional(_LABEL), target=_optional(_NUMBER))
_STEPS = Column(_COUNT.kinds, ("steps",), _COUNT.wrong, _COUNT.expected, optional=True)

SCHEMAS: dict[str, dict[str, Column]] = {
    "jets-raw": _JETS,
    "jets": _JETS,
    "jet-image": _columns(
        label=_LABEL,
        pixel=Column("iu", (), _no_pixel, "a pixel of the image", ragged=True),
        value=Column("f", ragged=True),
    ),
    "jet-observables": _columns(label=_LABEL, features=_FEATURES),
    "pulses": _columns(
        label=_LABEL,
        waveform=_FEATURES,
        time=_optional(_NUMBER),
        amplitude=_per_entry("traces"),
        pulses=Column(_COUNT.kinds, ("traces",), _COUNT.wrong, _COUNT.expected, optional=True),
    ),
    "spectra": _columns(counts=_FEATURES, flux=_per_entry("lines")),
    "problems": _PROBLEMS,
    "problem-columns": _PROBLEMS,
    "predictions": _columns(
        label=_optional(_LABEL),
        target=_optional(_NUMBER),
        probability=_per_entry("classes", wrong=_no_probabilities, expected="numbers from 0 to 1 that add up to 1"),
        score=_optional(_NUMBER),
        prediction=_optional(_NUMBER),
        latent=_per_entry("latent"),
        latent_sigma=_per_entry(
            "latent", wrong=lambda values, about: ~((values > 0) & np.isfinite(values)), expected="a number above 0"
        ),
        reconstruction=_per_entry("bins"),
        generated=_per_entry("generated bins"),
        **{"return": _optional(_NUMBER)},
        level=_STEPS,
        accepted=_STEPS,
    ),
}
# What predictions of a task's networks hold; those of other people's scores have no task.
_OF_TASK = {
    "classification": ("label", "probability"),
    "localisation": ("label", "probability"),
    "regression": ("target", "prediction"),
    "reconstruction": ("latent", "reconstruction"),
    "variational": ("latent", "latent_sigma", "reconstruction", "generated"),
    "adversarial": ("generated",),
    "control": ("return", "level", "accepted"),
}


def check_structure(handle: h5py.File, path: Path) -> None:
    """Refuse a file whose names, types, shapes or attributes are not those of its kind.

    Raises:
        UserError: the first thing that is not.
    """
    kind = read_text(handle.attrs["kind"])
    if kind not in SCHEMAS:
        return
    again, lengths = _again(kind), {}
    _check_attributes(handle, path)
    shape = tuple(int(n) for n in handle.attrs["shape"]) if "shape" in handle.attrs else None
    needed = _needed(handle, kind)
    for place, group in handle.items():
        if not isinstance(group, h5py.Group):
            raise UserError(f"{path}: {place} is a dataset, expected a group; {again}")
        missing = [name for name in needed if name not in group]
        if missing:
            found = ", ".join(group) or "nothing"
            raise UserError(f"{path}: no dataset {place}/{missing[0]}, found {found}; {again}")
        ragged = any(column.ragged for column in SCHEMAS[kind].values())
        for name, item in group.items():
            column = SCHEMAS[kind].get(name) if name != "offsets" or not ragged else _ANY
            where = f"{path}: {place}/{name}"
            if column is None or not isinstance(item, h5py.Dataset):
                raise UserError(f"{where} does not belong in a file of kind {kind!r}; {again}")
            if item.dtype.kind not in column.kinds or (column is _ANY and item.dtype.itemsize != 8):
                raise UserError(f"{where} has type {item.dtype}, expected {_WORDS[column.kinds]}; {again}")
            if bool(item.attrs.get("ragged", False)) != column.ragged:
                raise UserError(f"{where} is {'not ' * column.ragged}of parts of entries; {again}")
            _check_shape(item.shape[1:], column, name, shape, lengths, where, again)


_WORDS = {"i": "int64", "iu": "whole numbers", "f": "real numbers"}


def _needed(handle: h5py.File, kind: str) -> Collection[str]:
    needed = [name for name, column in SCHEMAS[kind].items() if not column.optional]
    if any(column.ragged for column in SCHEMAS[kind].values()):
        needed.append("offsets")
    spec = json.loads(read_text(handle.attrs["spec"])) if kind == "predictions" and "spec" in handle.attrs else {}
    return [*needed, *_OF_TASK.get(spec.get("task"), ())]


def _check_shape(
    found: tuple[int, ...],
    column: Column,
    name: str,
    shape: tuple[int, ...] | None,
    lengths: dict[str, int],
    where: str,
    again: str,
) -> None:
    if column.axes == "shape":
        shape = lengths.setdefault(name, found) if shape is None else shape
        if found != shape:
            raise UserError(f"{where}: entries have shape {found}, expected {shape}; {again}")
        return
    expected = tuple(lengths.setdefault(axis, size) for axis, size in zip(column.axes, found, strict=False))
    if len(found) != len(column.axes) or found != expected:
        expected = expected if len(found) == len(column.axes) else f"({', '.join(column.axes)})"
        raise UserError(f"{where}: entries have shape {found}, expected {expected}; {again}")


def _check_attributes(handle: h5py.File, path: Path) -> None:
    for name, kind in {"shape": "whole numbers", "outputs": "a whole number", "dataset": "JSON"}.items():
        if name not in handle.attrs:
            continue
        value = read_text(handle.attrs[name])
        if name == "dataset":
            right = isinstance(value, str) and isinstance(json.loads(value), dict)
        else:
            array, least = np.asarray(value), int(name == "shape")
            right = array.dtype.kind in "iu" and array.ndim == least and bool((array >= least).all())
        if not right:
            raise UserError(f"{path}: the attribute {name!r} is {value!r:.60}, expected {kind}; {_AGAIN}")


def check_values(
    handle: h5py.File,
    place: str,
    arrays: Mapping[str, np.ndarray],
    offsets: np.ndarray | None,
    path: str | Path,
    start: int = 0,
) -> None:
    """Refuse entries with values that the schema of the file's kind does not allow.

    Args:
        handle: the file.
        place: name of the group.
        arrays: some of its datasets, the same entries of each; of ragged ones the rows of these entries.
        offsets: of the ragged ones, from the file's; None without such.
        path: for messages.
        start: number of the first entry.

    Raises:
        UserError: the first wrong value of a dataset.
    """
    kind = read_text(handle.attrs["kind"])
    schema, again = SCHEMAS.get(kind, {}), _again(kind)
    where = f"{path}: {'' if kind == 'predictions' else 'split '}{place!r}"
    if offsets is not None and ((np.diff(offsets) < 0).any() or offsets[0] < 0 or (start == 0 and offsets[0] != 0)):
        raise UserError(f"{where}: offsets do not rise from 0; {again}")
    about = dict(handle.attrs) | _outputs(kind, arrays)
    for name, values in arrays.items():
        if name not in schema or not len(values):
            continue
        wrong = schema[name].wrong(values, about)
        if wrong.any():
            row = tuple(int(i) for i in np.argwhere(wrong)[0])
            entry = int(np.searchsorted(offsets, offsets[0] + row[0], "right")) - 1 if schema[name].ragged else row[0]
            found = np.array2string(np.asarray(values[row]), threshold=4, precision=6)
            expected = schema[name].expected.format(last=int(about["outputs"]) - 1 if "outputs" in about else "...")
            raise UserError(f"{where}: entry {start + entry}: {name} is {found}, expected {expected}; {again}")
    if "pixel" in arrays and len(arrays["pixel"]) > 1 and kind == "jet-image":
        first = np.zeros(len(arrays["pixel"]) + 1, bool)
        first[offsets - offsets[0]] = True
        twice = np.flatnonzero((np.diff(arrays["pixel"]) <= 0) & ~first[1:-1])
        if len(twice):
            entry = int(np.searchsorted(offsets, offsets[0] + twice[0], "right")) - 1
            raise UserError(f"{where}: entry {start + entry}: pixels do not rise; {again}")


def _outputs(kind: str, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return how many classes a label may name, where the attribute of that name does not say it."""
    if kind in ("jets", "jets-raw"):
        return {"outputs": 2}
    return {"outputs": arrays["probability"].shape[1]} if "probability" in arrays else {}


def _again(kind: str) -> str:
    return _PREDICT if kind == "predictions" else _AGAIN
