"""Where keyframes go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from photovst.guidance.placement import Adaptive, Back, EveryNth, Look, Placement, new_share

CPU = torch.device("cpu")


def looks(levels: Sequence[int]) -> list[Look]:
    """Frames of one gray each."""
    return [Look(i, np.full((16, 16, 3), level, np.uint8), i / 24, CPU) for i, level in enumerate(levels)]


def still(look: Look) -> torch.Tensor:
    return torch.zeros(1, 2, 4, 6)


def placed(placement: Placement, frames: Sequence[Look], back: Back = still) -> list[int]:
    """All keyframes of a shot."""
    last, found = frames[0], [0]
    rest = list(frames[1:])
    while rest:
        coming = rest[: placement.reach]
        place = placement.next(last, coming, back)
        last = coming[place]
        found.append(last.index)
        rest = rest[place + 1 :]
    return found


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [0]), (2, [0, 1]), (4, [0, 3]), (9, [0, 4, 8]), (11, [0, 4, 8, 10]), (13, [0, 4, 8, 12])],
)
def test_every_so_manyth_and_the_last(count: int, expected: list[int]) -> None:
    assert placed(EveryNth(4), looks([100] * count)) == expected


def test_a_frozen_shot_needs_few() -> None:
    assert placed(Adaptive(16, 0.25), looks([100] * 40)) == [0, 16, 32, 39]


def test_what_comes_into_view_counts_by_its_area() -> None:
    """An even pan by a quarter of a cell of six a frame: half a cell's width is shown beyond its center."""
    pan = torch.tensor([0.25, 0.0])[None, :, None, None].expand(1, 2, 4, 6).contiguous()
    assert placed(Adaptive(16, 0.25), looks([100] * 17), lambda look: pan) == [0, 6, 12, 16]


def test_where_all_of_it_is_new_every_frame_is_one() -> None:
    away = torch.full((1, 2, 4, 6), 50.0)
    assert placed(Adaptive(8, 0.25), looks([100] * 6), lambda look: away) == [0, 1, 2, 3, 4, 5]


def test_a_flash_has_keyframes_before_in_and_after_it() -> None:
    """None of its light is blended into the frames around it."""
    found = placed(Adaptive(16, 0.25), looks([60] * 6 + [250] * 2 + [60] * 6))
    assert found == [0, 5, 6, 7, 8, 13]


def test_a_dissolve_gets_more_of_them_than_a_still_shot() -> None:
    dissolve = looks([*np.linspace(40, 220, 25).round().astype(int)])
    assert placed(Adaptive(24, 0.25), looks([40] * 25)) == [0, 24]
    # A cell is by a quarter another one where it differs by half of OTHER, .125 of 1: after 4 frames of .03.
    assert placed(Adaptive(24, 0.25), dissolve) == [0, 4, 8, 12, 16, 20, 24]


def test_where_a_fade_begins_and_ends_is_one() -> None:
    """What is blended changes evenly, and would fade before and after the picture does."""
    fade = looks([60] * 10 + [60 + 8 * k for k in range(1, 4)] + [84] * 10)
    assert placed(Adaptive(24, 0.25), fade) == [0, 9, 12, 22]


def test_an_even_change_of_light_is_no_bend() -> None:
    assert placed(Adaptive(24, 0.25), looks([60 + k for k in range(25)])) == [0, 24]


def test_share_of_what_is_new() -> None:
    former = torch.zeros(1, 3, 4, 6)
    now = former.clone()
    assert new_share(former, now, torch.zeros(1, 2, 4, 6)) == 0
    now[..., :2] = 1
    assert abs(new_share(former, now, torch.zeros(1, 2, 4, 6)) - 1 / 3) < 1e-6
    # The same brightness, followed to where it was before.
    moved = torch.roll(now, 2, dims=3)
    there = torch.tensor([-2.0, 0.0])[None, :, None, None].expand(1, 2, 4, 6)
    assert abs(new_share(now, moved, there.contiguous()) - 1 / 3) < 1e-6  # what came in from the left
