"""Spectra for training that are generated on the way, none of them twice."""

import numpy as np

from jetpulse.config import Counts
from jetpulse.samples import Block
from jetpulse.spectra.generator import generate_fresh


def fresh_block(spec: Counts, entries: int, seed: int, epoch: int, threads: int = 1) -> Block:
    """Return the entries of one epoch, as samples.h5 holds them; they depend on ``spec``, ``seed`` and ``epoch``."""
    made = generate_fresh(spec, entries, seed, epoch)
    event = np.arange(epoch * entries, (epoch + 1) * entries, dtype=np.int64)
    return Block({"event": event, "counts": made.counts, "flux": made.flux})
