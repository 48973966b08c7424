"""Waveforms for training that are generated on the way, none of them twice."""

import numpy as np

from jetpulse.config import Waveforms
from jetpulse.pulses.generator import generate_block
from jetpulse.samples import Block


def fresh_block(spec: Waveforms, entries: int, seed: int, epoch: int, threads: int = 1) -> Block:
    """Return the entries of one epoch, as samples.h5 holds them; they depend on ``spec``, ``seed`` and ``epoch``.

    They come from a stream of random numbers of their own, so that none of them is in any dataset.
    """
    every = {"n": entries * (epoch + 1), "block": entries, "seed": seed, "exact": False}
    made = generate_block(spec.model_copy(update=every), epoch, threads, "waveforms/fresh")
    event = np.arange(epoch * entries, (epoch + 1) * entries, dtype=np.int64)
    return Block({"event": event, "label": made.label, "waveform": made.waveform, "time": made.time})
