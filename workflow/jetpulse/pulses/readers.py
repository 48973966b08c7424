"""Readers of the user's waveforms, streamed in blocks.

A file holds ``waveform`` (n, traces, samples), ``label`` (n), the bin of the coincident pulse, and, if it likes,
``event`` (n), whole numbers. HDF5 is read block by block; an npz file is read whole, its arrays one by one.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from jetpulse.errors import UserError
from jetpulse.pulses.checks import check_form, check_traces
from jetpulse.samples import Block, open_hdf5, read_npz

_NAMES = ("waveform", "label", "event")  # the last is optional
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


def read_traces(path: str | Path, file_number: int = 0, rows: int = 10_000) -> Iterator[Block]:
    """Yield a file's entries, ``rows`` at a time; one empty block if it has none.

    Blocks hold ``event`` int64, the file's own or file number << 40 | row, ``label`` int32 and ``waveform`` float32
    (n, traces, samples).

    Raises:
        UserError: as ``measure_traces``; values that are not finite, labels that are not a bin.
    """
    with _open(path) as arrays:
        shape = arrays["waveform"].shape
        for start in range(0, max(shape[0], 1), rows):
            try:
                part = {name: values[start : start + rows] for name, values in arrays.items()}
            except OSError as error:
                reason = " ".join(str(error).split())
                raise UserError(f"{path}: events from row {start} cannot be read ({reason}); {_AGAIN}") from error
            check_traces(part["waveform"], part["label"], path, shape[1:], start)
            numbers = np.arange(start, start + len(part["label"]), dtype=np.int64) + (file_number << 40)
            yield Block(
                {
                    "event": part.get("event", numbers).astype(np.int64),
                    "label": part["label"].astype(np.int32),
                    "waveform": part["waveform"].astype(np.float32),
                }
            )


@contextmanager
def _open(path: str | Path) -> Iterator[_Arrays]:
    """Yield the arrays of a file by name, their form checked."""
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UserError(f"{path}: has the ending {suffix!r}, expected {', '.join(_SUFFIXES)}; convert the file")
    if suffix == ".npz":
        arrays = read_npz(path, partial(_chosen, path=path))
        _check_arrays(arrays, path)
        yield arrays
        return
    with open_hdf5(path) as handle:
        found = {name: item for name, item in handle.items() if isinstance(item, h5py.Dataset)}
        arrays = {name: found[name] for name in _chosen(found, path)}
        _check_arrays(arrays, path)
        yield arrays


def _chosen(found: Collection[str], path: str | Path) -> list[str]:
    _check_present(found, path)
    return [name for name in _NAMES if name in found]


def _check_present(found: Collection[str], path: str | Path) -> None:
    missing = [name for name in _NAMES[:2] if name not in found]
    if missing:
        raise UserError(
            f"{path}: lacks {' and '.join(missing)}, found {', '.join(found) or 'nothing'}; "
            "expected arrays waveform (n, traces, samples) and label (n)"
        )


def _check_arrays(arrays: _Arrays, path: str | Path) -> None:
    check_form(arrays["waveform"], arrays["label"], path)
    event = arrays.get("event")
    if event is None:
        return
    if event.dtype.kind not in "iu" or event.dtype == np.uint64:
        raise UserError(f"{path}: event has type {event.dtype}, expected whole numbers of type int64; convert it")
    if event.shape != arrays["label"].shape:
        raise UserError(f"{path}: event has shape {event.shape}, expected {arrays['label'].shape}; check the file")
