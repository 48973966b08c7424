"""Where entries wait for their turn, on the device, in memory or on disk, and a thread that brings them in time."""

import os
import queue
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Literal, TypeVar

import h5py
import numpy as np
import torch

from jetpulse.errors import UserError
from jetpulse.samples import Block, counts_to_offsets, iterate_blocks, open_own

Place = Literal["device", "host", "disk"]
# Of what is free; the network, its gradients and the batches want some too.
SHARE = 0.5
_AHEAD = 2
_ROWS = 10_000
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def choose_place(wanted: str, device: torch.device, needed: int) -> Place:
    """Return where entries of so many bytes wait: as ``wanted``, or for "auto" the first place with room."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda" and needed <= SHARE * torch.cuda.mem_get_info(device)[0]:
        return "device"
    if needed <= SHARE * available_memory():
        return "host" if device.type == "cuda" else "device"
    return "disk"


def available_memory() -> int:
    """Return the bytes of memory that this process can still have, as far as Linux says; physical memory elsewhere."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as handle:
            lines = dict(line.split(":", 1) for line in handle)
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([free, *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """Yield what the process' control groups leave it, as clusters and containers set it (cgroup v2)."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").rpartition("::/")[2].strip()
        folder = Path("/sys/fs/cgroup") / own
        for group in (folder, *folder.parents):
            if (group / "memory.max").is_file():
                limit = (group / "memory.max").read_text(encoding="ascii").strip()
                if limit != "max":
                    statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
                    # Pages of files that nobody uses count as used, though they are given up when memory is short.
                    used = int((group / "memory.current").read_text()) - int(statistics.get("inactive_file", 0))
                    yield max(0, int(limit) - used)
    except OSError:
        return


def stored_bytes(path: str | Path, *splits: str) -> int:
    """Return the bytes in memory of those of these splits that a file has."""
    with open_own(path) as handle:
        groups = [handle[split] for split in splits if isinstance(handle.get(split), h5py.Group)]
        stored = [item for group in groups for item in group.values() if isinstance(item, h5py.Dataset)]
        return sum(dataset.nbytes for dataset in stored)


def read_to_disk(path: str | Path, split: str, chosen: np.ndarray | None = None) -> Block:
    """Read a split, or its entries at ``chosen`` (ascending), so that all that is large is mapped from scratch files.

    The files lie in $TMPDIR and have no names: the system removes them when the process ends, however it ends.

    Raises:
        UserError: damaged input, or no room.
    """
    small: dict[str, list[np.ndarray]] = {}
    large: dict[str, Scratch] = {}
    counts, first = [np.zeros(0, np.int64)], 0
    with ExitStack() as stack:
        for block in iterate_blocks(path, split, _ROWS):
            if chosen is not None:
                here = chosen[(chosen >= first) & (chosen < first + len(block))] - first
                first += len(block)
                block = block.take(here)
            if block.offsets is not None:
                counts.append(np.diff(block.offsets))
            for name, values in (block.entries | block.flat).items():
                if values.ndim == 1 and name in block.entries:
                    small.setdefault(name, []).append(values)
                    continue
                if name not in large:
                    large[name] = stack.enter_context(closing(Scratch(values.dtype, values.shape[1:])))
                large[name].append(values)
        mapped = {name: scratch.array() for name, scratch in large.items()}
    entries = {name: np.concatenate(parts) for name, parts in small.items()}
    entries |= {name: values for name, values in mapped.items() if name in block.entries}
    if block.offsets is None:
        return Block(entries)
    return Block(entries, counts_to_offsets(np.concatenate(counts)), {name: mapped[name] for name in block.flat})


class Scratch:
    """An array that grows in a file without a name, which stays for as long as the file or the array is open."""

    def __init__(self, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        """Start with no rows of ``shape``."""
        self._dtype, self._shape, self._rows = dtype, shape, 0
        self._file = tempfile.TemporaryFile(prefix="jetpulse-")  # noqa: SIM115 - closed by who has made this

    def append(self, values: np.ndarray) -> None:
        """Write further rows.

        Raises:
            UserError: no room.
        """
        try:
            self._file.write(np.ascontiguousarray(values, self._dtype).data.cast("B") if values.size else b"")
            self._file.flush()
        except OSError as error:
            raise UserError(
                f"{tempfile.gettempdir()}: no scratch file for the training ({error.strerror}); set TMPDIR to a folder "
                "with room, or training.resident to host"
            ) from error
        self._rows += len(values)

    def array(self) -> np.ndarray:
        """Return all rows, read from the file when they are used."""
        shape = (self._rows, *self._shape)
        if 0 in shape:
            return np.zeros(shape, self._dtype)
        return np.memmap(self._file, self._dtype, "r+", shape=shape)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Failure:
    """What was raised in the thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


def prefetch(make: Callable[[_Item], _Made], items: Iterable[_Item], ahead: int = _AHEAD) -> Generator[_Made]:
    """Yield ``make`` of every item in order, made by a thread that keeps up to ``ahead`` of them ready.

    What is raised there is raised here, in its place. A caller that stops early leaves no thread behind.
    """
    ready: queue.Queue = queue.Queue(ahead)
    stop = threading.Event()

    def put(value: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(value, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if stop.is_set() or not put(make(item)):
                    return
        except BaseException as error:
            put(_Failure(error))
        else:
            put(_END)

    thread = threading.Thread(target=work, name="jetpulse-prefetch", daemon=True)
    thread.start()
    try:
        while (value := ready.get()) is not _END:
            if isinstance(value, _Failure):
                raise value.error
            yield value
    finally:
        stop.set()
        thread.join()
