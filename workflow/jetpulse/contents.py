"""What users' files hold, as hashes: a file that is replaced counts as another one, whatever its time says.

A hash is read once and kept for as long as size, times and place on the disk stay the same.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from jetpulse.errors import cannot_open

# Files that are larger are worth a line before they are read.
_LARGE = 10**9
# Two changes within so many seconds may have the same time; what is younger is read again.
_SETTLED = 2.0
_NS = 10**9


class Contents:
    """Hashes of files' bytes, kept in a file of their own."""

    def __init__(self, kept: Path, tell: Callable[[str], None] = lambda line: None) -> None:
        """Keep hashes in ``kept``; ``tell`` is called with a line before much is read."""
        self.kept, self.tell = kept, tell
        self._known = self._read()

    def of(self, files: Iterable[str | Path]) -> str:
        """Return a hash of the bytes of all these files, in their order; empty without any.

        Raises:
            UserError: a file that cannot be read.
        """
        paths = [os.path.abspath(file) for file in files]  # noqa: PTH100 - links stay what they are
        new = {}
        for path in dict.fromkeys(paths):
            try:
                state = _state(path)
                if self._known.get(path, [None])[:-1] != state:
                    new[path] = state
            except OSError as error:
                raise cannot_open(path, error, "a file") from error
        size = sum(state[0] for state in new.values())
        if size > _LARGE:
            self.tell(
                f"Reading {size / _LARGE:.1f} GB in {len(new)} files of the config, to know them again by their content"
            )
        for path, state in new.items():
            self._known[path] = [*state, hash_file(path)]
        if new:
            self._keep(new)
        hashes = [self._known[path][-1] for path in paths]
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16] if hashes else ""

    def _read(self) -> dict[str, list]:
        try:
            known = json.loads(self.kept.read_bytes())
        except (OSError, ValueError):  # there is none, or somebody damaged it
            return {}
        entries = known.items() if isinstance(known, dict) else ()
        return {path: value for path, value in entries if isinstance(value, list) and len(value) == len(_FIELDS) + 1}

    def _keep(self, new: Iterable[str]) -> None:
        """Add what is new to what others have kept meanwhile; without room or permission it is read again next time."""
        settled = (time.time() - _SETTLED) * _NS
        found = {path: self._known[path] for path in new if max(self._known[path][1:3]) < settled}
        if not found:
            return
        with suppress(OSError):
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.kept.with_name(f"{self.kept.name}.{os.getpid()}")
            temporary.write_text(json.dumps(self._read() | found), encoding="utf-8")
            temporary.replace(self.kept)


_FIELDS = ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev")


def _state(path: str) -> list[int]:
    """Return what changes when a file is replaced."""
    found = Path(path).stat()
    return [getattr(found, field) for field in _FIELDS]


def hash_file(path: str | Path, name: str = "sha256") -> str:
    """Return the hash of a file's bytes, in hexadecimal digits; ``name`` is that of the algorithm.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as handle:
            return hashlib.file_digest(handle, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise cannot_open(path, error, "a file") from error
