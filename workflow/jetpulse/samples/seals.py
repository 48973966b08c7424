"""Checksums of the project's own HDF5 files: what has changed since it was written is found before it is used.

Every chunk has HDF5's fletcher32, and every dataset the attribute ``checksums``, uint8 (chunks, 16): a BLAKE2b of each
chunk as it is stored. The root's attribute ``checksum``, written last, is the SHA-256 of a listing of all groups and
datasets with their types, shapes, filters and attributes, the checksums of chunks among these. The listing is compared
when a file is opened, a chunk when it is read, so that blocks are still read without the rest of the file.
"""

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jetpulse.errors import UserError

CHECKSUM, CHECKSUMS = "checksum", "checksums"
_BYTES = 16


def seal(handle: h5py.File) -> None:
    """Add the checksums to a file whose contents are complete."""
    handle.flush()  # chunks are read as they are stored
    datasets: list[h5py.Dataset] = []
    handle.visititems(lambda name, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None)
    for dataset in datasets:
        rows = dataset.chunks[0]
        found = [_chunk(dataset, start) for start in range(0, len(dataset), rows)]
        dataset.attrs[CHECKSUMS] = np.frombuffer(b"".join(found), np.uint8).reshape(-1, _BYTES)
    set_text(handle, CHECKSUM, _listing(handle))


def check_seal(handle: h5py.File, path: Path) -> None:
    """Refuse a file of which more than chunks' contents is not as it was written.

    Raises:
        UserError: without checksum, or changed.
    """
    if CHECKSUM not in handle.attrs:
        raise UserError(f"{path}: has no checksum; it is damaged, or of an earlier version of jetpulse: make it again")
    if read_text(handle.attrs[CHECKSUM]) != _listing(handle):
        raise UserError(f"{path}: has changed since it was written: its checksum is another one; make it again")


def read_rows(dataset: h5py.Dataset, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Return rows ``start:stop`` of a dataset after comparing the checksums of the chunks that they lie in.

    Raises:
        ValueError: a chunk has changed.
        OSError: it cannot be read, of which HDF5 knows why.
    """
    stop = len(dataset) if stop is None else min(stop, len(dataset))
    rows, expected = dataset.chunks[0], dataset.attrs[CHECKSUMS]
    for number in range(start // rows, -(-stop // rows) if stop > start else 0):
        if _chunk(dataset, number * rows) != expected[number].tobytes():
            msg = f"rows from {number * rows} have changed since they were written"
            raise ValueError(msg)
    return dataset[start:stop]


def set_text(item: h5py.Group, name: str, text: str) -> None:
    """Set an attribute to a text of fixed length.

    One of variable length lies in a heap that has no checksum, and damaged heaps can keep HDF5 busy for ever.
    """
    content = text.encode()
    item.attrs.create(name, content, dtype=h5py.string_dtype("utf-8", max(1, len(content))))


def read_text(value: Any) -> Any:
    """Return a text as ``str``, however it is stored, and anything else as it is."""
    return value.decode() if isinstance(value, bytes) else value


def _chunk(dataset: h5py.Dataset, start: int) -> bytes:
    mask, content = dataset.id.read_direct_chunk((start, *[0] * (dataset.ndim - 1)))
    return hashlib.blake2b(content, digest_size=_BYTES, salt=mask.to_bytes(4, "little")).digest()


def _listing(handle: h5py.File) -> str:
    """Return the SHA-256 of all that a file holds but the contents of chunks."""
    found = hashlib.sha256()
    groups = [("", handle["/"])]
    while groups:
        where, group = groups.pop()
        found.update(repr(("group", where)).encode())
        _add_attributes(found, group)
        for name in sorted(group):
            item, place = group[name], f"{where}/{name}"
            if isinstance(item, h5py.Group):
                groups.append((place, item))
            elif isinstance(item, h5py.Dataset) and item.chunks is not None and item.chunks[1:] == item.shape[1:]:
                creation = item.id.get_create_plist()
                filters = [creation.get_filter(i) for i in range(creation.get_nfilters())]
                found.update(repr((place, item.dtype.str, item.shape, item.chunks, filters)).encode())
                _add_attributes(found, item)
            else:
                msg = f"{place} is nothing that jetpulse writes"
                raise ValueError(msg)
    return found.hexdigest()


def _add_attributes(found: Any, item: h5py.Group | h5py.Dataset) -> None:
    for name in sorted(item.attrs):
        if name == CHECKSUM:
            continue
        stored = item.attrs.get_id(name)
        if stored.dtype.hasobject:
            msg = f"the attribute {name!r} is nothing that jetpulse writes"
            raise ValueError(msg)
        values = np.zeros(stored.shape, stored.dtype)
        stored.read(values)
        found.update(repr((name, stored.dtype.str, stored.shape)).encode())
        found.update(values.tobytes())
