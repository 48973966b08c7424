"""The end of a SLURM job's time, which a training asks for itself.

SLURM can send a signal ahead of it, but where it tracks processes by control groups only a job's first process gets
that, which need not be the training.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jetpulse.training.allocation import has_job

# Seconds before the end at which a training is asked to stop: a long step and a checkpoint fit into them, and SLURM's
# own signal, usually sent two to three minutes ahead, finds it gone: what runs it may not survive that.
NOTICE = 200.0
# Of a short job it is a part of its time only.
_PART = 0.25
# Seconds after which SLURM's answer is no longer waited for: a busy controller.
_PATIENCE = 30.0


def seconds_left() -> float | None:
    """Return how long this process' SLURM job may go on, None if there is none, no limit or no answer."""
    if not has_job():
        return None
    command = ["squeue", "--noheader", "--format=%L", "--jobs", os.environ["SLURM_JOB_ID"]]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE).stdout
    except (OSError, subprocess.SubprocessError):
        return None  # no such command, as in a container, or a controller that is down: the signal is left
    return parse_time(answer.strip())


def parse_time(text: str) -> float | None:
    """Return the seconds of a time as SLURM writes it, ``days-hours:minutes:seconds``; None for any other text."""
    found = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds


@contextmanager
def stopped_in_time(wanted: bool, log: Callable[[str], None]) -> Iterator[None]:
    """Send SIGUSR1 to this process shortly before its job's time is over, if ``wanted``; nothing without a limit."""
    left = seconds_left() if wanted else None
    if left is None:
        yield
        return
    notice = min(NOTICE, _PART * left)
    log(f"SLURM time left: {left:.0f} s, of which the last {notice:.0f} s are kept free")
    over = threading.Event()
    threading.Thread(target=_wait, args=(over, left, notice), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _wait(over: threading.Event, left: float, notice: float) -> None:
    """Wait for the end, which may have been put off meanwhile, and tell this process."""
    end = time.monotonic() + left
    while not over.wait(max(0.0, end - notice - time.monotonic())):
        left = seconds_left()
        if left is None or left <= notice + 1:  # SLURM counts whole seconds
            if not over.is_set():
                os.kill(os.getpid(), signal.SIGUSR1)
            return
        end = time.monotonic() + left
