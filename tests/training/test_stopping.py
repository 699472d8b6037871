"""Signals that wait for the end of a step."""

import os
import signal
import threading
from types import FrameType

import pytest

from photovst.training.stopping import stops_between_steps


class Stopped(BaseException):
    pass


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> object:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def test_the_first_waits_and_is_heeded_later() -> None:
    with stops_between_steps() as stop:
        stop.heed()
        assert not stop.asked
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked
        with pytest.raises(Stopped) as caught:
            stop.heed()
    assert caught.value.args == (signal.SIGTERM,)


def test_the_second_does_not_wait() -> None:
    with stops_between_steps():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_as_before_and_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    before = signal.getsignal(signal.SIGTERM)
    with stops_between_steps() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert not stop.asked
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_trains_without_them() -> None:
    found: list[bool] = []

    def work() -> None:
        with stops_between_steps() as stop:
            found.append(stop.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
