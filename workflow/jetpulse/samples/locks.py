"""Locks on files, which the system releases however their holder ends, and the removal of what dead writers have left.

Where a file system has no locks nothing is locked and nothing is removed: nobody can say there who is alive.
"""

import fcntl
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jetpulse.errors import UserError


def temporary_of(path: Path) -> Path:
    """Return where this process writes what will become ``path``."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def claimed(temporary: Path) -> Iterator[None]:
    """Make an empty file that nobody sweeps away as long as the body lasts, and remove it in the end if it is left.

    The lock is shared, so that readers, who may meet the file under its final name, are not kept out.
    """
    while True:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        _lock(descriptor, fcntl.LOCK_SH)
        if is_at(descriptor, temporary):  # else it has just been swept away
            break
        os.close(descriptor)
    try:
        yield
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(descriptor)


def sweep(path: Path) -> None:
    """Remove what writers of ``path`` that are dead have left beside it."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.\d+\.tmp")
    for found in [item.path for item in os.scandir(path.parent) if pattern.fullmatch(item.name)]:
        with suppress(OSError):  # gone meanwhile, or somebody else's
            descriptor = os.open(found, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB) and is_at(descriptor, Path(found)):
                    os.unlink(found)  # noqa: PTH108 - while it is locked
            finally:
                os.close(descriptor)


@contextmanager
def held(
    path: Path, what: str, log: Callable[[str], None] = lambda line: None, *, wait: bool = False
) -> Iterator[None]:
    """Hold a lock file while the body runs; it is removed in the end.

    Args:
        path: of the lock file, which says who holds it.
        what: is locked, for messages, such as "the checkpoint x".
        log: called with a line if the file system has no locks.
        wait: for another process that holds it.

    Raises:
        UserError: another process holds it, and is not waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = _lock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
            os.close(descriptor)
            raise UserError(f"{what} is in use by {holder}; wait for it, or end it, and run again") from None
        if is_at(descriptor, path):  # else its last holder has just removed it
            break
        os.close(descriptor)
    try:
        if not locked:
            log(f"no locks in {path.parent}: make sure that no other process uses {what}")
        os.ftruncate(descriptor, 0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()} since {since}\n".encode(), 0)
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is the one that has this path now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _lock(descriptor: int, operation: int) -> bool:
    """Lock an open file; return whether the file system has locks.

    Raises:
        BlockingIOError: somebody else holds it, and ``operation`` says not to wait.
    """
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
