from itertools import pairwise

import pytest
import torch
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.guidance.guides import steady_masks


def _masks(regions: int = 3) -> Tensor:
    return torch.randn(1, regions, 20, 30).softmax(dim=1)


def _motion(x: float, certainty: float | Tensor) -> FlowPair:
    flow = torch.tensor([x, 0.0]).view(1, 2, 1, 1).expand(1, 2, 20, 30).contiguous()
    weight = torch.ones(1, 1, 20, 30) * certainty
    return FlowPair(flow, weight, -flow, 0.3 * torch.ones_like(weight))  # masks are carried to the current frame only


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
