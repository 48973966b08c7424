"""Files that appear whole or not at all, and HDF5 files opened with errors a person can act on."""

import errno
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py

from jetpulse.errors import UserError


@contextmanager
def publish(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and move it there when the body succeeds.

    Whatever goes wrong, nothing half-written is left under either name. Missing folders are made.

    Raises:
        UserError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except Exception as error:  # libraries hide a full disk in exceptions of their own
        reason = _write_failure(error)
        if reason is None:
            raise
        msg = f"{path}: cannot be written: {reason}; free some space or choose a folder that you may write to"
        raise UserError(msg) from error
    finally:
        with suppress(OSError):  # a folder that cannot be written never held the file
            temporary.unlink(missing_ok=True)


def _write_failure(error: Exception) -> str | None:
    """Return the operating system's words if writing failed, else None."""
    number = getattr(error, "errno", None)
    found = re.search(r"(?:errno =|os error) (\d+)", str(error))  # h5py's and safetensors' ways to say it
    if number is None and found:
        number = int(found.group(1))
    if number is None:
        return None
    full = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    denied = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EIO, errno.EISDIR}
    return os.strerror(number) if number in full | denied else None


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

        with h5py.File(file, "w", libver=("v110", "v110")) as handle:
            yield handle, check
        check()


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        UserError: missing, unreadable, empty, not HDF5, or truncated, each in its own words.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, expected an HDF5 file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty (0 bytes), expected HDF5; fetch or make it again")
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path}: {_read_failure(error)}") from error
    with handle:
        yield handle


def _read_failure(error: OSError) -> str:
    text = str(error)
    if isinstance(error, PermissionError):
        return "permission denied; check who may read the file"
    if "truncated" in text:
        sizes = re.findall(r"(?:eof|stored_eof) = (\d+)", text)
        detail = f" ({sizes[0]} bytes of {sizes[-1]})" if len(sizes) >= 2 else ""
        return f"the file is truncated{detail}; fetch or make it again"
    if "file signature not found" in text:
        return "not an HDF5 file; check the path and the format"
    return f"cannot be read as HDF5 ({text.splitlines()[0]}); fetch or make it again"


def dump_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, keys in the order given, non-finite numbers refused."""
    with publish(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def load_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: missing or not JSON.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: is a folder, expected a JSON file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); make it again") from error
