"""Frames in groups of a fixed size, counted from the first frame of the clip.

A network computes a group at once, and what comes out may depend, in the last bit, on how many frames there are in it.
So a frame is always computed in the same group: also where a run goes on in the middle of one, and in the last group,
which is filled up with copies of its last frame, so that a compiled network meets one size only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def groups(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Items in groups of ``size``; the last may have fewer.

    >>> list(groups("abcde", 2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    source = iter(items)
    while group := tuple(islice(source, size)):
        yield group


def filled(items: Sequence[T], size: int) -> list[T]:
    """A group with copies of its last item behind, until there are ``size``.

    >>> filled([1, 2], 4)
    [1, 2, 2, 2]
    """
    return [*items, *[items[-1]] * (size - len(items))]
