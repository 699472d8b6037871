import signal

import pytest

from photovst.endings import signals_wait


def test_a_signal_comes_after_the_block() -> None:
    seen = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with signals_wait():
            signal.raise_signal(signal.SIGTERM)
            assert seen == []
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, former)


def test_an_error_in_the_block_lets_them_through_again() -> None:
    with pytest.raises(ValueError, match="in the block"), signals_wait():
        raise ValueError("in the block")
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
