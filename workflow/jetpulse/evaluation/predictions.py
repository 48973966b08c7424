"""Reading predictions.h5, and the truth about its entries."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples import group_names, read_attributes, read_block

Arrays = dict[str, np.ndarray]


def read_predictions(path: Path) -> dict[str, Arrays]:
    """Return the arrays of every dataset in a predictions file: dataset -> name -> (n, ...).

    Raises:
        UserError: not a predictions file, without datasets, or damaged.
    """
    read_attributes(path, "predictions")
    names = group_names(path)
    if not names:
        raise UserError(f"{path}: holds no predictions; predict again")
    return {name: read_block(path, name).entries for name in names}


def read_predicted(path: Path, dataset: str) -> Arrays:
    """Return the arrays of one dataset in a predictions file.

    Raises:
        UserError: not a predictions file, damaged, or without that dataset.
    """
    predicted = read_predictions(path)
    if dataset not in predicted:
        raise UserError(f"{path}: was not tested on {dataset!r}, found {', '.join(predicted)}; predict again")
    return predicted[dataset]


def read_truth(
    samples: Path, kinds: str | Collection[str], predicted: Mapping[str, np.ndarray], where: str
) -> tuple[Arrays, dict[str, Any]]:
    """Return the entries of a sample's test split and its root attributes.

    Raises:
        UserError: not a sample of that kind or of one of those kinds, or its test split is not what was predicted.
    """
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    attributes = read_attributes(samples)
    if attributes["kind"] not in kinds:
        expected = " or ".join(map(repr, kinds))
        raise UserError(f"{samples}: is of kind {attributes['kind']!r}, expected {expected}; check the path")
    truth = read_block(samples, "test").entries
    check_events(predicted["event"], truth["event"], where, samples)
    return truth, attributes


def read_training(samples: Path, most: int) -> Arrays:
    """Return the first entries of a sample's training split, for measures that compare with it: names begin train/."""
    return {f"train/{name}": values for name, values in read_block(samples, "train", 0, most).entries.items()}


def check_events(found: np.ndarray, expected: np.ndarray, where: str, samples: Path) -> None:
    """Refuse predictions (``where``) whose event ids (n,) are not those of the test split of ``samples``, in its order.

    Several jets may share an id: entries are matched by their places, which must have the same ids.

    Raises:
        UserError: another number of entries, or the first one that differs.
    """
    if len(found) != len(expected):
        raise UserError(
            f"{where}: {len(found)} entries, the test split of {samples} has {len(expected)}; predict again"
        )
    other = np.flatnonzero(found != expected)
    if len(other):
        first = other[0]
        raise UserError(
            f"{where}: entry {first} is event {found[first]}, in the test split of {samples} it is event "
            f"{expected[first]}; predict again"
        )


def arrays_of(predicted: Mapping[str, np.ndarray], names: Sequence[str], where: str) -> list[np.ndarray]:
    """Return arrays (n, ...) of predictions by name; `jetpulse.samples.schemas` has checked their values.

    Raises:
        UserError: one is not there, as in predictions of another task, or there are no entries.
    """
    for name in names:
        if name not in predicted:
            raise UserError(f"{where}: lacks {name}, found {', '.join(predicted)}; check the task, or predict again")
    if not len(predicted[names[0]]):
        raise UserError(f"{where}: has no entries; the test split must not be empty")
    return [predicted[name] for name in names]


def check_truth(name: str, found: np.ndarray, truth: Mapping[str, np.ndarray], where: str) -> None:
    """Refuse predictions (``where``) whose ``found`` labels or targets (n,) are not those of the sample, if it has any.

    Raises:
        UserError: the first entry that differs.
    """
    other = np.flatnonzero(found != truth[name]) if name in truth else ()
    if len(other):
        i = other[0]
        raise UserError(f"{where}: entry {i}: {name} is {found[i]}, in the sample {truth[name][i]}; predict again")
