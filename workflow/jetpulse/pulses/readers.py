"""Readers of the user's waveforms, streamed in blocks.

A file holds ``waveform`` (n, traces, samples), ``label`` (n), the bin of the coincident pulse, and, if it likes,
``event`` (n) or others that name an event. HDF5 is read block by block; an npz file is read whole, array by array.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from jetpulse.errors import UserError, reason
from jetpulse.pulses.checks import check_form, check_traces
from jetpulse.samples import Block, event_ids, open_hdf5, read_npz, row_ids

_NAMES = ("waveform", "label")
_SUFFIXES = (".h5", ".hdf5", ".npz")
_AGAIN = "fetch or make it again"
_Arrays = Mapping[str, np.ndarray | h5py.Dataset]


def measure_traces(path: str | Path) -> tuple[int, int, int]:
    """Return the shape (n, traces, samples) of a file.

    Raises:
        UserError: missing, damaged, of another format, or without the arrays named above.
    """
    with _open(path) as arrays:
        return arrays["waveform"].shape


def read_traces(
    path: str | Path,
    events: Sequence[str] | None = None,
    prefix: Callable[[], int] = lambda: 0,
    rows: int = 10_000,
    named: dict[str, tuple[str, ...]] | None = None,
) -> Iterator[Block]:
    """Yield a file's entries, ``rows`` at a time; one empty block if it has none.

    Args:
        path: the file.
        events: arrays that name an event; None: ``event`` if it is there, else each row is an event.
        prefix: gives what the ids of events that are rows begin with; 0 leaves the row alone.
        rows: entries read at once.
        named: the arrays that name an event are added to it, by path.

    Returns:
        Blocks of ``event`` int64 (n), ``row`` int64 (n) in the file, ``label`` int32 (n) and ``waveform`` float32
        (n, traces, samples).

    Raises:
        UserError: as ``measure_traces``; values that are not finite, labels that are not a bin, events that are not
            whole numbers.
    """
    with _open(path, events) as arrays:
        shape = arrays["waveform"].shape
        events = [name for name in arrays if name == "event"] if events is None else events
        if named is not None:
            named[str(path)] = tuple(events)
        for start in range(0, max(shape[0], 1), rows):
            try:
                part = {name: values[start : start + rows] for name, values in arrays.items()}
            except OSError as error:
                words = f"events from row {start} cannot be read ({reason(error)}); {_AGAIN}"
                raise UserError(f"{path}: {words}") from error
            check_traces(part["waveform"], part["label"], path, shape[1:], start)
            row = np.arange(start, start + len(part["label"]), dtype=np.int64)
            columns = {name: part[name] for name in events}
            yield Block(
                {
                    "event": event_ids(columns, path, row) if columns else row_ids(prefix(), row),
                    "row": row,
                    "label": part["label"].astype(np.int32),
                    "waveform": part["waveform"].astype(np.float32),
                }
            )


@contextmanager
def _open(path: str | Path, events: Sequence[str] | None = None) -> Iterator[_Arrays]:
    """Yield the arrays of a file by name, their form checked."""
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UserError(f"{path}: has the ending {suffix!r}, expected {', '.join(_SUFFIXES)}; convert the file")
    if suffix == ".npz":
        arrays = read_npz(path, partial(_chosen, events=events, path=path))
        _check_arrays(arrays, path)
        yield arrays
        return
    with open_hdf5(path) as handle:
        found = {name: item for name, item in handle.items() if isinstance(item, h5py.Dataset)}
        arrays = {name: found[name] for name in _chosen(found, events, path)}
        _check_arrays(arrays, path)
        yield arrays


def _chosen(found: Collection[str], events: Sequence[str] | None, path: str | Path) -> list[str]:
    _check_present(found, path)
    for name in events or ():
        if name not in found:
            raise UserError(f"{path}: no array {name!r}, found {', '.join(found)}; check `event` in the config")
    optional = ["event"] if events is None and "event" in found else events or []
    return list(dict.fromkeys([*_NAMES, *optional]))


def _check_present(found: Collection[str], path: str | Path) -> None:
    missing = [name for name in _NAMES if name not in found]
    if missing:
        raise UserError(
            f"{path}: lacks {' and '.join(missing)}, found {', '.join(found) or 'nothing'}; "
            "expected arrays waveform (n, traces, samples) and label (n)"
        )


def _check_arrays(arrays: _Arrays, path: str | Path) -> None:
    check_form(arrays["waveform"], arrays["label"], path)
    for name, values in arrays.items():
        if name not in _NAMES and values.shape != arrays["label"].shape:
            raise UserError(
                f"{path}: {name} has shape {values.shape}, expected {arrays['label'].shape}; check the file"
            )
