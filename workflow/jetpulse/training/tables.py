"""Flat tables that grow block by block: CSV, parquet or HDF5, whichever a path's ending says."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.errors import UserError
from jetpulse.samples import Block, Writer, publish

ENDINGS = (".csv", ".parquet", ".h5", ".hdf5")
Append = Callable[[Mapping[str, np.ndarray]], None]


def check_ending(path: Path) -> None:
    """Refuse a table of no known kind.

    Raises:
        UserError: another ending.
    """
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: a table's name must end in one of {', '.join(ENDINGS)}")


@contextmanager
def open_table(path: Path, about: Mapping[str, Any]) -> Iterator[Append]:
    """Yield a function that appends columns (n,) to a table, which appears under its name when it is complete.

    Every call must have the same columns. ``about`` (JSON) is kept in parquet's metadata and in HDF5's attributes,
    where the table is the group ``scores``; CSV has no place for it.

    Raises:
        UserError: another ending, or the folder cannot be written.
    """
    check_ending(path)
    kind = {".csv": _csv, ".parquet": _parquet}.get(path.suffix, _hdf5)
    with kind(path, about) as append:
        yield append


@contextmanager
def _csv(path: Path, about: Mapping[str, Any]) -> Iterator[Append]:
    with publish(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")

        def append(columns: Mapping[str, np.ndarray]) -> None:
            if handle.tell() == 0:
                writer.writerow(columns)
            writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))

        yield append


@contextmanager
def _parquet(path: Path, about: Mapping[str, Any]) -> Iterator[Append]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writers: list[pq.ParquetWriter] = []
    with publish(path) as temporary:

        def append(columns: Mapping[str, np.ndarray]) -> None:
            batch = pa.record_batch({name: pa.array(np.ascontiguousarray(v)) for name, v in columns.items()})
            if not writers:
                schema = batch.schema.with_metadata({"jetpulse": json.dumps(about, sort_keys=True)})
                writers.append(pq.ParquetWriter(temporary, schema, compression="zstd"))
            writers[0].write_batch(batch)

        try:
            yield append
        finally:
            for writer in writers:
                writer.close()


@contextmanager
def _hdf5(path: Path, about: Mapping[str, Any]) -> Iterator[Append]:
    with Writer.create(
        path, "scores", spec=about, units={"scores": "1; event and jet are numbers of entries"}, packages=("torch",)
    ) as writer:
        yield lambda columns: writer.append("scores", Block(dict(columns)))
