"""Derivative filters: what tells a narrow pulse from a smooth background by hand."""

from collections.abc import Sequence

import numpy as np

from jetpulse.errors import UserError

# As numpy.convolve takes them, which reverses them: (x[k + 1] - x[k - 1]) / 2 and x[k + 1] - 2 x[k] + x[k - 1].
FIRST = (0.5, 0.0, -0.5)
SECOND = (1.0, -2.0, 1.0)


def convolve(waveform: np.ndarray, kernel: Sequence[float] | np.ndarray) -> np.ndarray:
    """Convolve every trace with a kernel of odd width, where they overlap wholly (as numpy.convolve, mode valid).

    Args:
        waveform: (n, traces, samples), real numbers.
        kernel: (width,).

    Returns:
        (n, traces, samples - width + 1), summed in double precision; float32 for float32, else float64. Its bin k
        belongs to bin k + width // 2 of the trace.

    Raises:
        UserError: the kernel has an even width, is wider than a trace, or is not a row of finite numbers.
    """
    weights = np.asarray(kernel, np.float64)
    samples = waveform.shape[-1]
    if weights.ndim != 1 or not np.isfinite(weights).all():
        raise UserError(f"filter {np.asarray(kernel).tolist()}: expected one row of finite numbers; mend the filter")
    width = len(weights)
    if width % 2 == 0:
        raise UserError(f"filter of width {width}: an even width has no middle; use an odd one")
    if width > samples:
        raise UserError(
            f"filter of width {width} is wider than a trace of {samples} samples; "
            "use a narrower filter or longer traces"
        )
    total = np.zeros((*waveform.shape[:-1], samples - width + 1))
    for lag, weight in enumerate(weights[::-1]):
        total += np.multiply(waveform[..., lag : lag + total.shape[-1]], weight, dtype=np.float64)
    return total.astype(np.float32) if waveform.dtype == np.float32 else total


def synthetic_image(waveform: np.ndarray) -> np.ndarray:
    """Return an image of every entry in which a coincidence is a pattern that runs through all rows.

    Rows 0 to traces - 1 are tanh of the traces' first derivatives, the rest are tanh of their second derivatives: a
    coincident pulse rises and falls in one column of all rows above and dips in that column of all rows below, while
    any other pulse marks one row of each half.

    Args:
        waveform: (n, traces, samples), real numbers.

    Returns:
        (n, 2 * traces, samples - 2) in [-1, 1], dtype as ``convolve`` returns it; column k is bin k + 1 of the traces.

    Raises:
        UserError: traces of fewer than three samples.
    """
    return np.tanh(np.concatenate([convolve(waveform, FIRST), convolve(waveform, SECOND)], axis=1))
