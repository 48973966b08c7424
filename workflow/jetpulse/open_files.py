"""How many files may be open at once, and what to say where it is too many."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SPARE = 64  # files that libraries and the output need for a while
_TOO_MANY = {errno.EMFILE, errno.ENFILE}


def too_many_open(error: BaseException | None) -> str:
    """Return what to say if an exception, or one that it came from, tells that too many files are open; else ""."""
    while error is not None:
        found = getattr(error, "errno", None)
        if found in _TOO_MANY or os.strerror(errno.EMFILE) in str(error):
            if found == errno.ENFILE:
                return "too many files are open on this machine; try again later"
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            return (
                f"too many files are open at once (this process may have {limit}); raise the limit (ulimit -n), or put "
                "the contents of many files into fewer"
            )
        error = error.__cause__ or error.__context__
    return ""


@contextmanager
def room_for(files: int) -> Iterator[int]:
    """Raise the limit of open files, if need be and allowed, as long as the body lasts; yield how many there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + _open_now() + _SPARE
    limit = soft
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except (OSError, ValueError):  # a system may have a lower limit than it says
            limit = soft
    try:
        yield files if limit == resource.RLIM_INFINITY else max(0, min(files, limit - (wanted - files)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _open_now() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return _SPARE
