"""Work behind: what is done with an item goes to a worker while the next one is made."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

Do = Callable[[Callable[[], None]], None]
"""Has a piece of work done, now or soon; pieces are done one after the other, in the order they are given."""


@contextmanager
def at_once() -> Generator[Do]:
    """Pieces of work are done when they are given."""
    yield lambda work: work()


@contextmanager
def behind() -> Generator[Do]:
    """Pieces of work are done by a thread; one is taken when the one before it is done.

    What a piece raises comes out where the next one is given, or at the end of the block.
    """
    under_way: Future[None] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="behind") as worker:

        def do(work: Callable[[], None]) -> None:
            nonlocal under_way
            if under_way is not None:
                under_way.result()
            under_way = worker.submit(work)

        yield do
        if under_way is not None:
            under_way.result()
