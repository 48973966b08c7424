"""The compiled kernel of the waveform generator.

Loops over the bins of one trace, without branches and without calls of library functions, so that the compiler turns
them into vector instructions. The cosine is its series after a reduction to half a turn; the exponential is the
classical reduction and polynomial of fdlibm (Sun Microsystems, 1993).
"""

import math

import numpy as np

from jetpulse.compiling import compiled

# "contract": a product and a sum in one rounding, which every processor of the last decade has. Nothing is reordered.
_compiled = compiled(nogil=True, error_model="numpy", fastmath={"contract"})

_TWO_PI = 2.0 * math.pi
# pi in two parts, the first of 33 bits, so that its small multiples are exact.
_PI_HIGH, _PI_LOW = 2 * 1.57079632673412561417e00, 2 * 6.07710050650619224932e-11
_C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10 = (1.0 / math.factorial(2 * k) for k in range(1, 11))
# ln 2 in two parts.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# A pulse is added where exp() exceeds e**-37 = 9e-17, which is far below the errors allowed next.
_FAINTEST = 37.0
# How far a wave, and a pulse of height 1, may be from NumPy's: about three times what was seen.
_WAVE_ERROR, _PULSE_ERROR = 1e-14, 1.5e-15


@_compiled
def _cosine(x):
    """Return cos(x) to 2e-16 for |x| < 1e4: x = n pi + r with |r| <= pi / 2, and (-1)**n times the series of cos(r)."""
    n = math.floor(x * (1.0 / math.pi) + 0.5)
    r = (x - n * _PI_HIGH) - n * _PI_LOW
    q = r * r
    # Summed in pairs, which the processor works on side by side; the first term left out is below 2e-17.
    q2 = q * q
    q4 = q2 * q2
    start = (1.0 - _C1 * q) + q2 * (_C2 - _C3 * q)
    middle = (_C4 - _C5 * q) + q2 * (_C6 - _C7 * q)
    end = (_C8 - _C9 * q) + q2 * _C10
    series = start + q4 * (middle + q4 * end)
    return series * (1.0 - 2.0 * (n - 2.0 * math.floor(0.5 * n)))


@_compiled
def _exponential(x):
    """Return exp(x) for -700 < x <= 0."""
    n = math.floor(x * (1.0 / math.log(2.0)) + 0.5)
    high, low = x - n * _LN2_HIGH, n * _LN2_LOW
    r = high - low
    q = r * r
    c = r - q * (
        1.66666666666666019037e-01
        + q
        * (
            -2.77777777770155933842e-03
            + q * (6.61375632143793436117e-05 + q * (-1.65339022054652515390e-06 + q * 4.13813679705723846039e-08))
        )
    )
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    power = np.int64((np.int64(n) + 1023) << 52).view(np.float64)
    return y * power


@_compiled
def fill_waveforms(first, last, times, width, waves, coincident, others, out, label, doubtful):
    """Fill ``out[first:last]`` (n, traces, bins) float32, ``label[first:last]`` and ``doubtful[first:last]``.

    Args:
        first: first entry.
        last: end of the entries.
        times: (bins,) rising, equally spaced.
        width: standard deviation of every pulse.
        waves: wavelength and phase (in wavelengths) of the smooth background, each (components, n, traces).
        coincident: time (n,) and amplitude (n, traces) of the coincident pulse.
        others: offsets int64 (n * traces + 1) of the further pulses, their times and amplitudes (total,).
        out: written.
        label: int64 (n,), written: the bin in which the coincident pulse is highest.
        doubtful: bool (n, traces), written: whether a sum lies so close to the middle between two float32 numbers
            that other last bits of its double would round it to the other one.
    """
    wavelength, phase = waves
    centre, amplitude = coincident
    pulse_offsets, pulse_time, pulse_amplitude = others
    components, _, traces = wavelength.shape
    bins = len(times)
    trace, pulse, scratch, total = np.empty(bins), np.empty(bins), np.empty(bins), np.zeros(bins)
    for i in range(first, last):
        low, high = _window(times, centre[i], width)
        _pulse(times, low, high, centre[i], width, pulse)
        best = low
        for k in range(low, high):
            if pulse[k] > pulse[best]:
                best = k
        label[i] = best
        for j in range(traces):
            for k in range(bins):
                trace[k] = 0.0
            for component in range(components):
                number = _TWO_PI / wavelength[component, i, j]
                start = _TWO_PI * phase[component, i, j]
                for k in range(bins):
                    trace[k] += _cosine(times[k] * number + start)
            for k in range(low, high):
                trace[k] += amplitude[i, j] * pulse[k]
            begin, end = pulse_offsets[i * traces + j], pulse_offsets[i * traces + j + 1]
            if begin < end:
                _add_pulses(times, begin, end, pulse_time, pulse_amplitude, width, scratch, total, trace)
            error = _WAVE_ERROR * components + _PULSE_ERROR * amplitude[i, j] * (1 + end - begin)
            doubtful[i, j] = _round(trace, error, out[i, j])


@_compiled
def _round(trace, error, out):
    """Round a trace to float32; return whether the error of a sample could decide its rounding."""
    doubts = 0
    for k in range(len(trace)):
        out[k] = trace[k]
        doubts += np.float32(trace[k] - error) != np.float32(trace[k] + error)
    return doubts > 0


@_compiled
def _window(times, centre, width):
    """Return the bins in which a pulse is not negligible."""
    bins = len(times)
    step = times[1] - times[0]
    reach = math.sqrt(2.0 * _FAINTEST) * width
    low = max(0, math.ceil((centre - reach - times[0]) / step))
    return low, min(bins, math.floor((centre + reach - times[0]) / step) + 1)


@_compiled
def _pulse(times, low, high, centre, width, pulse):
    """Fill a Gaussian of height 1 between two bins."""
    variance = width**2
    for k in range(low, high):
        d = times[k] - centre
        pulse[k] = _exponential(-0.5 * (d * d) / variance)


@_compiled
def _add_pulses(times, begin, end, pulse_time, pulse_amplitude, width, scratch, total, trace):
    """Add the sum of pulses to a trace; summed first, as the reference does, so that rounding agrees."""
    for m in range(begin, end):
        low, high = _window(times, pulse_time[m], width)
        _pulse(times, low, high, pulse_time[m], width, scratch)
        for k in range(low, high):
            total[k] += pulse_amplitude[m] * scratch[k]
    for k in range(len(times)):
        trace[k] += total[k]
        total[k] = 0.0
