"""Waveforms with pulses: traces of a smooth background and Gaussian pulses, one of them coincident in all traces.

The model is that of the pulse-finding exercise of "Machine Learning and Statistics for Physicists" (D. Kirkby): per
trace a sum of cosines with log-normal wavelengths around twice the duration and uniform phases, a Poisson number of
pulses at uniform times, and one pulse at the same time in every trace; the label is the bin where that one peaks.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from jetpulse import seeds
from jetpulse.config import Waveforms
from jetpulse.pulses.kernels import fill_waveforms
from jetpulse.samples import counts_to_offsets

WIDTH = 0.02  # standard deviation of a pulse, in units of the duration
Pair = tuple[np.ndarray, np.ndarray]
_PIECES = 4  # of the work for every thread, so that none waits long for the last


@dataclass(frozen=True)
class Triplets:
    """Generated entries: traces and the truth about them.

    ``waveform`` float32 (n, traces, samples); ``label`` int64 (n,) bin of the coincident pulse; ``time`` float64 (n,)
    its time; ``amplitude`` float64 (n, traces) its heights; ``pulses`` int64 (n, traces) number of further pulses.
    """

    waveform: np.ndarray
    label: np.ndarray
    time: np.ndarray
    amplitude: np.ndarray
    pulses: np.ndarray


def generate_exact(spec: Waveforms, threads: int = 1) -> Triplets:
    """Return ``spec.n`` entries from the reference's stream of random numbers, the same bits for any ``threads``.

    The reference draws the times of further pulses trace by trace; these draws follow each other, so that one draw
    of all of them gives the same numbers.
    """
    # The reference's generator; its stream is what `exact` means.
    rng = np.random.RandomState(spec.seed)
    shape = (spec.components, spec.n, spec.traces)
    wavelength = 2 * spec.duration * rng.lognormal(0, 0.2, size=shape)
    phase = rng.uniform(size=shape)
    time = spec.duration * rng.uniform(0.05, 0.95, size=spec.n)
    pulses = rng.poisson(spec.background, size=(spec.n, spec.traces)).astype(np.int64)
    pulse_time = spec.duration * rng.uniform(size=pulses.sum())
    amplitude = np.full((spec.n, spec.traces), spec.amplitude)
    pulse_amplitude = np.full(len(pulse_time), spec.amplitude)
    return _assemble(spec, (wavelength, phase), (time, amplitude), pulses, (pulse_time, pulse_amplitude), threads)


def generate_block(spec: Waveforms, block: int, threads: int = 1, stream: str = "waveforms") -> Triplets:
    """Return one block of entries; it depends on ``spec``, ``block`` and ``stream`` (of random numbers) alone.

    The last block is shorter: it holds the beginning of what a whole one would, so that a larger ``spec.n`` appends.

    Raises:
        ValueError: no such block.
    """
    count = min(spec.block, spec.n - block * spec.block)
    if block < 0 or count <= 0:
        msg = f"block {block} does not exist: {spec.n} entries in blocks of {spec.block}"
        raise ValueError(msg)
    rng = seeds.generator(spec.seed, stream, block)
    shape = (spec.block, spec.traces, spec.components)
    wavelength = 2 * spec.duration * rng.lognormal(0, 0.2, size=shape)
    phase = rng.uniform(size=shape)
    time = spec.duration * rng.uniform(0.05, 0.95, size=spec.block)
    pulses = rng.poisson(spec.background, size=(spec.block, spec.traces))
    pulse_time = spec.duration * rng.uniform(size=pulses.sum())
    amplitude = spec.amplitude * rng.lognormal(0, spec.amplitude_spread, size=(spec.block, spec.traces))
    pulse_amplitude = spec.amplitude * rng.lognormal(0, spec.amplitude_spread, size=len(pulse_time))
    waves = tuple(np.ascontiguousarray(np.moveaxis(x[:count], -1, 0)) for x in (wavelength, phase))
    coincident = (time[:count], amplitude[:count])
    made = _assemble(spec, waves, coincident, pulses[:count], (pulse_time, pulse_amplitude), threads)
    if spec.noise:
        made.waveform[:] += np.float32(spec.noise) * rng.standard_normal(made.waveform.shape, np.float32)
    return made


def _assemble(
    spec: Waveforms, waves: Pair, coincident: Pair, pulses: np.ndarray, others: Pair, threads: int
) -> Triplets:
    """Build the traces from what was drawn.

    Args:
        spec: settings.
        waves: wavelength and phase, each (components, n, traces).
        coincident: time (n,) and amplitude (n, traces) of the coincident pulse.
        pulses: number of further pulses (n, traces).
        others: their times and amplitudes, each (total,).
        threads: CPU threads.
    """
    n = len(coincident[0])
    times, width = np.linspace(0, spec.duration, spec.samples), WIDTH * spec.duration
    offsets = counts_to_offsets(pulses.ravel())
    waveform = np.empty((n, spec.traces, spec.samples), np.float32)
    label = np.empty(n, np.int64)
    doubtful = np.empty((n, spec.traces), bool)
    edges = [n * i // (threads * _PIECES) for i in range(threads * _PIECES + 1)]

    def fill(first: int, last: int) -> None:
        fill_waveforms(first, last, times, width, waves, coincident, (offsets, *others), waveform, label, doubtful)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, edges[:-1], edges[1:]))
    for i, j in np.argwhere(doubtful):
        span = slice(offsets[i * spec.traces + j], offsets[i * spec.traces + j + 1])
        pulse = (coincident[0][i], coincident[1][i, j])
        further = [x[span, None] for x in others]
        waveform[i, j] = _one_trace(times, width, [x[:, i, j, None] for x in waves], pulse, further)
    return Triplets(waveform, label, *coincident, pulses)


def _one_trace(
    times: np.ndarray, width: float, waves: list[np.ndarray], pulse: tuple[float, float], others: list[np.ndarray]
) -> np.ndarray:
    """Return one trace (samples,) float64 by NumPy, in the reference's own order of operations.

    The few traces that the kernel's last bits could round to another float32 are made again like this.
    """
    (wavelength, phase), (time, amplitude) = waves, pulse
    trace = np.cos(2 * np.pi * (times + phase * wavelength) / wavelength).sum(axis=0)
    trace += amplitude * np.exp(-0.5 * (times - time) ** 2 / width**2)
    pulse_time, pulse_amplitude = others
    if len(pulse_time):
        trace += (pulse_amplitude * np.exp(-0.5 * (times - pulse_time) ** 2 / width**2)).sum(axis=0)
    return trace
