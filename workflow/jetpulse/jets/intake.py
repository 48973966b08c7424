"""The way of jets from the user's files into the splits: read, checked, selected, mixed, dealt."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from jetpulse.config import JetDataset, JetSource, expand_path
from jetpulse.config.jet_formats import unused_keys
from jetpulse.jets.checks import Balance, check_jets
from jetpulse.jets.kinematics import jet_momenta, pt_eta_phi
from jetpulse.jets.readers import read_jets
from jetpulse.jets.scales import Scales
from jetpulse.open_files import room_for
from jetpulse.samples import (
    SPLITS,
    Block,
    FileContents,
    assign_splits,
    counts_to_offsets,
    describe_events,
    hash_events,
    row_ids,
)
from jetpulse.samples.duplicates import Duplicates

_ROWS = 10_000
_FEWEST = 500  # entries of each of many files at once; fewer would unpack the same bytes again and again
_MOST_LINES = 10  # about stretches that are not mixed


@dataclass(frozen=True)
class _File:
    """A file: its number in the dataset, its path, the class of all its jets if the config says, ids' beginning."""

    number: int
    path: str
    label: int | None
    prefix: Callable[[], int] = lambda: 0


@dataclass
class _Findings:
    """What is seen while the jets stream by."""

    left_out: Counter[str] = field(default_factory=Counter)
    balance: Balance = field(default_factory=Balance)
    scales: Scales = field(default_factory=Scales)
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)  # columns that name an event, by file


def jets_of_files(spec: JetDataset, log: Callable[[str], None] = lambda line: None) -> Iterator[tuple[str, Block]]:
    """Yield (split, jets) of a dataset that is read from files; ``log`` gets lines about what was seen, at the end.

    Jets keep the order of their file. Where classes come in files of their own, these are read side by side and mixed
    in the order of their events' hashes, so that any beginning of a split has both.

    Raises:
        UserError: unreadable files, unphysical jets, a file named twice, or the same jet or event in two splits.
    """
    source, seen = spec.source, _Findings(scales=_scales(spec.source))
    paths = [expand_path(file.path, "source.files") for file in source.files.all()]
    listed, keep = source.files.by_split(), source.duplicates == "keep"
    splits = [split for _, split in listed]
    contents = FileContents(list(zip(paths, splits, strict=True)), keep)
    files = [
        _File(number, path, file.label, partial(contents.prefix, path))
        for number, (path, (file, _)) in enumerate(zip(paths, listed, strict=True))
    ]
    duplicates = Duplicates(paths, keep, "jet", "jets")
    for split, block in _into_splits(files, splits, spec, seen):
        duplicates.add(split, block, block.entries.pop("place"))
        yield split, block
    duplicates.check(log)
    for line in (*describe_events(seen.events, whole="event" in unused_keys(source.format)), *seen.scales.remarks()):
        log(line)
    for reason, count in seen.left_out.items():
        if count:
            log(f"left out: {count} {reason}")
    lines = list(seen.balance.deviations())
    for line in lines[:_MOST_LINES]:
        log(line)
    if len(lines) > _MOST_LINES:
        log(f"{len(lines) - _MOST_LINES} further stretches are not mixed as chance would have it")


def _scales(source: JetSource) -> Scales:
    return Scales(source.unit, source.fields is not None and source.fields.pt is not None)


def _into_splits(
    files: Sequence[_File], splits: Sequence[str], spec: JetDataset, seen: _Findings
) -> Iterator[tuple[str, Block]]:
    """Yield (split, jets with their ``place``) of files that are a split each, or (no name) are assigned by event."""
    fractions = {split: getattr(spec.split, split) for split in SPLITS}
    for wanted in dict.fromkeys(splits):
        own = [file for file, split in zip(files, splits, strict=True) if split == wanted]
        for block in _stream(own, spec.source, seen):
            if wanted:
                yield wanted, block
                continue
            where = assign_splits(block.entries["event"], fractions, spec.split.seed)
            for i, split in enumerate(SPLITS):
                yield split, block.take(np.flatnonzero(where == i))


def unlabelled_jets(
    path: str,
    source: JetSource,
    left_out: Counter[str],
    rows: int = _ROWS,
    log: Callable[[str], None] = lambda line: None,
) -> Iterator[Block]:
    """Yield the jets of one file in its order, checked and selected as ``source`` says, whose class is not asked for.

    Args:
        path: the file; those of ``source`` do not matter.
        source: its format, the names in it, and what is selected.
        left_out: how many were left out, as "jets: REASON" or "constituents: REASON", is added to it.
        rows: entries of the file read at once.
        log: gets a line where the momenta do not look as they do in the unit of ``source``.

    Returns:
        Blocks of ``event`` int64 (n), as in samples where columns of the file name it, else the row in the file;
        offsets and ``constituents`` as in samples. ``label`` is 0 and means nothing.

    Raises:
        UserError: unreadable files or unphysical jets.
    """
    # A label for the whole file is what keeps readers from looking for one.
    seen = _Findings(left_out=left_out, scales=_scales(source))
    for block in _checked(_File(0, path, 0), source, rows, seen):
        block.entries.pop("place")
        yield block
    for line in seen.scales.remarks():
        log(line)


def _stream(files: Sequence[_File], source: JetSource, seen: _Findings) -> Iterator[Block]:
    """Yield the jets of files, one after the other, or side by side where each may hold a single class."""
    apart = len(files) > 1 and (source.format == "jetclass" or any(file.label is not None for file in files))
    if not apart:
        for file in files:
            yield from _beginning(_checked(file, source, _ROWS, seen), source.first)
        return
    rows = max(_FEWEST, _ROWS // len(files))
    with room_for(len(files)) as room:
        # What finds no room is opened again for every block.
        streams = [_checked(file, source, rows, seen, i >= room) for i, file in enumerate(files)]
        yield from _side_by_side([_beginning(stream, source.first) for stream in streams])


def _beginning(blocks: Iterator[Block], jets: int | None) -> Iterator[Block]:
    """Yield the first so many jets (None: all) and read no further."""
    for block in blocks:
        if jets is not None and len(block) >= jets:
            yield block.take(np.arange(jets))
            return
        jets = None if jets is None else jets - len(block)
        yield block


def _side_by_side(streams: list[Iterator[Block]]) -> Iterator[Block]:
    """Yield the next blocks of all streams together, in the order of their events' hashes."""
    while streams:
        blocks = [next(stream, None) for stream in streams]
        streams = [stream for stream, block in zip(streams, blocks, strict=True) if block is not None]
        found = [block for block in blocks if block is not None]
        if found:
            merged = concatenate(found, ("event", "label", "place"))
            yield merged.take(np.argsort(hash_events(merged.entries["event"]), kind="stable"))


def _checked(file: _File, source: JetSource, rows: int, seen: _Findings, closing: bool = False) -> Iterator[Block]:
    """Yield the jets of a file that are in the window, checked, hardest constituent first; see ``_reopened``."""
    read = partial(read_jets, file.path, source, file.prefix, file.label, rows, named=seen.events)
    for block in _reopened(read, seen.left_out) if closing else read(left_out=seen.left_out):
        checked = check_jets(block, file.path, source.order)
        seen.scales.add(file.path, checked)
        chosen = _hardest(_select(checked, source, seen.left_out), source)
        chosen.entries["place"] = row_ids(file.number, chosen.entries.pop("row"))
        if file.label is None:
            seen.balance.add(file.path, chosen.entries["label"])
        yield chosen


def _reopened(read: Callable[..., Iterator[Block]], left_out: Counter[str]) -> Iterator[Block]:
    """Yield the blocks of a file that is open only as long as one is read, at the price of reading again what was."""
    done = 0
    while True:
        found: Counter[str] = Counter()
        stream = read(left_out=found)
        for _ in range(done):
            next(stream, None)
        found.clear()
        block = next(stream, None)
        stream.close()
        left_out.update(found)
        if block is None:
            return
        yield block
        done += 1


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


def concatenate(blocks: Sequence[Block], names: Sequence[str] = ("event", "label")) -> Block:
    """Return several blocks of jets as one, with these of their entries."""
    entries = {name: np.concatenate([b.entries[name] for b in blocks]) for name in names}
    flat = {"constituents": np.concatenate([b.flat["constituents"] for b in blocks])}
    return Block(entries, counts_to_offsets(np.concatenate([np.diff(b.offsets) for b in blocks])), flat)
