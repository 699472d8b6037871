"""Items made ahead by a worker are the same items in the same order, one ahead and no more."""

import threading
from collections.abc import Iterator

import pytest

from photovst.ahead import ahead, in_turn


def test_the_same_items_in_order_from_one_thread() -> None:
    threads: set[int] = set()

    def items() -> Iterator[int]:
        for item in range(20):
            threads.add(threading.get_ident())
            yield item

    assert list(ahead(items())) == list(range(20))
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert list(ahead([])) == []
    threads.clear()
    assert list(in_turn(items())) == list(range(20))
    assert threads == {threading.get_ident()}


def test_one_item_is_made_while_another_is_used() -> None:
    """No item waits for the consumer to come back, and none is made two ahead."""
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for index, event in enumerate(made):
            event.set()
            yield index

    for item in ahead(items()):
        if item + 1 < len(made):
            assert made[item + 1].wait(10)
        if item + 2 < len(made):
            assert not made[item + 2].wait(0.05)


def test_an_error_comes_where_its_item_is_due() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    stream = ahead(items())
    assert next(stream) == 1
    with pytest.raises(ValueError, match=r"^the second$"):
        next(stream)


def test_a_consumer_may_stop_early() -> None:
    made = []

    def items() -> Iterator[int]:
        for item in range(100):
            made.append(item)
            yield item

    stream = ahead(items())
    assert next(stream) == 0
    stream.close()
    assert len(made) <= 2
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())
