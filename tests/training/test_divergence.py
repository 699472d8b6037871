"""What is a divergence, and what is not."""

import math

import pytest

from photovst.errors import SettingsError
from photovst.training.divergence import SKIPS, Watch
from photovst.training.plan import Bounds

BOUNDS = Bounds(ratio=10, patience=5, window=20)


def said(watch: Watch, totals: list[float], gradient: float = 1.0) -> list[str | None]:
    return [watch.see({"style": total / 2, "total": total}, gradient) for total in totals]


def test_falling_losses_and_single_spikes_are_none() -> None:
    assert not any(said(Watch(BOUNDS), [1000 * 0.9**step for step in range(100)]))
    assert not any(said(Watch(BOUNDS), [1.0, 1.0, 500.0, 500.0, 1.0] * 20))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_number_is_one_at_once_and_the_term_is_named(value: float) -> None:
    assert Watch(BOUNDS).see({"content": 1.0, "style": value, "total": value}, 1.0) == f"style is {value}"
    assert said(Watch(BOUNDS), [1.0], math.nan) == ["the gradient's norm is nan, with a total of 1"]


def test_far_above_the_median_for_long_is_one() -> None:
    watch = Watch(BOUNDS)
    assert not any(said(watch, [2.0] * 30))
    first, *_, last = said(watch, [50.0] * 5)
    assert first is None
    assert last == "total is 50, 25 times its running median of 2, and has been far above it for 5 steps"
    assert watch.doubtful_steps == 5


def test_in_doubt_from_the_first_high_loss_to_the_next_low_one() -> None:
    watch = Watch(BOUNDS)
    said(watch, [1.0] * 30)
    assert not watch.in_doubt
    said(watch, [100.0])
    assert watch.in_doubt
    said(watch, [1.0])
    assert not watch.in_doubt


def test_the_scaler_of_float16_may_skip_but_not_for_ever() -> None:
    watch = Watch(BOUNDS, scaled=True)
    assert not any(said(watch, [1.0] * SKIPS, math.inf))
    assert not any(said(watch, [1.0], 1.0))
    *before, last = said(watch, [1.0] * (SKIPS + 1), math.inf)
    assert not any(before)
    assert last is not None
    assert "whatever float16 is scaled by" in last


def test_a_resumed_watch_judges_as_the_first() -> None:
    whole, first, second = Watch(BOUNDS), Watch(BOUNDS), Watch(BOUNDS)
    totals = [1.0] * 30 + [100.0] * 5
    expected = said(whole, totals)
    said(first, totals[:32])
    second.load(first.state())
    assert said(second, totals[32:]) == expected[32:]
    assert expected[-1] is not None


def test_bounds_that_cannot_work_are_refused() -> None:
    with pytest.raises(SettingsError, match="window more than twice the patience"):
        Bounds(patience=100, window=200)
