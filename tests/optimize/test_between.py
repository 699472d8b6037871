"""Grids between two keyframes."""

from __future__ import annotations

import pytest
import torch

from photovst.ops.bilateral_grid import identity_grid
from photovst.optimize.between import CellMotion, Step, between, motion_state, motions_inside, onward, restored_motion
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.grid_prior import GridPrior

PRIOR = GridPrior(0.1)


def grid(seed: int) -> BilateralGrid:
    noise = torch.rand(3, 6, 9, 12, generator=torch.Generator().manual_seed(seed))
    return BilateralGrid(identity_grid(3, 6, 9) + noise, PRIOR)


def even(x: float, y: float = 0.0, rows: int = 6) -> torch.Tensor:
    """What lies here lies (x, y) cells further there."""
    return torch.tensor([x, y])[None, :, None, None].expand(1, 2, rows, 9).contiguous()


def bump(column: float) -> BilateralGrid:
    """Brighter around a column; what it adds is linear beside it, so that it may lie between two."""
    made = identity_grid(1, 2, 9)
    made[..., 3] += (1 - (torch.arange(9.0) - column).abs()).clamp_min(0)[None, None]
    return BilateralGrid(made, PRIOR)


@pytest.mark.parametrize("motion", [None, CellMotion(even(0), even(0))])
def test_where_nothing_moves_it_is_the_mean_by_time(motion: CellMotion | None) -> None:
    former, later = grid(1), grid(2)
    expected = 0.75 * former.grid + 0.25 * later.grid
    assert torch.allclose(between(former, later, 0.25, motion).grid, expected, atol=1e-6)


def test_what_moves_is_where_it_should_be_and_does_not_fade() -> None:
    """A bump that goes from column 2 over 3 to 6, first slowly: blended in place there would be two half ones."""
    there = CellMotion(even(-1, rows=2), even(3, rows=2))
    assert torch.allclose(between(bump(2), bump(6), 0.5, there).grid, bump(3).grid, atol=1e-6)
    assert float(between(bump(2), bump(6), 0.5, None).grid[..., 3].max()) == 0.5


def test_motions_of_the_frames_inside_are_chained_from_both_ends() -> None:
    """Columns of a thing over five frames: 0, 1, 3, 4, 8."""
    steps = [Step(even(-d), even(d)) for d in (1, 2, 1, 4)]
    inside = motions_inside(steps)
    assert [float(m.to_former[0, 0, 0, 0]) for m in inside] == [-1, -3, -4]
    assert [float(m.to_later[0, 0, 0, 0]) for m in inside] == [7, 5, 4]
    assert motions_inside([Step(even(-1), even(1))] * 2)[0].to_later[0, 0, 0, 0] == 1


def test_a_chain_follows_what_it_has_found() -> None:
    """The left half stays, the right half moves by 3: a step that leads into the left half stays from there on."""
    motion = even(0)
    motion[:, 0, :, 5:] = 3
    assert torch.equal(onward(motion, even(0)), motion)
    assert float(onward(motion, even(-6))[0, 0, 0, 8]) == -6
    assert float(onward(motion, even(-1))[0, 0, 0, 8]) == 2


def test_motion_comes_back_from_its_state() -> None:
    motions = [CellMotion(even(0.25 * k), even(-0.5 * k)) for k in (1, 2)]
    arrays = motion_state(motions)
    assert {name: value.shape for name, value in arrays.items()} == dict.fromkeys(arrays, (2, 2, 6, 9))
    found = restored_motion(arrays, 1, torch.zeros(1))
    assert found is not None
    assert torch.equal(found.to_former, motions[1].to_former)
    assert torch.equal(found.to_later, motions[1].to_later)
    assert restored_motion(grid(1).state(), 0, torch.zeros(1)) is None
    assert motion_state([]) == {}
