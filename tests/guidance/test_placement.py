"""Where keyframes go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from photovst.guidance.flow import FlowPair
from photovst.guidance.placement import Adaptive, EveryNth, Look, Placement

CPU = torch.device("cpu")


def looks(levels: Sequence[int]) -> list[Look]:
    """Frames of one gray each."""
    return [Look(i, np.full((16, 16, 3), level, np.uint8), i / 24, CPU) for i, level in enumerate(levels)]


def sure(certainty: float) -> FlowPair:
    flow, plane = torch.zeros(1, 2, 16, 16), torch.full((1, 1, 16, 16), certainty)
    return FlowPair(flow, plane, flow, plane)


def placed(placement: Placement, frames: Sequence[Look], certainty_after: dict[int, float] | float = 1.0) -> list[int]:
    """All keyframes of a shot; ``certainty_after`` of the flow over so many frames."""

    def motion(former: Look, later: Look) -> FlowPair:
        if isinstance(certainty_after, float):
            return sure(certainty_after)
        return sure(certainty_after[later.index - former.index])

    last, found = frames[0], [0]
    rest = list(frames[1:])
    while rest:
        coming = rest[: placement.reach]
        place = placement.next(last, coming, motion)
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
    assert placed(Adaptive(16, 0.5), looks([100] * 40)) == [0, 16, 32, 39]


def test_what_flow_does_not_follow_is_parted_by_halves() -> None:
    """Half of the picture is known after 4 frames, less after 8."""
    certainty = {distance: 1 / (1 + distance / 4) for distance in range(1, 17)}
    assert placed(Adaptive(16, 0.5), looks([100] * 17), certainty) == [0, 4, 8, 12, 16]


def test_where_nothing_is_known_every_frame_is_one() -> None:
    assert placed(Adaptive(8, 0.5), looks([100] * 6), 0.0) == [0, 1, 2, 3, 4, 5]


def test_a_flash_has_keyframes_before_in_and_after_it() -> None:
    """None of its light is blended into the frames around it."""
    found = placed(Adaptive(16, 0.5), looks([60] * 6 + [250] * 2 + [60] * 6))
    assert {5, 6, 7, 8} <= set(found)


def test_a_dissolve_gets_more_of_them_than_a_still_shot() -> None:
    """By color alone: flow is sure of itself here."""
    dissolve = [*np.linspace(40, 220, 13).round().astype(int)]
    found = placed(Adaptive(12, 0.5), looks(dissolve))
    assert placed(Adaptive(12, 0.5), looks([40] * 13)) == [0, 12]
    assert len(found) > 6


def test_distance_grows_again_after_a_hard_place() -> None:
    frames = looks([100] * 40)

    def motion(former: Look, later: Look) -> FlowPair:
        return sure(0.0 if former.index < 8 and later.index - former.index > 2 else 1.0)

    placement, found = Adaptive(16, 0.5), [0]
    while found[-1] < 39:
        coming = frames[found[-1] + 1 :][:16]
        found.append(coming[placement.next(frames[found[-1]], coming, motion)].index)
    assert found == [0, 2, 4, 6, 8, 12, 20, 36, 39]
