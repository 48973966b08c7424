"""Leakage: examples that are in two splits of a dataset, or in the training of a network and in what tests it.

Examples are compared by 64-bit hashes of what is stored of them, so that memory is bounded: two different ones among a
few million have the same hash with a probability of about 10^-7.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples.events import ROW_BITS, row_of
from jetpulse.samples.splits import mix
from jetpulse.samples.store import Block, iterate_blocks, read_attributes

HARDEST = 8  # constituents by which a jet is known, whatever `max_constituents` left of the others
_HALF = 1 << 6  # of the last of 16 bits of a float32's mantissa
_EXAMPLE = ("waveform", "counts", "features", "target")  # what an example is, of those that it has


def hash_examples(block: Block) -> np.ndarray:
    """Return uint64 (n) that are equal for the same examples.

    A waveform or spectrum is itself, bit by bit but for the sign of zeros, a row of a table its features and target. A
    jet is the momenta px, py, pz of its eight hardest constituents to 16 of 23 bits, so that it is known after another
    cut on constituents and, most often, after another rounding, as by units or pt, eta, phi.
    """
    if block.offsets is not None:
        counts = np.minimum(np.diff(block.offsets), HARDEST)
        jet = np.repeat(np.arange(len(counts)), counts)
        rank = np.arange(len(jet)) - np.repeat(np.cumsum(counts) - counts, counts)
        momenta = np.zeros((len(counts), HARDEST, 3), np.float32)
        momenta[jet, rank] = block.flat["constituents"][block.offsets[:-1][jet] + rank, 1:]
        words = (momenta + np.float32(0)).view(np.uint32)  # -0 becomes 0
        rounded = (words + np.uint32(_HALF)) & ~np.uint32(2 * _HALF - 1)
        return _mix_rows(rounded.reshape(len(counts), -1 if len(counts) else 3 * HARDEST), counts.astype(np.uint64))
    state = np.zeros(len(block), np.uint64)
    for name in _EXAMPLE:
        if name in block.entries:
            state = _hash_rows(block.entries[name], state)
    return state


def _hash_rows(values: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Return uint64 (n) of values float32 or float64 (n, ...) and of a state uint64 (n)."""
    flat = np.reshape(values + values.dtype.type(0), (len(values), math.prod(values.shape[1:])))  # -0 becomes 0
    return _mix_rows(flat.view(np.dtype(f"u{flat.dtype.itemsize}")), state)


def _mix_rows(words: np.ndarray, state: np.ndarray) -> np.ndarray:
    for word in np.ascontiguousarray(words.T):
        state = mix(state ^ word.astype(np.uint64))
    return state


@dataclass(frozen=True)
class Shared:
    """What two splits have in common: the places of the first such example in both, and how many there are."""

    one: str
    here: int
    other: str
    there: int
    count: int


class Duplicates:
    """Remembers every example of every split, 24 bytes each, to find those, and events, that are in two splits."""

    def __init__(
        self,
        files: Sequence[str],
        keep: bool = False,
        what: str = "entry",
        many: str = "entries",
        remedy: str = "remove it from one of them",
    ) -> None:
        """Start without examples.

        Args:
            files: that examples come from; a place is the number of a file << 32 | row.
            keep: only log what is found.
            what: an example is called.
            many: of them are called.
            remedy: what can be done about an example in two splits, beside keeping it there.
        """
        self._files, self._keep, self._what, self._many, self._remedy = files, keep, what, many, remedy
        self._seen: dict[str, dict[str, list[np.ndarray]]] = {"example": {}, "event": {}, "place": {}}

    def add(self, split: str, block: Block, place: np.ndarray) -> None:
        """Remember the examples of a block and their places int64 (n)."""
        found = {"example": hash_examples(block), "event": block.entries["event"], "place": place}
        for name, values in found.items():
            self._seen[name].setdefault(split, []).append(values)

    def between(self, name: str = "example") -> Iterator[Shared]:
        """Yield what every two splits share, of examples or of events."""
        unique = {split: np.unique(np.concatenate(parts)) for split, parts in self._seen[name].items()}
        splits = list(unique)
        for i, one in enumerate(splits):
            for other in splits[i + 1 :]:
                shared = np.intersect1d(unique[one], unique[other], assume_unique=True)
                if len(shared):
                    there, found = self._first(name, other, shared)
                    here, _ = self._first(name, one, found)
                    yield Shared(one, here, other, there, len(shared))

    def _first(self, name: str, split: str, values: np.ndarray) -> tuple[int, np.ndarray]:
        """Return the place of the first of a split that is one of some values, and its value as an array (1,)."""
        seen = np.concatenate(self._seen[name][split])
        first = int(np.argmax(np.isin(seen, values)))
        return int(np.concatenate(self._seen["place"][split])[first]), seen[first : first + 1]

    def check(self, log: Callable[[str], None]) -> None:
        """Refuse examples and events that are in two splits, or log them; log examples that are twice in one.

        Raises:
            UserError: names the first and its places.
        """
        for shared in self.between():
            self._report(
                f"{self._at(shared.there)}: the very same {self._what} is {self._at(shared.here, of=True)}, so it is "
                f"in the splits {shared.one!r} and {shared.other!r} ({shared.count} such {self._many})",
                f"{self._remedy}, or set `duplicates: keep`",
                log,
            )
        for shared in self.between("event"):
            self._report(
                f"{self._at(shared.there)}: the event has the id of that of {self._at(shared.here, of=True)}, so its "
                f"{self._many} are in the splits {shared.one!r} and {shared.other!r} ({shared.count} such events)",
                "assign all files by `split`, method `hash`, or set `event: []` if equal ids are of different events",
                log,
            )
        events = [np.concatenate(parts) for parts in self._seen["event"].values()]
        entries, different = sum(map(len, events)), sum(len(np.unique(ids)) for ids in events)
        if different < entries:
            log(f"{entries} {self._many} of {different} events")
        for split, parts in self._seen["example"].items():
            hashes = np.concatenate(parts)
            if repeated := len(hashes) - len(np.unique(hashes)):
                log(f"split {split!r}: {repeated} {self._many} equal another one of it")

    def _at(self, place: int, *, of: bool = False) -> str:
        row, path = row_of(place), self._files[place >> ROW_BITS]
        name = f"{'event' if self._what == 'jet' else self._what} {row}"
        return f"{name} of {path}" if of else f"{path}: {name}"

    def _report(self, line: str, remedy: str, log: Callable[[str], None]) -> None:
        if not self._keep:
            raise UserError(f"{line}; {remedy}")
        log(line)


def shared_examples(trained: str | Path, tested: str | Path) -> tuple[int, int]:
    """Return how many examples of a file's test split are in another file's train or val, and the first one's event.

    Both are samples of one kind; memory is eight bytes for each example that is trained on.

    Raises:
        UserError: a damaged file.
    """
    blocks = (block for split in ("train", "val") for block in iterate_blocks(trained, split))
    known = np.unique(np.concatenate([hash_examples(block) for block in blocks]))
    count, first = 0, -1
    for block in iterate_blocks(tested, "test") if len(known) else ():
        hashes = hash_examples(block)
        near = known[np.minimum(np.searchsorted(known, hashes), len(known) - 1)]
        shared = np.flatnonzero(near == hashes)
        if len(shared) and not count:
            first = int(block.entries["event"][shared[0]])
        count += len(shared)
    return count, first


def check_unseen(samples: Mapping[str, Path], log: Callable[[str], None] = lambda line: None) -> None:
    """Refuse to test a network on what it was trained on.

    Args:
        samples: name -> samples.h5 of the dataset that is trained on, first, and of others that are tested on.
        log: gets a line where the other dataset's config keeps duplicates.

    Raises:
        UserError: a test split holds examples of the first one's train or val.
    """
    trained, path = next(iter(samples.items()), ("", Path()))
    for name, other in list(samples.items())[1:]:
        source = read_attributes(other)["spec"].get("source", {})
        if source.get("points") is not None:  # some have four different points in all
            continue
        count, first = shared_examples(path, other)
        if not count:
            continue
        line = (
            f"{other}: {count} entries of the test split, the first of event {first}, are in train or val of "
            f"{trained!r} as well, on which the network is trained"
        )
        if source.get("duplicates") != "keep":
            raise UserError(
                f"{line}; test on other entries than those of {name!r}, or set its `duplicates: keep` if it has files"
            )
        log(line)
