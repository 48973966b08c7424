"""The way of jets from the user's files into the splits: read, checked, selected, mixed, dealt."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from jetpulse.config import JetDataset, JetSource, expand_path
from jetpulse.errors import UserError
from jetpulse.jets.checks import Balance, Duplicates, check_jets
from jetpulse.jets.kinematics import jet_momenta, pt_eta_phi
from jetpulse.jets.readers import place_of, read_jets
from jetpulse.samples import SPLITS, Block, assign_splits, counts_to_offsets, hash_events

_ROWS = 10_000
_FEWEST = 500  # entries of each of many files at once; fewer would unpack the same bytes again and again
_MOST_LINES = 10  # about stretches that are not mixed


@dataclass(frozen=True)
class _File:
    """A file of the dataset: its number in event ids, where it is, and the class of all its jets if the config says."""

    number: int
    path: str
    label: int | None


@dataclass
class _Findings:
    """What is seen while the jets stream by."""

    left_out: Counter[str] = field(default_factory=Counter)
    balance: Balance = field(default_factory=Balance)
    duplicates: Duplicates = field(default_factory=Duplicates)


def jets_of_files(spec: JetDataset, log: Callable[[str], None] = lambda line: None) -> Iterator[tuple[str, Block]]:
    """Yield (split, jets) of a dataset that is read from files; ``log`` gets lines about what was seen, at the end.

    Jets keep the order of their file. Where classes come in files of their own, these are read side by side and mixed
    in the order of their events' hashes, so that any beginning of a split has both.

    Raises:
        UserError: unreadable files, unphysical jets, or the same jet in two splits.
    """
    source, seen = spec.source, _Findings()
    files = [
        _File(number, expand_path(file.path, "source.files"), file.label)
        for number, file in enumerate(source.files.all())
    ]
    if source.files.deal:
        fractions = {split: getattr(spec.split, split) for split in SPLITS}
        for block in _stream(files, source, seen):
            where = assign_splits(block.entries["event"], fractions, spec.split.seed)
            for i, split in enumerate(SPLITS):
                part = block.take(np.flatnonzero(where == i))
                seen.duplicates.add(split, part)
                yield split, part
    else:
        rest = iter(files)
        for split in SPLITS:
            own = [next(rest) for _ in getattr(source.files, split)]
            for block in _stream(own, source, seen):
                seen.duplicates.add(split, block)
                yield split, block
    _check_duplicates(seen.duplicates, source, files, log)
    for reason, count in seen.left_out.items():
        if count:
            log(f"left out: {count} {reason}")
    lines = list(seen.balance.deviations())
    for line in lines[:_MOST_LINES]:
        log(line)
    if len(lines) > _MOST_LINES:
        log(f"{len(lines) - _MOST_LINES} further stretches are not mixed as chance would have it")


def unlabelled_jets(path: str, source: JetSource, left_out: Counter[str], rows: int = _ROWS) -> Iterator[Block]:
    """Yield the jets of one file in its order, checked and selected as ``source`` says, whose class is not asked for.

    Args:
        path: the file; those of ``source`` do not matter.
        source: its format, the names in it, and what is selected.
        left_out: how many were left out, as "jets: REASON" or "constituents: REASON", is added to it.
        rows: entries of the file read at once.

    Returns:
        Blocks of ``event`` int64 (n), the row in the file, offsets and ``constituents`` as in samples. ``label`` is 0
        and means nothing.

    Raises:
        UserError: unreadable files or unphysical jets.
    """
    # A label for the whole file is what keeps readers from looking for one.
    yield from _checked(_File(0, path, 0), source, rows, _Findings(left_out=left_out))


def _stream(files: Sequence[_File], source: JetSource, seen: _Findings) -> Iterator[Block]:
    """Yield the jets of files, one after the other, or side by side where each may hold a single class."""
    apart = len(files) > 1 and (source.format == "jetclass" or any(file.label is not None for file in files))
    if not apart:
        for file in files:
            yield from _checked(file, source, _ROWS, seen)
        return
    streams = [_checked(file, source, max(_FEWEST, _ROWS // len(files)), seen) for file in files]
    while streams:
        blocks = [next(stream, None) for stream in streams]
        streams = [stream for stream, block in zip(streams, blocks, strict=True) if block is not None]
        found = [block for block in blocks if block is not None]
        if found:
            merged = concatenate(found)
            yield merged.take(np.argsort(hash_events(merged.entries["event"]), kind="stable"))


def _checked(file: _File, source: JetSource, rows: int, seen: _Findings) -> Iterator[Block]:
    """Yield the jets of a file that are in the window, checked, hardest constituent first."""
    for block in read_jets(file.path, source, file.number, file.label, rows, seen.left_out):
        chosen = _hardest(_select(check_jets(block, file.path, source.order), source, seen.left_out), source)
        if file.label is None:
            seen.balance.add(file.path, chosen.entries["label"])
        yield chosen


def _select(block: Block, source: JetSource, left_out: Counter[str]) -> Block:
    """Leave out the jets whose summed constituents are outside the window of the config."""
    pt_window, eta_max = source.select.pt, source.select.eta_max
    if pt_window is None and eta_max is None:
        return block
    pt, eta, _ = pt_eta_phi(jet_momenta(block.flat["constituents"], block.offsets))
    inside = np.ones(len(block), bool)
    if pt_window is not None:
        inside &= (pt > pt_window[0]) & (pt < pt_window[1])
    if eta_max is not None:
        inside &= np.abs(eta) < eta_max
    left_out["jets: outside of `select`"] += int((~inside).sum())
    return block.take(np.flatnonzero(inside))


def _hardest(block: Block, source: JetSource) -> Block:
    """Keep the hardest constituents of each jet; they are sorted by now."""
    if source.max_constituents is None:
        return block
    counts = np.diff(block.offsets)
    rank = np.arange(block.offsets[-1]) - np.repeat(block.offsets[:-1], counts)
    kept = {"constituents": block.flat["constituents"][rank < source.max_constituents]}
    return Block(block.entries, counts_to_offsets(np.minimum(counts, source.max_constituents)), kept)


def concatenate(blocks: Sequence[Block]) -> Block:
    """Return several blocks of jets as one; of their entries ``event`` and ``label``."""
    entries = {name: np.concatenate([b.entries[name] for b in blocks]) for name in ("event", "label")}
    flat = {"constituents": np.concatenate([b.flat["constituents"] for b in blocks])}
    return Block(entries, counts_to_offsets(np.concatenate([np.diff(b.offsets) for b in blocks])), flat)


def _check_duplicates(
    duplicates: Duplicates, source: JetSource, files: Sequence[_File], log: Callable[[str], None]
) -> None:
    for one, here, other, there, count in duplicates.between():
        (a, row_a), (b, row_b) = place_of(here), place_of(there)
        line = (
            f"{files[b].path}: event {row_b}: the very same jet is event {row_a} of {files[a].path}, "
            f"so it is in the splits {one!r} and {other!r} ({count} such jets)"
        )
        if source.duplicates == "refuse":
            raise UserError(f"{line}; remove it from one of them, or set `duplicates: keep`")
        log(line)
