"""A pipeline keeps order and its bound, and every error comes out once, with no thread left."""

import threading
import time
from collections.abc import Iterator

import pytest

from photovst.pipeline import pipelined


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_everything_is_written_in_order_and_each_stage_has_its_thread(depth: int) -> None:
    threads: dict[str, set[int]] = {"make": set(), "render": set(), "write": set()}
    written: list[int] = []

    def items() -> Iterator[int]:
        for item in range(50):
            threads["make"].add(threading.get_ident())
            yield item

    def render(item: int) -> int:
        threads["render"].add(threading.get_ident())
        return 2 * item

    def write(result: int) -> None:
        threads["write"].add(threading.get_ident())
        written.append(result)

    assert pipelined(items(), render, write, depth) == 50
    assert written == list(range(0, 100, 2))
    assert threads["write"] == {threading.get_ident()}
    assert [len(found) for found in threads.values()] == [1, 1, 1]
    assert len(set.union(*threads.values())) == 3
    assert pipelined([], render, write, depth) == 0


def test_the_stages_work_at_the_same_time() -> None:
    """Each stage of an item waits until the stages beside it are at other items: in turn, that would never be."""
    meeting = threading.Barrier(3, timeout=10)

    def items() -> Iterator[int]:
        for item in range(8):
            if item >= 2:
                meeting.wait()
            yield item

    def render(item: int) -> int:
        if 1 <= item < 7:
            meeting.wait()
        return item

    def write(item: int) -> None:
        if item < 6:
            meeting.wait()

    assert pipelined(items(), render, write, depth=3) == 8


def test_nothing_piles_up_before_a_slow_writer() -> None:
    alive = most = 0
    lock = threading.Lock()

    def counted(change: int) -> None:
        nonlocal alive, most
        with lock:
            alive += change
            most = max(most, alive)

    def items() -> Iterator[int]:
        for item in range(12):
            counted(1)
            yield item

    def write(item: int) -> None:
        time.sleep(0.01)
        counted(-1)

    assert pipelined(items(), lambda item: item, write, depth=3) == 12
    assert most == 3


@pytest.mark.parametrize("stage", ["make", "render", "write"])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_a_stage_raises_comes_out_once_where_its_item_is_due(stage: str, kind: type[BaseException]) -> None:
    written: list[int] = []
    made: list[int] = []

    def fail(name: str, item: int) -> None:
        if name == stage and item == 5:
            raise kind("the sixth")

    def items() -> Iterator[int]:
        for item in range(1000):
            fail("make", item)
            made.append(item)
            yield item

    def render(item: int) -> int:
        fail("render", item)
        return item

    def write(item: int) -> None:
        fail("write", item)
        written.append(item)

    with pytest.raises(kind, match="the sixth"):
        pipelined(items(), render, write, depth=3)
    assert written == list(range(5))
    assert len(made) <= 5 + 3
