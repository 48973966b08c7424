"""numba's compiler with a cache that may fail: kernels are then compiled anew, with the same results.

numba keeps compiled kernels in `__pycache__` beside their source, or in the user's cache folder. Left to itself it ends
the program where neither can be written, when the disk or the quota is full, or when a file of the cache is damaged;
and after a save that was interrupted, or two at a time, it takes one kernel's machine code for another's.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher

_DIGEST = hashlib.sha256().digest_size
# Folders and reasons that were reported; a program has dozens of kernels.
_reported: set[str] = set()


def compiled(**options: Any) -> Callable[[Callable], Callable]:
    """Return a decorator like ``numba.njit(cache=True, **options)`` whose cache may fail."""

    def decorate(function: Callable) -> Callable:
        kernel = numba.njit(**options)(function)
        if not isinstance(kernel, Dispatcher):  # plain Python, if NUMBA_DISABLE_JIT is set
            return kernel
        try:
            kernel._cache = _Cache(function)
        except (OSError, RuntimeError) as error:  # a RuntimeError: there is no folder that can be written
            _report("no folder for numba's cache", error)
        return kernel

    return decorate


def _report(what: str, error: Exception) -> None:
    if what in _reported:
        return
    _reported.add(what)
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    line = f"{what} ({reason}): kernels are compiled in every run, which takes a minute; NUMBA_CACHE_DIR names another"
    print(line, file=sys.stderr, flush=True)


class _Cache(FunctionCache):
    """numba's cache of one function, in files of its own; what cannot be read or written is as good as not there."""

    def __init__(self, function: Callable) -> None:
        super().__init__(function)
        name, stamp = f"{self._impl.filename_base}.checked", self._impl.locator.get_source_stamp()
        self._cache_file = _CheckedFile(self.cache_path, name, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged pickle raises anything
            self._forget()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:  # an index that is damaged and cannot be written raises anything, too
            _report(f"{self.cache_path}: numba's cache cannot be written", error)

    def _forget(self) -> None:
        """Empty the index, so that the kernel is written anew."""
        try:
            self.flush()
        except OSError as error:
            _report(f"{self.cache_path}: numba's cache is damaged and cannot be written", error)


class _CheckedFile(IndexDataCacheFile):
    """Files of numba's cache whose content is checked: a hash, the version of the source, and which kernel it is."""

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, self._source_stamp, data))

    def load(self, key: Any) -> Any:
        found = super().load(key)
        return found[2] if found is not None and found[:2] == (key, self._source_stamp) else None

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(content + hashlib.sha256(content).digest())

    def _load_data(self, name: str) -> Any:
        kept = Path(self._data_path(name)).read_bytes()
        content, digest = kept[:-_DIGEST], kept[-_DIGEST:]
        # numba itself stops reading before the digest.
        return super()._load_data(name) if hashlib.sha256(content).digest() == digest else None
