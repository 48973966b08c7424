"""Waveform triplets per second: the generator beside the reference's loop over entries; a large sample on disk."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

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

MANY = 1_000_000
MOST_MEMORY = 1000.0  # MB
# In a process of its own, whose peak is this work's alone; /proc, since getrusage() would count the parent's too.
WRITE = """
import sys
from pathlib import Path
from jetpulse.config import PulseDataset
from jetpulse.pulses.files import write_samples
source = {"waveforms": {"n": int(sys.argv[2])}}
write_samples(sys.argv[1], PulseDataset(kind="pulses", source=source), threads=int(sys.argv[3]))
status = Path("/proc/self/status").read_text().split()
print(status[status.index("VmHWM:") + 1])
"""


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
    write_many()


def write_many() -> None:
    """Measure and print time and memory of writing many entries to samples.h5."""
    if not Path("/proc/self/status").exists():
        print("the large sample is left out: its peak memory is read from /proc, which this system lacks")
        return
    rows, peaks = [], []
    for threads in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "samples.h5"
            command = [sys.executable, "-c", WRITE, str(path), str(MANY), str(threads)]
            start = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            elapsed = time.perf_counter() - start
            size = path.stat().st_size / 1e6
        peaks.append(int(done.stdout) * 1024 / 1e6)
        rows.append((f"samples.h5, threads {threads}", f"{elapsed:.1f}", MANY / elapsed, size, peaks[-1]))
    title = f"Building samples of {MANY:,} entries: generated, compressed and written block by block"
    print_table(title, ("", "seconds", "entries/s", "MB on disk", "peak memory in MB"), rows)
    print_targets([(f"{MOST_MEMORY:,.0f} MB / peak memory", MOST_MEMORY / max(peaks), 1.0)])
