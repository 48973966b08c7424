"""Checks at the door: what every block of traces must satisfy before it enters the workflow."""

from pathlib import Path

import numpy as np

from jetpulse.errors import UserError

_FORM = "(n, traces, samples)"


def check_form(waveform: np.ndarray, label: np.ndarray, where: str | Path) -> None:
    """Refuse arrays (or HDF5 datasets, of which no value is read) that cannot be traces and their labels.

    Raises:
        UserError: names what is not numeric, has another number of dimensions, too few samples, or another length.
    """
    if waveform.dtype.kind not in "iuf":
        raise UserError(f"{where}: waveform has type {waveform.dtype}, expected real numbers; convert it")
    if waveform.ndim != 3:
        raise UserError(f"{where}: waveform has shape {waveform.shape}, expected {_FORM}; reshape it")
    if waveform.shape[1] < 1 or waveform.shape[2] < 2:
        raise UserError(
            f"{where}: waveform has shape {waveform.shape}, expected {_FORM} with at least one trace of two samples; "
            "check the file"
        )
    if label.dtype.kind not in "iu":
        raise UserError(
            f"{where}: label has type {label.dtype}, expected whole numbers, the bin of the pulse; convert it"
        )
    if label.shape != waveform.shape[:1]:
        raise UserError(
            f"{where}: label has shape {label.shape}, expected {waveform.shape[:1]}, "
            "one bin for every entry of waveform; check the file"
        )


def check_traces(
    waveform: np.ndarray,
    label: np.ndarray,
    where: str | Path,
    shape: tuple[int, int] | None = None,
    first: int = 0,
) -> None:
    """Refuse traces that cannot be learned from.

    Args:
        waveform: (n, traces, samples), real numbers.
        label: (n,), whole numbers: bin of the coincident pulse.
        where: the file, for messages.
        shape: (traces, samples) that the data set has.
        first: number of the first entry in the file, for messages.

    Raises:
        UserError: names the file, the first offending event, and what is wrong.
    """
    check_form(waveform, label, where)
    if shape is not None and waveform.shape[1:] != tuple(shape):
        raise UserError(
            f"{where}: entries are {_times(waveform.shape[1:])}, expected {_times(shape)}; "
            "all entries of a data set have equally many traces and samples"
        )
    # In this form NaN is found too; float32 is what the samples are stored as.
    bad = np.argwhere(~(np.abs(waveform) <= np.finfo(np.float32).max))
    if len(bad):
        event, trace, bin_ = bad[0]
        raise UserError(
            f"{where}: event {first + event}, trace {trace}, bin {bin_}: waveform is {waveform[tuple(bad[0])]}, "
            "expected a finite number; repair the file"
        )
    samples = waveform.shape[2]
    outside = np.flatnonzero((label < 0) | (label >= samples))
    if len(outside):
        raise UserError(
            f"{where}: event {first + outside[0]}: label is {label[outside[0]]}, "
            f"expected a bin from 0 to {samples - 1}; repair the file"
        )


def _times(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} traces of {shape[1]} samples"
