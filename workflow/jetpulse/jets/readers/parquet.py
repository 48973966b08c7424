"""Reader of parquet files: columns E_0, PX_0, ... of the public table, or a list of constituents in each column.

The wide layout is that of the mirror of the public sample (dl4phys/top_tagging on Hugging Face); lists are what
``export-jets`` writes: E, px, py, pz, label. Row groups are read in batches, not as a whole.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jetpulse.config import Fields, JetSource, Label
from jetpulse.errors import UserError, plain
from jetpulse.jets.kinematics import COLUMNS
from jetpulse.jets.readers.base import (
    MOST_AT_ONCE,
    Chunk,
    check_counts,
    check_lengths,
    event_names,
    missing_name,
    reading,
)
from jetpulse.jets.readers.labels import choose
from jetpulse.jets.readers.momenta import momenta_of_lists
from jetpulse.jets.readers.padding import drop_padding
from jetpulse.samples import counts_to_offsets

EXPORTED = Fields(**{name: name for name in COLUMNS})
_LABELS = ("label", "is_signal_new")
_MAGIC = b"PAR1"
_BUFFER = 1 << 16  # bytes of every column that are read from the disk at once
_WIDE_ROWS = 2_000  # of 800 columns


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the jets of a parquet file, at most ``rows`` at a time.

    Raises:
        UserError: not such a file, a missing column, lists of different lengths, or damaged data.
    """
    with reading(path, "the file"), path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise UserError(f"{path}: not a parquet file; check the path and the format")
    with reading(path, "the parquet file"):
        file = pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
    with file:
        with reading(path, "the schema"):
            schema = file.schema_arrow
            names = [plain(name) for name in schema.names]
        wide = source.fields is None and "E_0" in names
        fields = (source.fields or EXPORTED).names()
        momenta = _wide_columns(names, path) if wide else list(fields.values())
        label = None if labelled else source.label or _label_in(names)
        labels = label.names() if label else []
        events = event_names(source, names, exported=not wide and source.fields is None)
        _check_schema(schema, momenta, [*labels, *events], wide, path)
        start = 0
        for batch in _batches(file, [*momenta, *labels, *events], path, min(rows, _WIDE_ROWS) if wide else rows):
            with reading(path, f"events from {start}"):
                batch.validate(full=True)
                values = {name: _numbers(batch.column(name), name, path) for name in (*labels, *events)}
            row = np.arange(start, start + len(batch))
            found = _from_wide(batch, momenta, path) if wide else _from_lists(batch, fields, path, start)
            counts, constituents, left_out = found
            check_counts(counts, path, start)
            event = {name: values[name] for name in events}
            yield choose(Chunk(row, None, counts, constituents, left_out, event), label, values, path)
            start += len(batch)


def _batches(file: pq.ParquetFile, names: Sequence[str], path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    with reading(path, "the parquet file"):
        batches = file.iter_batches(batch_size=rows, columns=list(dict.fromkeys(names)), use_threads=False)
    done = 0
    while True:
        with reading(path, f"events from {done}"):
            batch = next(batches, None)
            if batch is None and done != file.metadata.num_rows:
                raise ValueError(f"the file ends there, but claims {file.metadata.num_rows} rows")
        if batch is None:
            return
        done += len(batch)
        yield batch


def _wide_columns(names: Sequence[str], path: Path) -> list[str]:
    """Return the names of the momentum columns, constituent by constituent."""
    count = sum(re.fullmatch(r"E_\d+", name) is not None for name in names)
    wanted = [f"{column.upper()}_{i}" for i in range(count) for column in COLUMNS]
    found = set(names)
    for name in wanted:
        if name not in found:
            raise missing_name(path, "column", name, names)
    return wanted


def _label_in(names: Sequence[str]) -> Label:
    return Label(name=next((name for name in _LABELS if name in names), _LABELS[0]))


def _check_schema(schema: pa.Schema, momenta: Sequence[str], labels: Sequence[str], wide: bool, path: Path) -> None:
    """Refuse missing columns, and columns of another type than is needed."""
    for name in (*momenta, *labels):
        if name not in schema.names:
            raise missing_name(path, "column", name, schema.names)
        if schema.names.count(name) > 1:
            raise UserError(f"{path}: column {name!r} is there {schema.names.count(name)} times; rename one")
        kind = schema.field(name).type
        lists = name in momenta and not wide
        inner = kind.value_type if lists and _is_list(kind) else kind
        numeric = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_boolean(inner)
        if lists != _is_list(kind) or not numeric:
            wanted = "a list of numbers" if lists else "one number"
            raise UserError(f"{path}: column {name!r} holds {plain(kind)[:60]}, expected {wanted} for each jet")


def _is_list(kind: Any) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _numbers(column: pa.Array, name: str, path: Path) -> np.ndarray:
    if column.null_count:
        raise UserError(f"{path}: column {name!r} has {column.null_count} missing values (null); remove these jets")
    return column.to_numpy(zero_copy_only=False)


def _or_nan(column: pa.Array, name: str, path: Path) -> np.ndarray:
    """Return numbers, missing ones as NaN: pandas writes the NaN of padding so."""
    numbers = not pa.types.is_boolean(column.type)
    return column.to_numpy(zero_copy_only=False) if numbers else _numbers(column, name, path)


def _check_missing(momenta: np.ndarray, missing: Mapping[str, int], path: Path) -> None:
    """Refuse missing numbers if some were no padding; ``missing`` has how many each column has."""
    name = next((name for name, count in missing.items() if count), None)
    if name is not None and np.isnan(momenta).any():
        raise UserError(f"{path}: column {name!r} has {missing[name]} missing values (null); remove these jets")


def _from_wide(batch: pa.RecordBatch, momenta: Sequence[str], path: Path) -> tuple[np.ndarray, np.ndarray, dict]:
    values = np.empty((len(batch), len(momenta)), np.float32)
    for i, name in enumerate(momenta):
        with reading(path, f"column {name!r}"), np.errstate(over="ignore"):
            values[:, i] = _or_nan(batch.column(name), name, path)
    counts, found = drop_padding(values.reshape(len(batch), -1, 4))
    _check_missing(found, {name: batch.column(name).null_count for name in momenta}, path)
    return counts, found, {}


def _from_lists(
    batch: pa.RecordBatch, fields: dict[str, str], path: Path, start: int
) -> tuple[np.ndarray, np.ndarray, dict]:
    counts, columns, missing, first = None, {}, {}, ""
    fixed = all(pa.types.is_fixed_size_list(batch.column(name).type) for name in fields.values())
    for key, name in fields.items():
        with reading(path, f"column {name!r}"):
            column = batch.column(name)
            lengths = _numbers(column.value_lengths(), name, path).astype(np.int64)
            if not fixed and lengths.sum() > 8 * MOST_AT_ONCE:
                raise UserError(
                    f"{path}: column {name!r} has {lengths.sum()} values in {len(column)} jets; not believed"
                )
            flat = column.flatten()
            columns[key], missing[name] = _or_nan(flat, name, path), flat.null_count
        counts, first = (lengths, name) if counts is None else (counts, first)
        check_lengths(lengths, counts, (name, first), path, start)
    counts, momenta, left_out = momenta_of_lists(counts_to_offsets(counts), columns, fixed, path, start)
    _check_missing(momenta, missing, path)
    return counts, momenta, left_out
