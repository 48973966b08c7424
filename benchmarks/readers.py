"""Jets read per second from the public layout: jetpulse beside pandas, and the memory that reading takes."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - importing it lets h5py read and write blosc-compressed files
import numpy as np
import pandas as pd

from benchmarks.timing import median_ratio, print_table, print_targets

REAL = "top_landscape_test_first1000.h5"
JETS = int(os.environ.get("JETPULSE_BENCH_JETS", "100000"))
FEW, MANY = JETS // 5, 2 * JETS  # jets of which the memory is compared
REPETITIONS = 5
WANTED = 5.0
SAME = 0.95  # memory of few jets over that of many
# In processes of their own, whose peak is this work's alone; /proc, since getrusage() would count the parent's too.
PEAK = """
from pathlib import Path
status = Path("/proc/self/status").read_text().split()
print(status[status.index("VmHWM:") + 1])
"""
# Reading once is what a process of the workflow does, reading again what a notebook does: the target is meant for both.
# Before, a small file has everything imported and compiled.
OURS = """
from jetpulse.config import JetSource
from jetpulse.jets.readers import read_jets
def read(path):
    return sum(len(block) for block in read_jets(path, JetSource(files=[path])))
"""
PANDAS = """
import pandas as pd
def read(path):
    return len(pd.read_hdf(path, key="table"))
"""
TIMED = """
import sys, time
read(sys.argv[1])
for _ in range(2):
    start = time.perf_counter()
    assert read(sys.argv[2]) == int(sys.argv[3])
    print(time.perf_counter() - start)
"""
READ = """
import sys
from jetpulse.config import JetSource
from jetpulse.jets.readers import read_jets
n = sum(len(block) for block in read_jets(sys.argv[1], JetSource(files=[sys.argv[1]])))
assert n == int(sys.argv[2]), n
"""
COLLECT = """
import sys
from jetpulse.config import JetDataset
from jetpulse.jets.files import write_samples
spec = JetDataset(kind="jets", source={"files": [sys.argv[1]], "duplicates": "keep"})
assert sum(write_samples(sys.argv[1] + ".samples", spec, []).values()) == int(sys.argv[2])
"""


def main() -> None:
    """Measure and print the tables."""
    folder = os.environ.get("JETPULSE_TEST_DATA")
    if not folder or not (Path(folder) / REAL).is_file():
        print(f"readers are left out: JETPULSE_TEST_DATA names no folder with {REAL}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        paths = {n: blow_up(Path(folder) / REAL, Path(temporary) / f"{n}.h5", n) for n in (FEW, JETS, MANY)}
        targets = compare_speed(Path(folder) / REAL, paths[JETS])
        if Path("/proc/self/status").exists():
            targets.append(("peak memory of few jets / of many", compare_memory(paths), SAME))
        else:
            print("memory is left out: its peak is read from /proc, which this system lacks")
    print_targets(targets)


def blow_up(source: Path, path: Path, n: int) -> Path:
    """Write a file of n jets, those of a small one again and again, with its attributes to the last byte."""
    shutil.copy(source, path)
    path.chmod(0o600)
    with h5py.File(path, "r+") as file:
        table = file["table/table"]
        rows = table[:]
        table.resize((n,))
        for start in range(0, n, len(rows)):
            part = rows[: min(len(rows), n - start)]
            part["index"] = np.arange(start, start + len(part))
            table[start : start + len(part)] = part
        table.attrs.modify("NROWS", np.int64(n))
    return path


def compare_speed(small: Path, path: Path) -> list[tuple[str, float, float]]:
    """Print seconds per reading; return the targets."""
    codes = {"jetpulse": OURS, "pandas.read_hdf": PANDAS}
    if reason := pandas_cannot(small):
        print(f"pandas is left out: {reason}")
        del codes["pandas.read_hdf"]
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in codes}
    for _ in range(REPETITIONS):  # in turns, so that a slow moment of the machine hits both
        for name, code in codes.items():
            command = [sys.executable, "-W", "ignore", "-c", code + TIMED, str(small), str(path), str(JETS)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            first, again = map(float, done.stdout.split())
            seconds[name].append((first, again))
    found = {name: np.array(values) for name, values in seconds.items()}
    rows = [
        (name, JETS / float(np.median(values[:, 0])), *(f"{np.median(values[:, i]):.2f}" for i in (0, 1)))
        for name, values in found.items()
    ]
    title = f"Reading {JETS:,} jets of the public layout, 1 thread; the first time in a process, and once more"
    print_table(title, ("", "jets/s, first", "seconds, first", "seconds, again"), rows)
    if "pandas.read_hdf" not in found:
        return []
    return [
        (
            f"jetpulse / pandas.read_hdf, {what}",
            median_ratio(1 / found["jetpulse"][:, i], 1 / found["pandas.read_hdf"][:, i]),
            WANTED,
        )
        for i, what in enumerate(("first reading", "read once more"))
    ]


def pandas_cannot(path: Path) -> str:
    """Return why pandas does not read such files here, or nothing."""
    try:
        pd.read_hdf(path, key="table", start=0, stop=1)
    except (ImportError, TypeError) as error:
        return f"{error} (pandas {pd.__version__}; needs tables and pandas < 3 for these attributes)"
    return ""


def compare_memory(paths: dict[int, Path]) -> float:
    """Print peak memory of processes of their own; return that of few jets over that of many, for reading."""
    rows, peaks = [], {}
    for what, code in (("reading", READ), ("samples.h5", COLLECT)):
        for n, path in paths.items():
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", code + PEAK, str(path), str(n)], check=True, capture_output=True, text=True
            )
            peaks[what, n] = int(done.stdout) / 1024
            rows.append((f"{what}, {n:,} jets", f"{time.perf_counter() - start:.1f}", peaks[what, n]))
    print_table("Time, start-up included, and peak memory of a process", ("", "seconds", "MB"), rows)
    return peaks["reading", FEW] / peaks["reading", MANY]
