"""Reader of npz archives with ``constituents`` (total, 4), ``counts`` (n) and ``label`` (n), streamed from the archive.

Constituents are E, px, py, pz, jet after jet; ``event`` (n), if it is there, is the same for jets of one event. The
arrays are read piece by piece, so that neither a large archive nor a damaged header takes more memory than a block.
"""

import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from jetpulse.config import JetSource
from jetpulse.errors import UserError, plain
from jetpulse.jets.kinematics import COLUMNS
from jetpulse.jets.readers.base import MOST_AT_ONCE, Chunk, check_counts, event_names, reading
from jetpulse.jets.readers.padding import PADDING, cut_padding
from jetpulse.samples import counts_to_offsets

_JETS = ("constituents", "counts")
_SHAPES = {"constituents": "(total, 4)", "counts": "(n,)", "label": "(n,)"}


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the jets of an npz archive, ``rows`` at a time.

    Raises:
        UserError: not such an archive, Python objects in it, arrays that do not fit together, or damaged data.
    """
    names = [name for name in _SHAPES if not (labelled and name == "label")]
    with ExitStack() as stack:
        with reading(path, "the archive"):
            file = stack.enter_context(path.open("rb"))
            if not zipfile.is_zipfile(file):
                size = path.stat().st_size
                raise UserError(
                    f"{path}: not an npz archive, or truncated ({size} bytes); write it with numpy.savez, or "
                    "fetch it again"
                )
            archive = stack.enter_context(zipfile.ZipFile(file))
            found = [info.filename.removesuffix(".npy") for info in archive.infolist()]
        events = event_names(source, found, exported=True)
        if wrong := [name for name in events if name in _JETS]:
            raise UserError(f"{path}: {wrong[0]} cannot name events; choose another array by `event`")
        arrays = {name: _open_array(archive, name, path, stack) for name in dict.fromkeys([*names, *events])}
        _check_lengths(arrays, path)
        n, total = arrays["counts"].shape[0], arrays["constituents"].shape[0]
        done = 0
        for start in range(0, n, rows):
            counts = arrays["counts"].read(min(rows, n - start))
            counts = (
                counts.astype(np.int64) if counts.dtype != np.uint64 else counts.astype(np.float64).astype(np.int64)
            )
            check_counts(counts, path, start)
            if done + counts.sum() > total or (start + len(counts) == n and done + counts.sum() != total):
                whole = "at least " if start + len(counts) < n else ""
                raise UserError(
                    f"{path}: counts add up to {whole}{done + counts.sum()}, but there are {total} constituents; "
                    "check how the file was written"
                )
            done += int(counts.sum())
            for part in _pieces(counts):
                columns = {name: arrays[name].read(len(part)) for name in arrays if name not in _JETS}
                momenta = arrays["constituents"].read(int(part.sum()))
                left, momenta, padding = _without_padding(part, momenta)
                event = {name: columns[name] for name in events}
                yield Chunk(np.arange(start, start + len(part)), columns.get("label"), left, momenta, padding, event)
                start += len(part)


@dataclass(frozen=True)
class _Array:
    """An array in an archive, read from its beginning to its end: one stream, in Fortran order one for each column."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    streams: list[IO[bytes]]

    def read(self, count: int) -> np.ndarray:
        """Return the next ``count`` rows."""
        width = self.shape[1] if len(self.shape) > 1 else 1
        size = count * width * self.dtype.itemsize // len(self.streams)
        with reading(self.path, self.name):
            parts = [bytearray(size) for _ in self.streams]
            if any(stream.readinto(part) != size for stream, part in zip(self.streams, parts, strict=True)):
                raise UserError(f"{self.path}: {self.name} is truncated; fetch or make the file again")
            if len(parts) > 1:
                return np.stack([np.frombuffer(part, self.dtype) for part in parts], axis=1)
            return np.frombuffer(parts[0], self.dtype).reshape(count, *self.shape[1:])


def _open_array(archive: zipfile.ZipFile, name: str, path: Path, stack: ExitStack) -> _Array:
    with reading(path, name):
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if name not in members:
            raise UserError(
                f"{path}: lacks {name}, found {plain(', '.join(members)) or 'nothing'}; "
                f"expected arrays {', '.join(f'{key} {shape}' for key, shape in _SHAPES.items())}"
            )
        stream = stack.enter_context(archive.open(members[name]))
        shape, fortran, dtype = _read_header(stream)
        size = int(np.prod(shape, dtype=np.float64)) * dtype.itemsize
    if dtype.hasobject:
        raise UserError(f"{path}: {name} holds Python objects, expected numbers; convert it with astype")
    wanted = "f" if name == "constituents" else "iufb"
    columns = 4 if name == "constituents" else None
    if dtype.kind not in wanted or len(shape) != (2 if columns else 1) or (columns and shape[1] != columns):
        kind = "numbers of type float32" if columns else "whole numbers"
        raise UserError(
            f"{path}: {name} is {plain(dtype)} of shape {shape}, expected {kind} of shape {_SHAPES.get(name, '(n,)')}; "
            "convert it"
        )
    if size > members[name].file_size:
        raise UserError(f"{path}: {name} is truncated or its header damaged; fetch or make the file again")
    streams = [stream]
    with reading(path, name):
        for column in range(1, shape[1] if fortran and columns else 1):
            streams.append(stack.enter_context(archive.open(members[name])))
            _read_header(streams[-1])
            streams[-1].seek(column * shape[0] * dtype.itemsize, os.SEEK_CUR)
    return _Array(path, name, shape, dtype, streams)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError(f"version {version} of the npy format, expected 1.0 or 2.0")
    return read[version](stream)


def _check_lengths(arrays: dict[str, _Array], path: Path) -> None:
    for name, array in arrays.items():
        if name not in _JETS and array.shape != arrays["counts"].shape:
            raise UserError(
                f"{path}: {name} has {array.shape[0]} entries, counts {arrays['counts'].shape[0]}; "
                "both need one for each jet"
            )


def _without_padding(counts: np.ndarray, momenta: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Return counts (n) and momenta (total, 4) without what fills up jets at their end, and how much that was."""
    columns = dict(zip(COLUMNS, momenta.T, strict=True))
    offsets, columns, padding = cut_padding(counts_to_offsets(counts), columns)
    if not padding:
        return counts, momenta, {}
    return np.diff(offsets), np.stack([columns[name] for name in COLUMNS], axis=1), {PADDING: padding}


def _pieces(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield counts in pieces that fit into memory together with their constituents."""
    ends = np.cumsum(counts)
    first = 0
    while first < len(counts):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + MOST_AT_ONCE, side="right")))
        yield counts[first:last]
        first = last
