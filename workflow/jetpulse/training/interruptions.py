"""Signals that ask a training to end: noted, so that it can finish its step and keep its state first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What a cluster sends before a job's time is over, by default or on demand.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Signals:
    """The number of the last signal that asked the training to end, 0 for none."""

    number = 0

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Remember a signal, as the handler of ``signal.signal``."""
        self.number = int(number)


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
    before = {number: signal.signal(number, signals.note) for number in SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
