"""Timing and tables that the benchmarks share."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np


def rates(candidates: Mapping[str, Callable[[], int]], repetitions: int) -> dict[str, np.ndarray]:
    """Return each candidate's rates, in what it counts per second, one per repetition.

    The candidates take turns, so that a slow moment of the machine hits all of them alike. A first turn, which
    compiles and warms up, is not counted.

    Args:
        candidates: functions that do some work and return how much it was.
        repetitions: turns that count.
    """
    measured: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(repetitions + 1):
        for name, work in candidates.items():
            start = time.perf_counter()
            done = work()
            elapsed = time.perf_counter() - start
            if turn > 0:
                measured[name].append(done / elapsed)
    return {name: np.array(values) for name, values in measured.items()}


def median_ratio(above: np.ndarray, below: np.ndarray) -> float:
    """Return the median over repetitions of the ratio of two rates taken in the same turn."""
    return float(np.median(above / below))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in aligned columns, all but the first to the right."""
    cells = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    print(f"\n{title}\n{'=' * len(title)}")
    for first, *others in cells:
        aligned = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *aligned]).rstrip())


def print_targets(targets: Sequence[tuple[str, float, float]]) -> None:
    """Print targets: what, the ratio found and the ratio wanted at least."""
    rows = [
        (what, f"{found:.2f}", f">= {wanted:g}", "met" if found >= wanted else "missed")
        for what, found, wanted in targets
    ]
    print_table("Targets", ("ratio", "found", "target", ""), rows)


def _text(cell: object) -> str:
    return f"{cell:,.0f}" if isinstance(cell, float) else str(cell)
