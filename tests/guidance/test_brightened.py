"""Dark pictures are seen twice, daylight once, and nothing jumps in between."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from photovst.guidance.brightened import DAYLIGHT, DUSK, MOST, NIGHT, Brightened, brightened, darkness
from photovst.ops.color import rec601_luma


@dataclass
class Meter:
    """Tells how bright a picture is, as the probability of day."""

    seen: list[float] = field(default_factory=list)
    name: str = "meter"
    classes: tuple[str, ...] = ("day", "night")

    def __call__(self, frames: Tensor) -> Tensor:
        day = rec601_luma(frames).mean(dim=(2, 3), keepdim=True)
        self.seen.append(float(day.mean()))
        return torch.cat([day, 1 - day], dim=1)


def _picture(level: float) -> Tensor:
    return torch.full((1, 3, 6, 8), level) + torch.linspace(-0.02, 0.02, 8)


def test_by_day_a_picture_is_seen_once() -> None:
    meter = Meter()
    torch.testing.assert_close(Brightened(meter)(_picture(0.6)), Meter()(_picture(0.6)))
    assert len(meter.seen) == 1


def test_by_night_the_brightened_picture_counts_most() -> None:
    meter = Meter()
    probabilities = Brightened(meter)(_picture(0.1))
    assert meter.seen == pytest.approx([0.1, DAYLIGHT], abs=5e-3)
    assert probabilities[0, 0].item() == pytest.approx((1 - MOST) * 0.1 + MOST * DAYLIGHT, abs=5e-3)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(1, 1, 1))


def test_darkness_rises_evenly_from_dusk_to_night() -> None:
    levels = (DUSK + 0.1, DUSK, (DUSK + NIGHT) / 2, NIGHT, 0.0)
    shades = [darkness(torch.full((1, 3, 2, 2), level)) for level in levels]
    assert shades == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-5)


def test_a_black_picture_stays_black_and_a_batch_is_a_batch_of_ones() -> None:
    assert brightened(torch.zeros(1, 3, 4, 4)).eq(0).all()
    both = torch.cat([_picture(0.1), _picture(0.7)])
    one_by_one = torch.cat([Brightened(Meter())(frame[None]) for frame in both])
    assert torch.equal(Brightened(Meter())(both), one_by_one)


def test_the_name_tells_it_from_the_plain_one() -> None:
    assert Brightened(Meter()).name.startswith("meter, ")
    assert Brightened(Meter()).classes == Meter().classes
