"""The file of jets as numbers: one row of observables for each jet, split by split."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jetpulse.config import JetObservables
from jetpulse.jets.substructure import UNITS, jet_substructure
from jetpulse.samples import SPLITS, Block, Writer, iterate_blocks, read_attributes

_ROWS = 10_000


def write_jet_observables(
    samples: str | Path,
    path: str | Path,
    spec: JetObservables,
    threads: int = 1,
    progress: Callable[[int], None] = lambda n: None,
) -> None:
    """Write the observables of all splits of a samples file; kind ``jet-observables``.

    Every split is a group: ``event`` int64 (n), ``label`` int8 (n), ``features`` float32 (n, columns). The columns'
    names are the attribute ``columns``, their units are in ``units``.

    Raises:
        UserError: not a sample of jets, or a damaged file.
    """
    source = read_attributes(samples, "jets")
    attributes = {
        "shape": [len(spec.columns)],
        "outputs": 2,
        "features": "features",
        "columns": ", ".join(spec.columns),
        "dataset": json.dumps(source["spec"], sort_keys=True),
    }
    units = {name: UNITS[name] for name in spec.columns}
    with Writer.create(
        path, "jet-observables", spec=spec.model_dump(), units=units, packages=("numba",), **attributes
    ) as writer:
        for split in SPLITS:
            for block in iterate_blocks(samples, split, _ROWS):
                found = jet_substructure(block.flat["constituents"], block.offsets, threads)
                features = np.stack([found[name] for name in spec.columns], axis=1).astype(np.float32)
                entries = {name: block.entries[name] for name in ("event", "label")}
                writer.append(split, Block(entries | {"features": features}))
                progress(len(block))
