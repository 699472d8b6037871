from pathlib import Path

import pytest
import torch
from torch import Tensor

from photovst.guidance.cache import GuideCache
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow import MotionSource, flow_pair

from .textures import shifted_pair

PREVIOUS, CURRENT = shifted_pair(right=3, down=0)
FIELDS = ("to_previous", "certainty_to_previous", "to_next", "certainty_to_next")
AT = (0, 1)


class _Counted:
    """An estimator that says how often it was asked, of a name of its own."""

    def __init__(self, name: str = "counted", scale: float = 1.0) -> None:
        self.name, self.scale, self.asked = name, scale, 0

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        self.asked += 1
        return self.scale * Dis()(first, second)


def test_motion_is_the_flow_pair_rounded_to_what_is_stored() -> None:
    motion, exact = EstimatedMotion(Dis()), flow_pair(Dis(), PREVIOUS, CURRENT)
    assert isinstance(motion, MotionSource)
    pair = motion.between(PREVIOUS, CURRENT, AT)
    assert pair.to_next[0, 0, 20:30, 20:40].mean() == pytest.approx(3, abs=0.1)
    for name in FIELDS:
        rounded, given = getattr(pair, name), getattr(exact, name)
        assert rounded.dtype == torch.float32
        tolerance = 0.5 / 255 + 1e-6 if "certainty" in name else 2e-3
        torch.testing.assert_close(rounded, given, rtol=0, atol=tolerance)


def test_either_order_of_time() -> None:
    motion = EstimatedMotion(Dis())
    onward, back = motion.between(PREVIOUS, CURRENT, (4, 9)), motion.between(CURRENT, PREVIOUS, (9, 4))
    assert torch.equal(onward.to_next, back.to_previous)
    assert torch.equal(onward.certainty_to_previous, back.certainty_to_next)


def test_with_and_without_a_cache_and_from_it_motion_is_the_same_bits(tmp_path: Path) -> None:
    cache, estimator = GuideCache(tmp_path), _Counted()
    pairs = [EstimatedMotion(estimator, where).between(PREVIOUS, CURRENT, AT) for where in (None, cache, cache)]
    assert estimator.asked == 4  # both ways, twice
    for name in FIELDS:
        for pair in pairs[1:]:
            assert torch.equal(getattr(pair, name), getattr(pairs[0], name))


def test_frames_order_certainty_and_estimator_are_told_apart_in_the_cache(tmp_path: Path) -> None:
    cache, estimator, other = GuideCache(tmp_path), _Counted(), _Counted("half", 0.5)
    EstimatedMotion(estimator, cache).between(PREVIOUS, CURRENT, AT)
    EstimatedMotion(estimator, cache).between(CURRENT, PREVIOUS, AT)
    assert estimator.asked == 4
    binary = EstimatedMotion(estimator, cache, "paper").between(PREVIOUS, CURRENT, AT)
    assert estimator.asked == 6
    assert set(binary.certainty_to_next.unique().tolist()) <= {0.0, 1.0}
    pair = EstimatedMotion(other, cache).between(PREVIOUS, CURRENT, AT)
    assert other.asked == 2
    assert pair.to_next[0, 0, 20:30, 20:40].mean() == pytest.approx(1.5, abs=0.1)


def test_vectors_beyond_half_floats_stay_numbers() -> None:
    pair = EstimatedMotion(_Counted("wild", 1e6)).between(PREVIOUS, CURRENT, AT)
    assert pair.to_next.isfinite().all()
    assert pair.to_next.max() == 65504
