"""The pulse chain's file: samples of generated or of the user's waveforms, dealt to the splits."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from jetpulse.config import PulseDataset, Split, Waveforms, expand_path
from jetpulse.errors import UserError
from jetpulse.pulses.checks import check_traces
from jetpulse.pulses.generator import Triplets, generate_block, generate_exact
from jetpulse.pulses.readers import measure_traces, read_traces
from jetpulse.samples import (
    SPLITS,
    Block,
    FileContents,
    Writer,
    assign_splits,
    describe_events,
    row_ids,
    shuffle_splits,
)
from jetpulse.samples.duplicates import Duplicates

Progress = Callable[[int], None]
_UNITS = {"event": "1", "label": "bin of the coincident pulse, from 0"}
_ROWS = 10_000  # entries written at once


def write_samples(
    path: str | Path,
    spec: PulseDataset,
    threads: int = 1,
    progress: Progress = lambda n: None,
    log: Callable[[str], None] = lambda line: None,
) -> Counter:
    """Write samples.h5 of a dataset of waveforms, generated or from the files that ``spec`` names.

    Entries stream through in blocks, save for the reference's own sequence (``exact``), which is drawn in one piece.
    Within a split they keep the order in which they come. A dataset of no entries gives three empty splits.

    Args:
        path: the file to write; the same bytes for any ``threads``.
        spec: the dataset.
        threads: CPU threads.
        progress: called with the number of entries just written.
        log: called with lines on what an event is, and on entries that are there twice.

    Returns:
        Number of entries by split.

    Raises:
        UserError: unusable input, a file named twice, the same waveforms or event in two splits, or a split that should
            have entries but got none.
    """
    duplicates, named = None, {}
    waveforms = spec.source.waveforms
    if waveforms:
        n, shape = waveforms.n, (waveforms.traces, waveforms.samples)
        blocks = _generated(waveforms, threads)
        units = _UNITS | {
            "waveform": "1 (a wave of the background has height 1)",
            "time": f"1 (a trace lasts {waveforms.duration:g})",
            "amplitude": "as waveform",
            "pulses": "number of further pulses",
        }
    else:
        paths = [expand_path(name, "source.files") for name in spec.source.files]
        n, shape = _measure(paths)
        keep = spec.source.duplicates == "keep"
        duplicates = Duplicates(paths, keep)
        blocks = _from_files(paths, spec, FileContents([(name, "") for name in paths], keep), named)
        units = _UNITS | {"waveform": "as in the files"}
    document = spec.model_dump()
    attributes = {
        "shape": list(shape),
        "outputs": shape[1],
        "features": "waveform",
        "dataset": json.dumps(document, sort_keys=True),
    }
    counts: Counter = Counter(dict.fromkeys(SPLITS, 0))
    labels: set[int] = set()
    with Writer.create(path, "pulses", spec=document, units=units, packages=("numba",), **attributes) as writer:
        for split, block in _deal(_ahead(blocks) if threads > 1 else blocks, n, spec.split):
            if duplicates is not None:
                duplicates.add(split, block, block.entries.pop("place"))
            writer.append(split, block)
            counts[split] += len(block)
            if len(labels) < 2:
                labels.update(np.unique(block.entries["label"]).tolist())
            progress(len(block))
        if duplicates is not None:
            duplicates.check(log)
        _check_filled(path, spec, counts)
    for line in describe_events(named):
        log(line)
    if counts.total() > 1 and len(labels) == 1:
        log(f"label is {labels.pop()} in all {counts.total()} entries; there is nothing to learn from them")
    return counts


def _generated(spec: Waveforms, threads: int) -> Iterator[Block]:
    whole = spec.exact or spec.n == 0
    pieces = 1 if whole else -(-spec.n // spec.block)
    for number in range(pieces):
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused next
            made = generate_exact(spec, threads) if whole else generate_block(spec, number, threads)
        check_traces(made.waveform, made.label, "source.waveforms", first=number * spec.block)
        for start in range(0, max(len(made.label), 1), _ROWS):
            yield _to_block(made, slice(start, start + _ROWS), number * spec.block + start)


def _to_block(made: Triplets, rows: slice, first: int) -> Block:
    label = made.label[rows].astype(np.int32)
    return Block(
        {
            "event": np.arange(first, first + len(label), dtype=np.int64),
            "label": label,
            "waveform": made.waveform[rows],
            "time": made.time[rows],
            "amplitude": made.amplitude[rows].astype(np.float32),
            "pulses": made.pulses[rows].astype(np.int32),
        }
    )


def _measure(paths: Sequence[str]) -> tuple[int, tuple[int, int]]:
    """Return the number of entries of all files and their common (traces, samples)."""
    shapes = {path: measure_traces(path) for path in paths}
    first = paths[0]
    for path in paths:
        if shapes[path][1:] != shapes[first][1:]:
            (a, b), (c, d) = shapes[path][1:], shapes[first][1:]
            raise UserError(
                f"{path}: entries are {a} traces of {b} samples, but {first} has {c} of {d}; "
                "give such files data sets of their own"
            )
    return sum(shapes[path][0] for path in paths), shapes[first][1:]


def _from_files(
    paths: Sequence[str], spec: PulseDataset, contents: FileContents, named: dict[str, tuple[str, ...]]
) -> Iterator[Block]:
    """Yield the entries of files with their ``place``: the number of the file << 32 | row."""
    for number, path in enumerate(paths):
        for block in read_traces(path, spec.source.event, partial(contents.prefix, path), _ROWS, named):
            block.entries["place"] = row_ids(number, block.entries.pop("row"))
            yield block


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield the same blocks; each is made while the one before is compressed and written."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield block


def _deal(blocks: Iterator[Block], n: int, split: Split) -> Iterator[tuple[str, Block]]:
    """Yield the part of every block that goes to each split: by event, or by place among all n entries."""
    fractions = {name: getattr(split, name) for name in SPLITS}
    places = shuffle_splits(n, fractions, split.seed) if split.method == "shuffle" else None
    start = 0
    for block in blocks:
        if places is None:
            where = assign_splits(block.entries["event"], fractions, split.seed)
        else:
            where = places[start : start + len(block)]
        start += len(block)
        for i, name in enumerate(SPLITS):
            yield name, block.take(np.flatnonzero(where == i))


def _check_filled(path: str | Path, spec: PulseDataset, counts: Counter) -> None:
    total = sum(counts.values())
    for split in SPLITS:
        if total and spec.has(split) and not counts[split]:
            fraction = getattr(spec.split, split)
            raise UserError(
                f"{path}: split {split!r} has none of the {total} entries, expected a fraction of {fraction:g}; "
                "add entries or change the split"
            )
