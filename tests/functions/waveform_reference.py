"""The reference generator of waveforms, entry by entry as it was written."""

import numpy as np

from jetpulse.config import Waveforms


def reference_waveforms(spec: Waveforms) -> tuple[np.ndarray, np.ndarray]:
    """Return waveforms float32 (n, traces, samples) and labels int64 (n,)."""
    rng = np.random.RandomState(spec.seed)
    t = np.linspace(0, spec.duration, spec.samples)
    shape = (spec.components, spec.n, spec.traces, 1)
    w = 2 * spec.duration * rng.lognormal(0, 0.2, size=shape)
    p = rng.uniform(size=shape)
    waveform = np.cos(2 * np.pi * (t + p * w) / w).sum(axis=0)
    sigma = 0.02 * spec.duration
    times = spec.duration * rng.uniform(0.05, 0.95, size=spec.n)
    counts = rng.poisson(spec.background, size=(spec.n, spec.traces))
    label = np.empty(spec.n, np.int64)
    for i in range(spec.n):
        pulse = spec.amplitude * np.exp(-0.5 * (t - times[i]) ** 2 / sigma**2)
        label[i] = np.argmax(pulse)
        waveform[i] += pulse
        for j in range(spec.traces):
            if counts[i, j] > 0:
                t0 = spec.duration * rng.uniform(size=(counts[i, j], 1))
                waveform[i, j] += (spec.amplitude * np.exp(-0.5 * (t - t0) ** 2 / sigma**2)).sum(axis=0)
    return waveform.astype(np.float32), label
