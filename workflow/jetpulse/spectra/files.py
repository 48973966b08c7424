"""The spectra chain's file: samples with splits, generated or read."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from jetpulse.config import SpectrumDataset, expand_path
from jetpulse.errors import UserError
from jetpulse.samples import SPLITS, Block, Writer, assign_splits, shuffle_splits
from jetpulse.samples.frames import Frame, open_frame
from jetpulse.spectra.checks import check_counts, check_flux, check_sizes
from jetpulse.spectra.generator import generate_block

Progress = Callable[[int], None]
_VALUES = 5_000_000  # counts in memory at once while reading


def write_samples(path: str | Path, spec: SpectrumDataset, progress: Progress = lambda n: None) -> Counter:
    """Write samples.h5 of a dataset whose spectra are generated or read; return the number of spectra by split.

    Every split is a group: ``event`` int64 (n), ``counts`` float32 (n, bins) and, where they are known, ``flux``
    float64 (n, lines). The event is the number of a generated spectrum, or file number << 40 | row.

    Raises:
        UserError: a bad file, or a split that ends up empty.
    """
    counts: Counter = Counter()
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
                    chosen = np.flatnonzero(where == i)
                    writer.append(split, block.take(chosen))
                    counts[split] += len(chosen)
                position += len(block)
                progress(len(block))
            _check_splits(path, spec, counts)
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
    with ExitStack() as stack:

        def opened(name: str, key: str) -> list[Frame]:
            paths = [expand_path(item, f"source.{name}") for item in getattr(source, name) or []]
            return [stack.enter_context(open_frame(path, key)) for path in paths]

        frames, targets = opened("files", "data"), opened("targets", "targets")
        check_sizes(frames, targets)
        first = _block(np.zeros((0, frames[0].columns)), np.zeros((0, targets[0].columns)) if targets else None)
        yield sum(frame.rows for frame in frames), first, _from_files(frames, targets)


def _block(counts: np.ndarray, flux: np.ndarray | None, event: int = 0) -> Block:
    """Return spectra as a block whose event ids count from ``event``; no line means no flux either."""
    entries = {"event": event + np.arange(len(counts), dtype=np.int64), "counts": counts.astype(np.float32)}
    return Block(entries if flux is None or not flux.shape[1] else {**entries, "flux": flux.astype(np.float64)})


def _generated(spec: SpectrumDataset) -> Iterator[Block]:
    settings = spec.source.counts
    for number in range(-(-settings.n // settings.block)):
        made = generate_block(settings, number)
        yield _block(made.counts, made.flux, number * settings.block)


def _from_files(frames: list[Frame], targets: list[Frame]) -> Iterator[Block]:
    rows = max(1, _VALUES // frames[0].columns)
    for number, frame in enumerate(frames):
        for start in range(0, frame.rows, rows):
            counts = frame.read(start, start + rows)
            check_counts(counts, frame.path, start)
            flux = targets[number].read(start, start + rows) if targets else None
            if flux is not None:
                check_flux(flux, targets[number].path, start)
            yield _block(counts, flux, (number << 40) + start)
