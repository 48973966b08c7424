"""Seeds: every random number of the project comes from ``[base seed, stream, block]``.

A *stream* names what the numbers are for, so that two uses of one base seed never share numbers, and a
*block* counts the independent pieces of the work, so that a result does not depend on who did which piece.
"""

import numpy as np

# The numbers are part of every file ever made: append, never change.
STREAMS = {
    "pythia/qcd": 1,
    "pythia/top": 2,
    "detector/qcd": 3,
    "detector/top": 4,
    "weights": 10,
    "shuffle": 11,
    "dropout": 12,
    "validation": 13,
    "augmentation": 14,
    "subsample": 15,
    "estimator": 16,
    "bootstrap": 20,
    "waveforms": 30,
    "waveforms/fresh": 31,
    "spectra": 40,
    "spectra/fresh": 41,
    "points": 80,
    "houses": 81,
    "decays": 82,
    "prior": 50,
    "two-sample": 51,
    "export": 60,
    "trigger/rates": 70,
    "trigger/pulses": 71,
}


def seed_sequence(seed: int, stream: str, block: int = 0) -> np.random.SeedSequence:
    """Return the seed sequence of one stream and block (``stream`` is a key of ``STREAMS``)."""
    return np.random.SeedSequence([seed, STREAMS[stream], block])


def generator(seed: int, stream: str, block: int = 0) -> np.random.Generator:
    """Return NumPy's default generator for one stream and block."""
    return np.random.default_rng(seed_sequence(seed, stream, block))


def integer_seed(seed: int, stream: str, block: int = 0, *, bits: int = 63) -> int:
    """Return one integer below ``2**bits`` for a library that takes a single number as its seed."""
    return int(seed_sequence(seed, stream, block).generate_state(1, np.uint64)[0] >> np.uint64(64 - bits))
