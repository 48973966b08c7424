"""Several processes in one training: each takes a part of every batch, and their gradients are added up.

The processes know their places from the environment, as `torchrun` sets it (RANK, LOCAL_RANK, WORLD_SIZE, and an
address to meet at); ``launch`` sets the same for those that `jetpulse train` starts, which meet in a file. Variables of
a site that are empty or no numbers, or that tell of one process alone, say nothing.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed

from jetpulse.errors import StoppedError, UserError, first_line
from jetpulse.training.interruptions import SIGNALS

_MEETING = "JETPULSE_MEETING"
# What sites set for trainings over several machines: networks, and where to meet.
_OF_THE_SITE = (
    "GLOO_SOCKET_IFNAME",
    "GLOO_DEVICE_TRANSPORT",
    "NCCL_SOCKET_IFNAME",
    "NCCL_COMM_ID",
    "MASTER_ADDR",
    "MASTER_PORT",
)
_LOOPBACKS = ("lo", "lo0")
# Seconds that the others get to end by themselves when one process has failed.
_GRACE = 10.0
# Exit code of a process that was left by another one, which knows why.
LOST = 3


@dataclass(frozen=True)
class Group:
    """The processes of a training, ``size`` of them, as the one numbered ``rank`` (from 0) sees them."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def part(self, index: torch.Tensor) -> torch.Tensor:
        """Return this process' part of a batch's entries (b,); parts differ by one entry at most."""
        return index if self.size == 1 else index.tensor_split(self.size)[self.rank]

    def add(self, tensor: torch.Tensor) -> torch.Tensor:
        """Add up a tensor over the processes, in place, and return it.

        Raises:
            StoppedError: another process has ended.
        """
        if self.size > 1:
            self._together(tensor, distributed.ReduceOp.SUM)
        return tensor

    def largest(self, number: int) -> int:
        """Return the largest of the processes' numbers.

        Raises:
            StoppedError: another process has ended.
        """
        if self.size == 1:
            return number
        # On the CPU, so that a GPU is not waited for.
        tensor = torch.tensor(number)
        self._together(tensor, distributed.ReduceOp.MAX)
        return int(tensor)

    @staticmethod
    def _together(tensor: torch.Tensor, operation: distributed.ReduceOp) -> None:
        try:
            distributed.all_reduce(tensor, operation)
        except RuntimeError as error:
            raise StoppedError("another process of this training has ended", LOST) from error


ALONE = Group()


def is_worker() -> bool:
    """Return whether this process is one of several that train together."""
    return _place()[2] > 1


def place() -> int:
    """Return the number of this process among those of its machine, from 0."""
    return _place()[1]


def leads() -> bool:
    """Return whether this process is the one that writes."""
    return _place()[0] == 0


def _place() -> tuple[int, int, int]:
    """Return this process' number, its number on its machine and how many there are: 0, 0 and 1 if it is alone."""
    number = re.compile(r"[0-9]{1,9}")
    given = {name: os.environ.get(name, "") for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")}
    rank, local, size = (int(text) if number.fullmatch(text) else None for text in given.values())
    meets = os.environ.get(_MEETING) or os.environ.get("MASTER_ADDR")
    if rank is None or size is None or not meets or not rank < size:
        return 0, 0, 1
    return rank, rank if local is None else local, size


@contextmanager
def joined(processes: int, device: torch.device) -> Iterator[Group]:
    """Yield the group of a training of so many processes, all of which have to call this.

    Raises:
        UserError: this process was not started as one of so many, or they do not find each other.
    """
    rank, _, found = _place()
    if found != processes:
        started = f"{found} were started" if is_worker() else "this one was started alone"
        raise UserError(
            f"training.processes: {processes}, but {started}; use `jetpulse train`, or torchrun with --nproc-per-node "
            f"{processes}"
        )
    if processes == 1:
        yield ALONE
        return
    meeting = os.environ.get(_MEETING)
    # Numbers on the CPU take gloo in any case; NCCL knows GPUs alone.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    method = f"file://{meeting}" if meeting else "env://"
    try:
        distributed.init_process_group(backend, method, rank=rank, world_size=processes)
    except (RuntimeError, ValueError) as error:
        names = ", ".join(name for name in _OF_THE_SITE if name in os.environ) or "the host's name and network"
        raise UserError(
            f"training.processes: the processes do not find each other ({first_line(error)}); check {names}"
        ) from error
    if meeting:
        threading.Thread(target=_end_with_the_launcher, daemon=True).start()
    try:
        yield Group(rank, processes)
    finally:
        distributed.destroy_process_group()


def _end_with_the_launcher() -> None:
    """Ask this process to end when the one that started it is gone: its end of the pipe is closed then."""
    with suppress(OSError):
        while os.read(0, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def launch(processes: int, arguments: Sequence[str]) -> int:
    """Run so many processes of `python ARGUMENTS` that train together; return the exit code of what went wrong, or 0.

    Signals of ``SIGNALS`` are handed on. The first process writes to standard error; what another one wrote is shown
    only if that one failed by itself.

    Raises:
        StoppedError: a signal came before all of them had been started.
    """
    with tempfile.TemporaryDirectory(prefix="jetpulse-") as folder:
        workers: list[subprocess.Popen] = []
        received = 0

        def hand_on(number: int, frame: object) -> None:
            nonlocal received
            received = number
            for worker in workers:
                worker.send_signal(number)

        before = {number: signal.signal(number, hand_on) for number in SIGNALS}
        try:
            for rank in range(processes):
                workers.append(_start(rank, processes, arguments, Path(folder)))
                if received and rank < processes - 1:  # those that are not there yet would not know of it
                    name = signal.Signals(received).name
                    raise StoppedError(f"stopped by {name} before the training had begun", 128 + received)
            return _wait(workers, Path(folder))
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
                worker.stdin.close()
            for number, handler in before.items():
                signal.signal(number, handler)


def _start(rank: int, processes: int, arguments: Sequence[str], folder: Path) -> subprocess.Popen:
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, _MEETING: folder / "meeting"}
    # They are on one machine: no network of the site's is asked for, nor that the host's name has an address.
    loopback = next((name for _, name in socket.if_nameindex() if name in _LOOPBACKS), None)
    numbers |= {"GLOO_SOCKET_IFNAME": loopback} if loopback else {}
    kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_SITE}
    environment = kept | {name: str(value) for name, value in numbers.items()}
    with (folder / f"{rank}.log").open("wb") as quiet:
        return subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdin=subprocess.PIPE, stderr=quiet if rank else None
        )


def _wait(workers: Sequence[subprocess.Popen], folder: Path) -> int:
    """Wait for all workers, for a short while once one has failed; show why if the first does not know it."""
    deadline = float("inf")
    while any(worker.poll() is None for worker in workers) and time.monotonic() < deadline:
        if deadline == float("inf") and any(worker.poll() for worker in workers):
            deadline = time.monotonic() + _GRACE
        time.sleep(0.05)
    codes = [worker.poll() for worker in workers]
    # The first has told its own mistakes itself; what it does not know is why another one has left it.
    culprits = [rank for rank, code in enumerate(codes) if code not in (0, None, LOST)]
    if not culprits:
        return next((LOST for code in codes if code != 0), 0)
    culprit = culprits[0]
    if culprit:
        sys.stderr.write((folder / f"{culprit}.log").read_text(encoding="utf-8", errors="replace"))
        sys.stderr.flush()
    return codes[culprit] if codes[culprit] > 0 else 128 - codes[culprit]
