"""Work ahead: the next item is made by a worker while the present one is used."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def in_turn(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items, each made when it is asked for."""
    yield from items


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items in the same order, one made ahead by a thread.

    What making an item raises comes out where that item is due. Where the consumer stops early, the item in the making
    is waited for, and no further one is begun.
    """
    end: Any = object()
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as worker:
        upcoming = worker.submit(next, source, end)
        while (item := upcoming.result()) is not end:
            upcoming = worker.submit(next, source, end)
            yield item
