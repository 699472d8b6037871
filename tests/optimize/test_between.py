"""Grids between two keyframes."""

from __future__ import annotations

import pytest
import torch

from photovst.guidance.flow import FlowPair
from photovst.ops.bilateral_grid import identity_grid
from photovst.optimize.between import CellMotion, between
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.grid_prior import GridPrior

PRIOR = GridPrior(0.1)


def grid(seed: int) -> BilateralGrid:
    noise = torch.rand(3, 6, 9, 12, generator=torch.Generator().manual_seed(seed))
    return BilateralGrid(identity_grid(3, 6, 9) + noise, PRIOR)


def even_motion(x: float, y: float) -> CellMotion:
    """What lies at a place of the later keyframe lay (x, y) cells further in the former."""
    there = torch.tensor([x, y])[None, :, None, None].expand(1, 2, 6, 9)
    return CellMotion(there, -there)


def bump(column: float) -> BilateralGrid:
    """Brighter around a column; what it adds is linear beside it, so that it may lie between two."""
    made = identity_grid(1, 2, 9)
    made[..., 3] += (1 - (torch.arange(9.0) - column).abs()).clamp_min(0)[None, None]
    return BilateralGrid(made, PRIOR)


def test_at_the_ends_a_keyframe_has_its_own_grid() -> None:
    former, later = grid(1), grid(2)
    assert between(former, later, 0, even_motion(2, 1)) is former
    assert between(former, later, 1, even_motion(2, 1)) is later


def test_where_nothing_moves_it_is_the_mean_by_time() -> None:
    former, later = grid(1), grid(2)
    expected = 0.75 * former.grid + 0.25 * later.grid
    for motion in (None, even_motion(0, 0)):
        assert torch.allclose(between(former, later, 0.25, motion).grid, expected, atol=1e-6)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_what_moves_evenly_is_where_it_should_be_and_does_not_fade(share: float) -> None:
    """A bump that goes from column 2 to column 6: blended in place there would be two half ones."""
    moved = between(bump(2), bump(6), share, CellMotion(*(m[:, :, :2] for m in _pair(-4.0))))
    assert torch.allclose(moved.grid, bump(2 + 4 * share).grid, atol=1e-5)
    faded = between(bump(2), bump(6), 0.5, None)
    assert float(faded.grid[..., 3].max()) == 0.5


def _pair(x: float) -> tuple[torch.Tensor, torch.Tensor]:
    motion = even_motion(x, 0)
    return motion.to_former, motion.to_here


def test_motion_comes_from_the_flow_both_ways() -> None:
    ones = torch.ones(1, 1, 11, 17)
    flow = torch.tensor([2.0, -1.0])[None, :, None, None].expand(1, 2, 11, 17)
    motion = CellMotion.of(FlowPair(flow, ones, -flow, ones), 6, 9)
    expected = torch.tensor([2.0 * 8 / 16, -1.0 * 5 / 10])[None, :, None, None].expand(1, 2, 6, 9)
    assert torch.allclose(motion.to_former, expected, atol=1e-6)
    assert torch.allclose(motion.to_here, -expected, atol=1e-6)


def test_motion_comes_back_from_its_state() -> None:
    motion = even_motion(0.3, -0.7)
    found = CellMotion.restored(motion.state(), torch.zeros(1))
    assert found is not None
    assert torch.equal(found.to_former, motion.to_former)
    assert torch.equal(found.to_here, motion.to_here)
    assert CellMotion.restored(grid(1).state(), torch.zeros(1)) is None
