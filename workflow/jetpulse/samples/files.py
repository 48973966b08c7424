"""Files that appear whole or not at all, and JSON."""

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jetpulse.errors import UserError, cannot_open
from jetpulse.samples.locks import claimed, sweep, temporary_of


@contextmanager
def publish(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and move it there when the body succeeds.

    Whatever goes wrong, nothing half-written is left under either name; what processes that were killed have left of
    ``path`` is removed. The temporary file is there, empty, when the body begins. Missing folders are made.

    Raises:
        UserError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = temporary_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        with claimed(temporary):
            yield temporary
            temporary.replace(path)
    except Exception as error:  # libraries hide a full disk in exceptions of their own
        reason = _write_failure(error)
        if reason is None:
            raise
        msg = f"{path}: cannot be written: {reason}; free some space or choose a folder that you may write to"
        raise UserError(msg) from error


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
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); make it again") from error
    except OSError as error:
        raise cannot_open(path, error, "a JSON file") from error


def _refuse_constant(name: str) -> None:
    msg = f"{name} is none of its numbers"
    raise ValueError(msg)
