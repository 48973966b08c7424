"""The command line for `python -m jetpulse.cli`, as torchrun starts it; elsewhere `jetpulse` is the same."""

import sys

from jetpulse.cli import run

if __name__ == "__main__":
    sys.exit(run())
