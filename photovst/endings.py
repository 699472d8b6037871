"""How a process ends: signals that must wait, and exceptions that mean there is no memory left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


def out_of_memory(error: Exception) -> bool:
    """Whether an exception means that memory ran out, on a CPU or a GPU."""
    # By name, and by PyTorch's words on a CPU: torch itself is imported only where it works.
    words = "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or words


@contextmanager
def signals_wait() -> Iterator[None]:
    """Signals to stop come after this block: PyTorch, while it is imported, meets an exception with an abort."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
