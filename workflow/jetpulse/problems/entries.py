"""What every source of a small problem gives: the layout of its entries, and the entries in chunks."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from jetpulse.config.problems import Answers
from jetpulse.samples import SPLITS

# Features (n, *shape) and answers (n,), None for episodes.
Chunk = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Part:
    """A stretch of entries that are dealt alike.

    Attributes:
        chunks: gives the entries in order; it may be called more than once.
        count: gives their number; reading it may take as long as reading the entries.
        first: event id of the first; the following ones count on.
        splits: the splits that they are dealt to.
        events: gives the event ids int64 in pieces of any length, where columns name them; then none counts on.
    """

    chunks: Callable[[], Iterator[Chunk]]
    count: Callable[[], int]
    first: int = 0
    splits: tuple[str, ...] = SPLITS
    events: Callable[[], Iterator[np.ndarray]] | None = None

    def take_events(self) -> Callable[[int], np.ndarray]:
        """Return a function that gives the event ids int64 of the next n entries."""
        if self.events is not None:
            return taking(self.events(), np.dtype(np.int64))
        ids = itertools.count(self.first)

        def take(n: int) -> np.ndarray:
            return np.fromiter(itertools.islice(ids, n), np.int64, n)

        return take


@dataclass(frozen=True)
class Entries:
    """Entries of a small problem, not read yet.

    Attributes:
        answers: what `Chunk`s hold as answers: classes from 0 (int64), numbers (float64), or none of episodes.
        shape: of one entry's features.
        parts: the entries; their order is that of the event ids.
        columns: names of the features, if they are columns of a table.
        units: unit of each feature by name.
        target: name and unit of the number that is learned.
        classes: names of the classes, none where only the entries tell how many there are.
        recoded: whether these names are the codes that files have in place of 0, 1, 2, ...
        packages: which made or read the entries, beside numpy.
        files: that the parts are read from, one each; none of generated entries.
        events: names of the columns that name an event.
    """

    answers: Answers
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    columns: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    target: str = ""
    classes: tuple[str, ...] = ()
    recoded: bool = False
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


def taking(pieces: Iterator[np.ndarray], dtype: np.dtype) -> Callable[[int], np.ndarray]:
    """Return a function that gives the next n values (n,) of pieces of any length, or those that are left."""
    kept = np.zeros(0, dtype)

    def take(n: int) -> np.ndarray:
        nonlocal kept
        parts, have = [kept], len(kept)
        while have < n and (piece := next(pieces, None)) is not None:
            parts.append(piece.reshape(len(piece)).astype(dtype))
            have += len(piece)
        joined = np.concatenate(parts)
        kept = joined[n:]
        return joined[:n]

    return take


def drawn(n: int, block: int, draw: Callable[[int], Chunk]) -> tuple[Part, ...]:
    """Return n generated entries as one part; ``draw`` gives those of a block by its number."""
    return (Part(lambda: map(draw, range(-(-n // block))), lambda: n),)


def block_size(n: int, block: int, number: int) -> int:
    """Return how many of n entries are in a block.

    Raises:
        ValueError: no such block.
    """
    size = min(block, n - number * block)
    if number < 0 or size <= 0:
        msg = f"block {number} does not exist: {n} entries in blocks of {block}"
        raise ValueError(msg)
    return size
