"""Run the benchmarks: `python -m benchmarks [NAME ...]`, all by default."""

import argparse
import os
import platform
import sys
import warnings

from benchmarks import imaging, readers, simulation, training, waveforms

BENCHMARKS = {
    "imaging": imaging.main,
    "waveforms": waveforms.main,
    "readers": readers.main,
    "simulation": simulation.main,
    "training": training.main,
}


def main() -> None:
    """Print the machine and the tables of the chosen benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    warnings.filterwarnings("ignore")  # other packages' deprecations
    sys.stdout.reconfigure(line_buffering=True)
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
