"""Items made, rendered and written at the same time, each stage in a thread of its own; nothing piles up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def pipelined(items: Iterable[T], render: Callable[[T], R], write: Callable[[R], None], depth: int = 4) -> int:
    """Render and write every item, in order, so that the slowest of the three stages alone sets the speed.

    One thread takes the items, which is where they are made; one renders; the calling thread writes. What any of them
    raises comes out here, once, where its item is due: all before it is written by then, and both threads have ended,
    as they have after an interrupt.

    Args:
        items: what is rendered; only ever asked for by one thread.
        render: is given each item.
        write: is given each result.
        depth: items alive at a time, at least 1, from being made to being written; 3 keep all stages at work, and a
            fourth makes up for stages that take now more, now less.

    Returns:
        The number of items.
    """
    end: Any = object()
    source = iter(items)
    under_way: deque[Future[Any]] = deque()
    count = 0
    maker = ThreadPoolExecutor(1, thread_name_prefix="make")
    renderer = ThreadPoolExecutor(1, thread_name_prefix="render")

    def begin() -> None:
        made = maker.submit(next, source, end)
        under_way.append(renderer.submit(_rendered, made, render, end))

    try:
        for _ in range(depth):
            begin()
        while (result := under_way.popleft().result()) is not end:
            write(result)
            count += 1
            # Let go of before another is begun, so that no more than are asked for are alive.
            del result
            begin()
    finally:
        # What is begun ends, what is not is left; this waits for both threads.
        maker.shutdown(cancel_futures=True)
        renderer.shutdown(cancel_futures=True)
    return count


def _rendered(made: Future[T], render: Callable[[T], R], end: Any) -> R | Any:
    item = made.result()
    return end if item is end else render(item)
