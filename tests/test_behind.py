"""Work done by a thread while the next piece is made."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from photovst.behind import at_once, behind


def test_pieces_are_done_in_order_by_another_thread() -> None:
    done: list[tuple[int, bool]] = []
    here = threading.get_ident()
    with behind() as do:
        for number in range(20):
            do(lambda number=number: done.append((number, threading.get_ident() == here)))
    assert done == [(number, False) for number in range(20)]
    with at_once() as do:
        do(lambda: done.append((20, threading.get_ident() == here)))
    assert done[-1] == (20, True)


def test_one_piece_is_under_way_at_a_time() -> None:
    """The next one is taken when it is done: nothing piles up."""
    gate, reached = threading.Event(), threading.Event()
    with behind() as do:
        do(lambda: bool(gate.wait(10)))

        def second() -> None:
            do(lambda: None)
            reached.set()

        waiting = threading.Thread(target=second)
        waiting.start()
        assert not reached.wait(0.05)
        gate.set()
        assert reached.wait(10)
        waiting.join()


def fail() -> None:
    raise ValueError("full")


def hand_over(*pieces: Callable[[], None]) -> None:
    with behind() as do:
        for piece in pieces:
            do(piece)


def test_what_a_piece_raises_comes_out_at_the_next_one_or_the_end() -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="full"):
        hand_over(fail, lambda: done.append(1))
    with pytest.raises(ValueError, match="full"):
        hand_over(fail)
    assert done == []


def test_an_error_of_the_block_comes_first() -> None:

    def block() -> None:
        with behind() as do:
            do(fail)
            raise KeyError

    with pytest.raises(KeyError):
        block()
