from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.guidance import guides as module
from photovst.guidance.cache import GuideCache
from photovst.guidance.flow import FlowPair, flow_pair
from photovst.guidance.guides import motion_between, steady_masks


def _texture(height: int = 50, width: int = 70) -> Tensor:
    noise = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return torch.from_numpy(smooth).permute(2, 0, 1)[None].contiguous()


PREVIOUS, CURRENT = _texture()[..., 3:].contiguous(), _texture()[..., :-3].contiguous()
FIELDS = ("to_previous", "certainty_to_previous", "to_next", "certainty_to_next")


def _masks(regions: int = 3) -> Tensor:
    return torch.randn(1, regions, 20, 30).softmax(dim=1)


def _motion(x: float, certainty: float | Tensor) -> FlowPair:
    flow = torch.tensor([x, 0.0]).view(1, 2, 1, 1).expand(1, 2, 20, 30).contiguous()
    weight = torch.ones(1, 1, 20, 30) * certainty
    return FlowPair(flow, weight, -flow, 0.3 * torch.ones_like(weight))  # masks are carried to the current frame only


def test_motion_is_the_flow_pair_rounded_to_what_is_stored() -> None:
    pair, exact = motion_between(PREVIOUS, CURRENT, None), flow_pair(PREVIOUS, CURRENT)
    assert pair.to_next[0, 0, 20:30, 20:40].mean() == pytest.approx(3, abs=0.1)
    for name in FIELDS:
        rounded, given = getattr(pair, name), getattr(exact, name)
        assert rounded.dtype == torch.float32
        tolerance = 0.5 / 255 + 1e-6 if "certainty" in name else 2e-3
        torch.testing.assert_close(rounded, given, rtol=0, atol=tolerance)


def test_with_and_without_a_cache_and_from_it_motion_is_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = GuideCache(tmp_path)
    pairs = [motion_between(PREVIOUS, CURRENT, where) for where in (None, cache)]

    def refuse(*_: object) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr(module, "flow_pair", refuse)
    pairs.append(motion_between(PREVIOUS, CURRENT, cache))
    for name in FIELDS:
        for pair in pairs[1:]:
            assert torch.equal(getattr(pair, name), getattr(pairs[0], name))
    with pytest.raises(AssertionError, match="computed"):
        motion_between(CURRENT, PREVIOUS, cache)
    with pytest.raises(AssertionError, match="computed"):
        motion_between(PREVIOUS, CURRENT, cache, "paper")


def test_without_persistence_or_certainty_masks_are_the_frames_own() -> None:
    own, former = _masks(), _masks()
    torch.testing.assert_close(steady_masks(own, former, _motion(3, 1.0), 0.0), own)
    torch.testing.assert_close(steady_masks(own, former, _motion(3, 0.0), 0.9), own)


@pytest.mark.parametrize("persistence", [0.25, 0.8, 1.0])
def test_where_nothing_moves_masks_are_mixed_by_persistence(persistence: float) -> None:
    own, former = _masks(), _masks()
    expected = persistence * former + (1 - persistence) * own
    torch.testing.assert_close(steady_masks(own, former, _motion(0, 1.0), persistence), expected)
    half = steady_masks(own, former, _motion(0, 0.5), persistence)
    torch.testing.assert_close(half, own + 0.5 * persistence * (former - own))


def test_masks_are_carried_along_the_flow_and_sum_to_one() -> None:
    own, former = _masks(), _masks()
    certainty = torch.rand(1, 1, 20, 30)
    steady = steady_masks(own, former, _motion(2, certainty), 0.8)
    expected = torch.lerp(own[..., :-2], former[..., 2:], 0.8 * certainty[..., :-2])
    torch.testing.assert_close(steady[..., :-2], expected)
    torch.testing.assert_close(steady.sum(dim=1), torch.ones(1, 20, 30))
    assert steady.min() >= 0


def test_flicker_dies_down() -> None:
    # Masks that flicker around 1/2 and are steadied as a run does it: each from the last.
    steady, seen, own = None, [], []
    for _ in range(12):
        masks = (torch.rand(1, 1, 20, 30) < 0.5).float()
        masks = torch.cat([masks, 1 - masks], dim=1)
        own.append(masks)
        steady = masks if steady is None else steady_masks(masks, steady, _motion(0, 1.0), 0.8)
        seen.append(steady)
    flicker = [torch.stack([(b - a).abs().mean() for a, b in pairwise(run)]).mean() for run in (seen, own)]
    assert flicker[0] < 0.3 * flicker[1]
