"""Signals that ask a training to end: noted, so that it can finish its step and keep its state first."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from jetpulse.errors import StoppedError

# What a cluster sends before a job's time is over, by default or on demand.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Signals:
    """The number of the last signal that asked the training to end, 0 for none."""

    number = 0

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Remember a signal, as the handler of ``signal.signal``."""
        self.number = int(number)


# What has asked the program to end before a training's loop notes it.
_asked = Signals()


def leave(number: int, frame: FrameType | None = None) -> NoReturn:
    """End the program by an exit with 128 + the number of a signal, as the handler of ``signal.signal``.

    Python drops exceptions of callbacks, such as those of weak references; if this one is lost the training's loop
    finds out at its first step.
    """
    _asked.note(number)
    sys.exit(128 + number)


@contextmanager
def noted_signals(wanted: bool = True) -> Iterator[Signals]:
    """Yield ``Signals`` that notes those of ``SIGNALS`` instead of ending the process, if ``wanted``.

    Repeated signals change nothing: a cluster may send one to a job and to each of its processes. Handlers belong to
    the main thread, so elsewhere nothing is noted.
    """
    signals = Signals()
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield signals
        return
    signals.number = _asked.number
    before = {number: signal.signal(number, signals.note) for number in SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def explained_exit(going_on: str) -> Iterator[None]:
    """Say in one line that a signal has ended a training that was not in its loop, as while it reads its inputs.

    The command line answers the signals of ``SIGNALS`` by an exit with 128 + the number. A second one, which may come
    while a training ends because of the first, does not hide what the first has led to.

    Args:
        going_on: what the same command will do.

    Raises:
        StoppedError: a signal has ended what was in progress.
    """
    try:
        yield
    except SystemExit as ended:
        if isinstance(ended.__context__, StoppedError):
            raise ended.__context__ from None
        number = ended.code - 128 if isinstance(ended.code, int) else 0
        if number not in SIGNALS:
            raise
        name = signal.Signals(number).name
        raise StoppedError(f"stopped by {name} outside the training's steps; {going_on}", ended.code) from ended
