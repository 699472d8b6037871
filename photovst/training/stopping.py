"""Signals to stop that are heeded between steps, where a checkpoint is exact."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Remembers the first signal to stop; a second one takes effect at once. Made by :func:`stops_between_steps`."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._former: dict[int, object] = {}

    @property
    def asked(self) -> bool:
        """Whether this process was asked to stop."""
        return self.number is not None

    def heed(self) -> None:
        """Do what the signal would have done at first."""
        if self.number is not None:
            self._pass_on(self.number, None)

    def take(self, number: signal.Signals) -> None:
        """Keep a signal for later."""
        former = signal.getsignal(number)
        if former is not signal.SIG_IGN:  # as shells set it for a job in the background
            self._former[number] = former
            signal.signal(number, self._remember)

    def give_back(self) -> None:
        """Have all signals handled as before."""
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self._pass_on(number, frame)
        self.number = number

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        former = self._former[number]
        if callable(former):
            former(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


@contextmanager
def stops_between_steps() -> Iterator[Stop]:
    """SIGINT and SIGTERM are remembered inside this block; outside the main thread they cannot be, and are not."""
    stop = Stop()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            stop.take(number)
    try:
        yield stop
    finally:
        stop.give_back()
