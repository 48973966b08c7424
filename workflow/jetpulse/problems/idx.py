"""Files in MNIST's idx format, plain or gzipped: bytes of pictures and of labels, read in pieces."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jetpulse.errors import UserError, cannot_open, first_line

_BYTES = 0x08  # the only type of values that pictures and labels have
_WHOLE = 8 << 20  # bytes read at once
_LARGEST = 1 << 13  # rows or columns of a picture; more are not believed


def idx_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of an idx file of bytes: (n,) labels or (n, rows, columns) pictures.

    Raises:
        UserError: unreadable, not idx, of other values, of other dimensions, or without entries.
    """
    with _opened(path) as file:
        return _shape(file, path)


def read_idx(path: Path) -> Iterator[np.ndarray]:
    """Yield the entries of an idx file of bytes in pieces, uint8 (n, ...).

    Raises:
        UserError: as `idx_shape`, and a truncated file or one with more than it says.
    """
    with _opened(path) as file:
        n, *shape = _shape(file, path)
        size = int(np.prod(shape, dtype=np.int64))
        rows = max(1, _WHOLE // size)
        for start in range(0, n, rows):
            wanted = min(rows, n - start)
            data = file.read(wanted * size)
            if len(data) != wanted * size:
                raise UserError(
                    f"{path}: truncated: holds {start + len(data) // size} of {n} entries; fetch or make it again"
                )
            yield np.frombuffer(data, np.uint8).reshape(wanted, *shape)
        if file.read(1):
            raise UserError(f"{path}: goes on after its {n} entries; fetch or make it again")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise cannot_open(path, error, "an idx file") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path}: damaged or truncated ({first_line(error)}); fetch or make it again") from error


def _shape(file: BinaryIO, path: Path) -> tuple[int, ...]:
    head = file.read(4)
    if len(head) != 4 or head[:2] != b"\0\0":
        raise UserError(f"{path}: not an idx file (begins with {head.hex(' ') or 'nothing'}); check path and format")
    if head[2] != _BYTES or head[3] not in (1, 3):
        raise UserError(
            f"{path}: an idx file of type 0x{head[2]:02x} with {head[3]} dimensions, expected bytes (0x08) with 3 for "
            "pictures or 1 for labels"
        )
    lengths = file.read(4 * head[3])
    if len(lengths) != 4 * head[3]:
        raise UserError(f"{path}: truncated before its first entry; fetch or make it again")
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    if 0 in shape or max(shape[1:], default=1) > _LARGEST:
        raise UserError(f"{path}: has the shape {shape}, in which nobody finds a picture; fetch or make it again")
    return shape
