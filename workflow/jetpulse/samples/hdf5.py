"""HDF5 files, opened and created in this one place, with errors a person can act on.

What is opened holds its data itself: files that lead to others are refused, since they would make of this file's
contents whatever lies at a path elsewhere, or zeros where there is nothing. So are files with arrays that were never
written, which HDF5 reads as zeros, too.
"""

import errno
import io
import math
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
from h5py import h5d, h5ds, h5g, h5l, h5o, h5p

from jetpulse.errors import UserError, first_line, reason
from jetpulse.open_files import too_many_open
from jetpulse.samples.files import publish

# What h5py raises where the bytes that describe a file's contents are wrong, which may be found at any step.
DAMAGED = (OSError, RuntimeError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError, MemoryError)
# More than any table, frame or sample has; a file with more is not looked through and not read.
_OBJECTS = 100_000
# What file systems without locks say; a writer there could not be seen in any case.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_checked: set[tuple[Any, ...]] = set()  # checks and files, as these were then


class _PatientFile(io.FileIO):
    """A file whose failed writes are kept, not raised: HDF5 takes the process down when it cannot flush."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of ``data``, or remember why not; return its length either way."""
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view) and self.failure is None:
                done += super().write(view[done:])
        except OSError as error:
            self.failure = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the file's size, or remember why not."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = error
            return size or 0


@contextmanager
def create_hdf5(path: str | Path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Publish a new HDF5 file: yield it, and a function that raises as soon as a write has failed.

    Raises:
        UserError: the folder cannot be written or the disk is full.
    """
    with publish(path) as temporary, _PatientFile(temporary, "w+") as file:

        def check() -> None:
            if file.failure is not None:
                raise file.failure

        try:
            with h5py.File(file, "w", libver=("v110", "v110")) as handle:
                yield handle, check
        except Exception:  # HDF5 may read back what could not be written, and not know what it reads
            check()
            raise
        check()


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, one that holds its data itself.

    Raises:
        UserError: missing, unreadable, empty, in use, not HDF5, truncated or damaged, each in its own words; links
            other than hard ones, external storage, virtual or unwritten datasets in it.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, expected an HDF5 file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty (0 bytes), expected HDF5; fetch or make it again")
    with ended_by_signals():
        try:
            handle = _open(path)
        except OSError as error:
            raise UserError(f"{path}: {_read_failure(error)}") from error
    with handle:
        once(handle, path, _refuse_elsewhere)
        yield handle


def once(handle: h5py.File, path: Path, check: Callable[[h5py.File, Path], None]) -> None:
    """Call ``check`` unless this process has done so for this very file before.

    Raises:
        UserError: what ``check`` refuses, or bytes that HDF5 cannot make sense of.
    """
    state = os.fstat(handle.id.get_vfd_handle())  # of what was opened, whatever has the path by now
    key = (check, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    if key in _checked:
        return
    with ended_by_signals(), explained(path):
        check(handle, path)
    _checked.add(key)


@contextmanager
def explained(path: str | Path, what: str = "") -> Iterator[None]:
    """Turn what h5py raises for damaged bytes into one line.

    Args:
        path: the file.
        what: is being read, such as "split 'train' ".

    Raises:
        UserError: the body raised such an exception.
    """
    try:
        yield
    except DAMAGED as error:
        raise UserError(f"{path}: {what}is damaged ({reason(error)}); fetch or make it again") from error


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if error.errno not in _NO_LOCKS or "lock" not in str(error):
            raise
        return h5py.File(path, "r", locking=False)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGUSR1 end the process at once, as long as the body lasts.

    HDF5 can loop for ever over damaged bytes, and Python's handlers wait until it returns. Handlers belong to the
    main thread, so elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers if callable(signal.getsignal(number))}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse_elsewhere(handle: h5py.File, path: Path) -> None:
    """Look at every link and dataset, each group once, and refuse what leads out of the file or is not in it.

    Names of objects (references, dimension scales) are not followed by any reader, so they are left alone.
    """
    groups, seen, count = [(handle.id, "")], {_address(handle.id)}, 0
    while groups:
        group, where = groups.pop()
        for name in list(group):
            place = f"{where}/{name.decode('utf-8', 'replace')}"
            link = group.links.get_info(name).type
            if link != h5l.TYPE_HARD:
                raise UserError(f"{path}: {place} {_LINKS.get(link, 'is a user-defined link')}; {_WHOLE}")
            count += 1
            if count > _OBJECTS:
                raise UserError(f"{path}: holds more than {_OBJECTS} groups and datasets; give a file with fewer")
            item = h5o.open(group, name)
            if isinstance(item, h5d.DatasetID):
                _refuse_storage(item, place, path)
            elif isinstance(item, h5g.GroupID) and (address := _address(item)) not in seen:
                seen.add(address)
                groups.append((item, place))


_LINKS = {h5l.TYPE_SOFT: "is a soft link", h5l.TYPE_EXTERNAL: "is a link to another file"}
_INDEX = "/_i_"  # PyTables calls the indexes of tables so; it leaves parts of them empty, and no reader reads them
_WHOLE = "only files that hold their data themselves are read; copy the data to its place"


def _refuse_storage(dataset: h5d.DatasetID, place: str, path: Path) -> None:
    creation = dataset.get_create_plist()
    if creation.get_layout() == h5d.VIRTUAL:
        raise UserError(f"{path}: {place} is a virtual dataset, a view of other files; {_WHOLE}")
    if creation.get_external_count():
        raise UserError(f"{path}: {place} has its data in another file (external storage); {_WHOLE}")
    if _INDEX not in place and _is_unwritten(dataset, creation):
        raise UserError(
            f"{path}: {place} was not written, or not to its end, and would be read as zeros; what wrote the file was "
            "stopped: make it again"
        )


def _is_unwritten(dataset: h5d.DatasetID, creation: h5p.PropDCID) -> bool:
    """Return whether values of a dataset have no bytes in the file, though its writer names none to stand for them."""
    if not dataset.get_space().get_simple_extent_npoints() or h5ds.is_scale(dataset):  # netCDF's have only a name
        return False
    if creation.fill_value_defined() == h5d.FILL_VALUE_USER_DEFINED:
        return False
    if creation.get_layout() == h5d.CHUNKED:
        sides = zip(dataset.shape, creation.get_chunk(), strict=True)
        return dataset.get_num_chunks() < math.prod(-(-size // chunk) for size, chunk in sides)
    return creation.get_layout() == h5d.CONTIGUOUS and not dataset.get_storage_size()


def _address(group: h5g.GroupID) -> int:
    return h5o.get_info(group).addr


def _read_failure(error: OSError) -> str:
    text = str(error)
    if "unable to lock file" in text or "already open for write" in text:
        return (
            "is in use: another program has it open for writing, or was killed while it had; wait for it or close it "
            "(after a kill: h5clear -s FILE), then run again"
        )
    if isinstance(error, PermissionError):
        return "permission denied; check who may read the file"
    if words := too_many_open(error):
        return words
    if "truncated" in text:
        sizes = re.findall(r"(?:eof|stored_eof) = (\d+)", text)
        detail = f" ({sizes[0]} bytes of {sizes[-1]})" if len(sizes) >= 2 else ""
        return f"the file is truncated{detail}; fetch or make it again"
    if "file signature not found" in text:
        return "not an HDF5 file; check the path and the format"
    return f"cannot be read as HDF5 ({first_line(error)}); fetch or make it again"
