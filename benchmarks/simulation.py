"""Simulated events per second: the whole command beside bare Pythia, and two commands at once beside one."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from benchmarks.timing import median_ratio, print_table, print_targets, rates
from jetpulse.config import Simulation
from jetpulse.jets.simulation import configure_pythia

BLOCK = 5_000  # jets
BARE_EVENTS = 5_000
REPETITIONS = 3
SPEC = Simulation(jets_per_class=2 * BLOCK, block=BLOCK)
NAMES = {
    "bare": "bare Pythia, initialised before",
    "one": "jetpulse simulate-jets, start-up included",
    "two": "two of these commands at once",
}


def main() -> None:
    """Measure and print the tables."""
    rows, targets = [], []
    for process in ("top", "qcd"):
        found = measure(process)
        for key, name in NAMES.items():
            ratio = f"{median_ratio(found[key], found['bare']):.2f}"
            rows.append((f"{process}: {name}", float(np.median(found[key])), ratio))
        targets.append((f"{process}: command / bare Pythia", median_ratio(found["one"], found["bare"]), 0.65))
        targets.append((f"{process}: two commands / one", median_ratio(found["two"], found["one"]), 1.7))
    title = f"Simulated events per second: blocks of {BLOCK} jets, one core per process"
    print_table(title, ("", "events/s", "/ bare Pythia"), rows)
    print_targets(targets)


def measure(process: str) -> dict[str, np.ndarray]:
    """Return events per second of bare Pythia, of one command, and of two commands together."""
    with tempfile.TemporaryDirectory() as folder:
        candidates = {
            "bare": bare_pythia(process),
            "one": lambda: simulate(process, Path(folder), [0]),
            "two": lambda: simulate(process, Path(folder), [0, 1]),
        }
        return rates(candidates, REPETITIONS)


def bare_pythia(process: str) -> Callable[[], int]:
    """Return a function that makes Pythia events and nothing else, with the settings of the command."""
    pythia = configure_pythia(SPEC, process, 0)

    def work() -> int:
        for _ in range(BARE_EVENTS):
            pythia.next()
        return BARE_EVENTS

    return work


def simulate(process: str, folder: Path, blocks: list[int]) -> int:
    """Run one command per block, all at once; return how many events they went through."""
    command = [Path(sys.executable).with_name("jetpulse"), "simulate-jets", "--spec", SPEC.model_dump_json()]
    paths = [folder / f"{process}-{block}.h5" for block in blocks]
    running = [
        subprocess.Popen(
            [*command, "--process", process, "--block", str(block), str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for block, path in zip(blocks, paths, strict=True)
    ]
    for child in running:
        _, errors = child.communicate()
        if child.returncode:
            raise RuntimeError(errors)
    return sum(events(path) for path in paths)


def events(path: Path) -> int:
    """Return the number of events behind a block: ids are label << 56 | block << 32 | event."""
    with h5py.File(path) as file:
        return (int(file["all/event"][-1]) & 0xFFFFFFFF) + 1
