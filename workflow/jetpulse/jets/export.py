"""Jets out of the workflow, in the formats of the field's other tools: ROOT, parquet, npz; streamed in blocks.

All hold the same: ``event``, ``label``, and the constituents' E, px, py, pz in GeV, hardest first. ROOT: a tree
``jets`` with branches ``constituent_E`` ...; parquet: lists in columns ``E`` ...; npz: ``constituents`` (total, 4),
``counts``. The same jets give the same bytes.
"""

import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.jets.kinematics import COLUMNS
from jetpulse.samples import Block, iterate_blocks, open_own, publish, read_attributes, split_sizes

Progress = Callable[[int], None]
FORMATS = ("root", "parquet", "npz")
_ROWS = 10_000
_TREE = "jets"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date in a zip archive
_ROOT_DATE = (1 << 22) | (1 << 17)  # 1 January 1995, 0:00, the earliest in a ROOT file


def export_jets(
    samples: str | Path,
    path: str | Path,
    format: str,
    splits: Sequence[str],
    progress: Progress = lambda n: None,
) -> int:
    """Write the jets of some splits of a samples file, one after the other; return how many.

    Raises:
        UserError: not a samples file of jets, or no jets in these splits.
    """
    read_attributes(samples, "jets")
    sizes = split_sizes(samples)
    total = sum(sizes.get(split, 0) for split in splits)
    if total == 0:
        raise UserError(f"{samples}: no jets in {', '.join(splits)}; choose another split")
    with publish(path) as temporary:
        blocks = _blocks(samples, splits, progress)
        if format == "npz":
            _write_npz(temporary, samples, splits, total)
            progress(total)
        else:
            {"root": _write_root, "parquet": _write_parquet}[format](temporary, blocks)
    return total


def _blocks(samples: str | Path, splits: Sequence[str], progress: Progress) -> Iterator[Block]:
    for split in splits:
        for block in iterate_blocks(samples, split, _ROWS):
            if len(block):
                yield block
                progress(len(block))


def _write_parquet(path: Path, blocks: Iterator[Block]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = [pa.field(name, pa.list_(pa.field("item", pa.float32(), nullable=False))) for name in COLUMNS]
    schema = pa.schema([pa.field("event", pa.int64()), pa.field("label", pa.int8()), *lists])
    schema = schema.with_metadata({"units": "E, px, py, pz in GeV, hardest constituent first; label 1: top, 0: QCD"})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in blocks:
            offsets = pa.array(block.offsets.astype(np.int32))
            columns = block.flat["constituents"].T
            momenta = [
                pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(column)), type=field.type)
                for column, field in zip(columns, lists, strict=True)
            ]
            entries = [pa.array(block.entries["event"]), pa.array(block.entries["label"])]
            writer.write_batch(pa.record_batch([*entries, *momenta], schema=schema))


def _write_root(path: Path, blocks: Iterator[Block]) -> None:
    import awkward as ak
    import uproot

    branches: dict[str, Any] = {"event": "int64", "label": "int8"}
    branches["constituent"] = ak.types.from_datashape(
        "var * {" + ", ".join(f"{name}: float32" for name in COLUMNS) + "}", highlevel=False
    )
    identity = uuid.uuid5(uuid.NAMESPACE_OID, _TREE)
    # Given as an open file, whose name, which is temporary, does not get into the content.
    with _undated(uproot), path.open("w+b") as opened, uproot.recreate(opened, uuid_function=lambda: identity) as file:
        tree = file.mktree(
            _TREE, branches, title="jets: momenta in GeV, hardest constituent first; label 1: top, 0: QCD"
        )
        for block in blocks:
            columns = dict(zip(COLUMNS, block.flat["constituents"].T, strict=True))
            constituents = ak.unflatten(ak.zip(columns), np.diff(block.offsets))
            tree.extend({**{name: block.entries[name] for name in ("event", "label")}, "constituent": constituents})


@contextmanager
def _undated(uproot: Any) -> Iterator[None]:
    """Let uproot write one fixed date into every record of a ROOT file, so that bytes do not tell the time."""
    original = uproot._util.datetime_to_code
    uproot._util.datetime_to_code = lambda when: _ROOT_DATE
    try:
        yield
    finally:
        uproot._util.datetime_to_code = original


def _write_npz(path: Path, samples: str | Path, splits: Sequence[str], total: int) -> None:
    """Write an archive of arrays whose lengths are known before; numpy.savez would need all of them in memory."""
    with open_own(samples) as handle:
        constituents = sum(len(handle[split]["constituents"]) for split in splits)
    arrays: dict[str, tuple[tuple[int, ...], str, Callable[[Block], np.ndarray]]] = {
        "constituents": ((constituents, 4), "<f4", lambda block: block.flat["constituents"]),
        "counts": ((total,), "<i8", lambda block: np.diff(block.offsets)),
        "label": ((total,), "<i8", lambda block: block.entries["label"]),
        "event": ((total,), "<i8", lambda block: block.entries["event"]),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (shape, dtype, part) in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                header = {"descr": dtype, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for block in _blocks(samples, splits, lambda n: None):
                    file.write(np.ascontiguousarray(part(block), dtype).tobytes())
