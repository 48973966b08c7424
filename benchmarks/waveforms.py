"""Waveform triplets per second: the generator beside the reference's loop over entries."""

import numpy as np
from tests.functions.waveform_reference import reference_waveforms

from benchmarks.timing import median_ratio, print_table, print_targets, rates
from jetpulse.config import Waveforms
from jetpulse.pulses.generator import generate_block, generate_exact

SPEC = Waveforms(exact=True)
BLOCKS = SPEC.model_copy(update={"exact": False})
REPETITIONS = 9

NAMES = {
    "loop": "reference: a loop over entries",
    "exact 1": "exact, 1 thread",
    "exact 2": "exact, 2 threads",
    "blocks 2": "blocks, 2 threads",
}
TARGETS = [("exact 2", "loop", 20.0)]


def main() -> None:
    """Measure and print the tables."""
    found = rates(
        {
            "loop": lambda: len(reference_waveforms(SPEC)[1]),
            "exact 1": lambda: len(generate_exact(SPEC, 1).label),
            "exact 2": lambda: len(generate_exact(SPEC, 2).label),
            "blocks 2": lambda: len(generate_block(BLOCKS, 0, 2).label),
        },
        REPETITIONS,
    )
    rows = [
        (NAMES[key], float(np.median(rate)), f"{median_ratio(rate, found['loop']):.3g}") for key, rate in found.items()
    ]
    title = f"Entries per second: {SPEC.traces} traces of {SPEC.samples} bins, {SPEC.n:,} entries at once"
    print_table(title, ("", "entries/s", "it / loop"), rows)
    print_targets([(f"{NAMES[a]} / {NAMES[b]}", median_ratio(found[a], found[b]), wanted) for a, b, wanted in TARGETS])
