"""The spectra chain's file: samples with splits, generated or read."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np

from jetpulse.config import SpectrumDataset, expand_path
from jetpulse.config.spectra import SpectrumSource
from jetpulse.errors import UserError
from jetpulse.samples import (
    SPLITS,
    Block,
    FileContents,
    Writer,
    assign_splits,
    describe_events,
    event_ids,
    row_ids,
    shuffle_splits,
)
from jetpulse.samples.duplicates import Duplicates
from jetpulse.samples.frames import Frame, open_frame
from jetpulse.spectra.checks import check_counts, check_flux, check_sizes
from jetpulse.spectra.generator import generate_block

Progress = Callable[[int], None]
_COUNTS, _FLUXES = "data", "targets"  # keys of frames in their files
_VALUES = 5_000_000  # counts in memory at once while reading


def write_samples(
    path: str | Path,
    spec: SpectrumDataset,
    progress: Progress = lambda n: None,
    log: Callable[[str], None] = lambda line: None,
) -> Counter:
    """Write samples.h5 of a dataset whose spectra are generated or read; return the number of spectra by split.

    Every split is a group: ``event`` int64 (n), ``counts`` float32 (n, bins) and, where they are known, ``flux``
    float64 (n, lines). The event is the number of a generated spectrum, or what ``jetpulse.samples.events`` says.
    ``log`` gets lines on what an event is, and on spectra that are there twice.

    Raises:
        UserError: a bad file, one named twice, the same spectrum or event in two splits, or a split that ends up empty.
    """
    counts: Counter = Counter()
    paths = [expand_path(name, "source.files") for name in spec.source.files or []]
    duplicates = Duplicates(paths, spec.source.duplicates == "keep", "spectrum", "spectra") if paths else None
    with _open(spec) as (n, first, blocks):
        bins = first.entries["counts"].shape[1]
        attributes = {
            "shape": [bins],
            "outputs": 0,
            "features": "counts",
            "dataset": json.dumps(spec.model_dump(), sort_keys=True),
        }
        units = {"counts": "1 (counts of a bin)"}
        if "flux" in first.entries:
            units["flux"] = "1 (a line adds flux x Gaussian density on the axis from 0 to 1 to the counts of each bin)"
        packages = ("hdf5plugin",) if spec.source.files else ()
        with Writer.create(
            path, "spectra", spec=spec.model_dump(), units=units, packages=packages, **attributes
        ) as writer:
            for split in SPLITS:
                writer.append(split, first)
            position = 0
            for block in blocks:
                where = _splits(spec, block.entries["event"], position, n)
                for i, split in enumerate(SPLITS):
                    part = block.take(np.flatnonzero(where == i))
                    if duplicates is not None:
                        duplicates.add(split, part, part.entries.pop("place"))
                    writer.append(split, part)
                    counts[split] += len(part)
                position += len(block)
                progress(len(block))
            if duplicates is not None:
                duplicates.check(log)
            _check_splits(path, spec, counts)
    for line in describe_events(dict.fromkeys(paths, tuple(spec.source.event or ()))):
        log(line)
    return counts


def _splits(spec: SpectrumDataset, event: np.ndarray, position: int, n: int) -> np.ndarray:
    """Return the index into ``SPLITS`` of entries ``position`` and following of n."""
    fractions = {split: getattr(spec.split, split) for split in SPLITS}
    if spec.split.method == "hash":
        return assign_splits(event, fractions, spec.split.seed)
    return shuffle_splits(n, fractions, spec.split.seed)[position : position + len(event)]


def _check_splits(path: str | Path, spec: SpectrumDataset, counts: Counter) -> None:
    total = counts.total()
    for split in SPLITS:
        fraction = getattr(spec.split, split)
        if total and fraction > 0 and not counts[split]:
            raise UserError(
                f"{path}: split {split!r} has none of the {total} spectra, its fraction is {fraction:g}; "
                "add spectra or change the split"
            )


@contextmanager
def _open(spec: SpectrumDataset) -> Iterator[tuple[int, Block, Iterator[Block]]]:
    """Yield the number of spectra, an empty block that shows the layout, and the blocks."""
    source = spec.source
    if source.counts:
        lines = len(source.counts.lines)
        yield source.counts.n, _block(np.zeros((0, source.counts.bins)), np.zeros((0, lines))), _generated(spec)
        return
    frames, targets = _measured(source, "files", _COUNTS), _measured(source, "targets", _FLUXES)
    events = source.event or []
    check_sizes(frames, targets, len(events))
    bins = frames[0].columns - len(events)
    first = _block(np.zeros((0, bins)), np.zeros((0, targets[0].columns)) if targets else None)
    contents = FileContents([(str(frame.path), "") for frame in frames], source.duplicates == "keep")
    yield sum(frame.rows for frame in frames), first, _from_files(frames, targets, events, contents)


def _measured(source: SpectrumSource, name: str, key: str) -> list[Frame]:
    """Return the frames of files, closed: there may be more of them than can be open at once."""
    found = []
    for item in getattr(source, name) or []:
        with open_frame(expand_path(item, f"source.{name}"), key) as frame:
            found.append(frame)
    return found


def _block(counts: np.ndarray, flux: np.ndarray | None, event: np.ndarray | int = 0) -> Block:
    """Return spectra as a block with these event ids, or ids that count from one; no line means no flux either."""
    event = event + np.arange(len(counts), dtype=np.int64) if isinstance(event, int) else event
    entries = {"event": event, "counts": counts.astype(np.float32)}
    return Block(entries if flux is None or not flux.shape[1] else {**entries, "flux": flux.astype(np.float64)})


def _generated(spec: SpectrumDataset) -> Iterator[Block]:
    settings = spec.source.counts
    for number in range(-(-settings.n // settings.block)):
        made = generate_block(settings, number)
        yield _block(made.counts, made.flux, number * settings.block)


def _from_files(
    frames: Sequence[Frame], targets: Sequence[Frame], events: Sequence[str], contents: FileContents
) -> Iterator[Block]:
    """Yield the spectra of files with their ``place``: the number of the file << 32 | row."""
    rows = max(1, _VALUES // frames[0].columns)
    for number, path in enumerate(frame.path for frame in frames):
        beside = open_frame(targets[number].path, _FLUXES) if targets else nullcontext()
        with open_frame(path, _COUNTS) as frame, beside as target:
            bins = [i for i, name in enumerate(frame.names or range(frame.columns)) if name not in events]
            for start in range(0, frame.rows, rows):
                counts = frame.read(start, start + rows)[:, bins]
                check_counts(counts, path, start)
                flux = target.read(start, start + rows) if target else None
                if flux is not None:
                    check_flux(flux, target.path, start)
                row = np.arange(start, start + len(counts))
                columns = {name: frame.column(name, start, start + rows) for name in events}
                prefix = 0 if events else contents.prefix(str(path))
                block = _block(counts, flux, event_ids(columns, path, row) if events else row_ids(prefix, row))
                block.entries["place"] = row_ids(number, row)
                yield block
