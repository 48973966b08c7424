"""The jet chain's files: simulated blocks, samples with splits, images; each function writes one file."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import JetDataset, JetImage, Simulation
from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.images import build_images
from jetpulse.jets.intake import concatenate, jets_of_files
from jetpulse.jets.kernels import TIE
from jetpulse.samples import (
    SPLITS,
    Block,
    Writer,
    assign_splits,
    hash_events,
    iterate_blocks,
    read_attributes,
    read_block,
)

Progress = Callable[[int], None]
Log = Callable[[str], None]
_UNITS = {"constituents": "GeV (columns E, px, py, pz), hardest first", "jet": "GeV (columns E, px, py, pz)"}
# Packages that read a format, beside h5py; a simulation's files have been written with hdf5plugin's name in them.
_PACKAGES = {
    "top-tagging": ("hdf5plugin",),
    "parquet": ("pyarrow",),
    "nanoaod": ("uproot", "awkward"),
    "jetclass": ("uproot", "awkward"),
    "tree": ("uproot", "awkward"),
    "delphes": ("uproot", "awkward", "fastjet"),
}
_ROWS = 10_000


def write_simulated_block(
    path: str | Path, spec: Simulation, process: str, block: int, progress: Progress = lambda n: None
) -> None:
    """Simulate one block of jets and write it as the group ``all`` of an HDF5 file of kind ``jets-raw``."""
    from jetpulse.jets.simulation import simulate_block  # Pythia and FastJet load for this alone

    count = min(spec.block, spec.jets_per_class - block * spec.block)
    if count <= 0:
        last = (spec.jets_per_class - 1) // spec.block
        raise UserError(
            f"block {block} does not exist: {spec.jets_per_class} jets in blocks of {spec.block} end with block {last}"
        )
    packages = ("pythia8mc", "fastjet", "awkward", "numba")
    attributes = {"process": process, "block": block, "seed": spec.seed}
    with Writer.create(
        path, "jets-raw", spec=spec.model_dump(), units=_UNITS, packages=packages, **attributes
    ) as writer:
        writer.append("all", simulate_block(spec, process, block, count, progress))


def write_samples(
    path: str | Path,
    spec: JetDataset,
    raw: Sequence[str | Path],
    progress: Progress = lambda n: None,
    log: Log = lambda line: None,
) -> Counter:
    """Write samples.h5 of a dataset from simulated blocks (``raw``) or from the files that ``spec`` names.

    Returns the number of jets by (split, label). ``log`` gets a line for what is worth knowing: jets that are left out,
    stretches of a file that are not mixed.

    Raises:
        UserError: unphysical jets, the same jet in two splits, or a split that lacks jets or a class.
    """
    counts: Counter = Counter()
    written: set[str] = set()
    columns = {"columns": "E, px, py, pz"}
    packages = _PACKAGES.get(spec.source.format, ())
    with Writer.create(path, "jets", spec=spec.model_dump(), units=_UNITS, packages=packages, **columns) as writer:
        stream = _simulated(spec, raw) if spec.source.simulation else jets_of_files(spec, log)
        for split, block in stream:
            writer.append(split, block)
            written.add(split)
            counts.update((split, int(label)) for label in block.entries["label"])
            progress(len(block))
        for split in SPLITS:
            if split not in written:
                writer.append(split, _empty_jets())
        _check_classes(path, spec, counts)
    return counts


def _empty_jets() -> Block:
    entries = {"event": np.zeros(0, np.int64), "label": np.zeros(0, np.int8)}
    return Block(entries, np.zeros(1, np.int64), {"constituents": np.zeros((0, 4), np.float32)})


def _simulated(spec: JetDataset, raw: Sequence[str | Path]) -> Iterator[tuple[str, Block]]:
    """Yield (split, jets); blocks of equal number are merged in the order of their events' hashes, mixing classes."""
    groups: dict[int, list[str | Path]] = {}
    for path in sorted(raw, key=str):
        groups.setdefault(read_attributes(path, "jets-raw")["block"], []).append(path)
    fractions = {split: getattr(spec.split, split) for split in SPLITS}
    for _, paths in sorted(groups.items()):
        blocks = [read_block(path, "all") for path in paths]
        for path, block in zip(paths, blocks, strict=True):
            check_jets(block, path)
        merged = concatenate(blocks)
        merged = merged.take(np.argsort(hash_events(merged.entries["event"]), kind="stable"))
        where = assign_splits(merged.entries["event"], fractions, spec.split.seed)
        for i, split in enumerate(SPLITS):
            yield split, merged.take(np.flatnonzero(where == i))


def _check_classes(path: str | Path, spec: JetDataset, counts: Counter) -> None:
    for split in SPLITS:
        found = {label: counts[split, label] for label in (0, 1)}
        if spec.has(split) and not all(found.values()):
            raise UserError(
                f"{path}: split {split!r} has {found[1]} top and {found[0]} QCD jets, needs both; "
                f"{_without_background(spec, counts) or 'add jets or change the split'}"
            )


def _without_background(spec: JetDataset, counts: Counter) -> str:
    """Return what is wrong where every jet has one of the columns that the config calls signal."""
    label = spec.source.label
    if label is None or len(label.signal) < 2 or label.background or any(counts[split, 0] for split in SPLITS):
        return ""
    names = ", ".join(label.signal)
    return f"every jet is of one of {names}; say which is background: {{signal: [...], background: [...]}} in `label`"


def write_jet_images(
    samples: str | Path,
    path: str | Path,
    spec: JetImage,
    threads: int = 1,
    progress: Progress = lambda n: None,
) -> None:
    """Write sparse images of all splits of a samples file; kind ``jet-image``."""
    source: dict[str, Any] = read_attributes(samples, "jets")
    unit = "1" if any(step.startswith("normalise") for step in spec.steps) else "GeV"
    attributes = {
        "shape": [spec.pixels, spec.pixels],
        "axes": "eta, phi",
        "edges": [-spec.half_width, spec.half_width],
        "tie_rule": f"an edge belongs to the pixel above it, with {TIE} pixel widths of margin below",
        "dataset": json.dumps(source["spec"], sort_keys=True),
        "outputs": 2,
    }
    units = {"pixel": "row * pixels + column", "value": unit}
    packages = ("numba",)
    with Writer.create(
        path, "jet-image", spec=spec.model_dump(), units=units, packages=packages, **attributes
    ) as writer:
        for split in SPLITS:
            for block in iterate_blocks(samples, split, _ROWS):
                images = build_images(
                    block.flat["constituents"],
                    block.offsets,
                    spec.pixels,
                    spec.half_width,
                    spec.steps,
                    threads,
                )
                entries = {name: block.entries[name] for name in ("event", "label")}
                writer.append(split, Block(entries, images[0], {"pixel": images[1], "value": images[2]}))
                progress(len(block))
