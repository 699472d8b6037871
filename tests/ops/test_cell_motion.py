"""Motion of a grid's cells."""

from __future__ import annotations

import torch

from photovst.ops.cell_motion import cell_motion
from photovst.ops.warp import warp


def test_an_even_motion_is_that_of_every_cell_in_cells() -> None:
    flow = torch.tensor([6.0, -3.0])[None, :, None, None].expand(1, 2, 31, 61)
    cells = cell_motion(flow, torch.ones(1, 1, 31, 61), (4, 7))
    # Cell centers span the picture from edge to edge: 6 pixels of 60 are .6 of 6 cells, 3 of 30 are .3 of 3.
    assert torch.allclose(cells, torch.tensor([0.6, -0.3])[None, :, None, None].expand(1, 2, 4, 7), atol=1e-6)


def test_what_cannot_be_trusted_does_not_count() -> None:
    flow = torch.zeros(1, 2, 40, 60)
    flow[:, 0, :, 30:] = 50.0
    certainty = torch.ones(1, 1, 40, 60)
    certainty[..., 30:] = 0
    assert cell_motion(flow, certainty, (8, 12)).abs().max() == 0


def test_far_from_anything_certain_cells_move_as_the_picture_does() -> None:
    flow = torch.full((1, 2, 40, 400), 4.0)
    certainty = torch.zeros(1, 1, 40, 400)
    certainty[..., :20] = 1
    cells = cell_motion(flow, certainty, (2, 41))
    assert torch.allclose(cells[:, 0], torch.tensor(4 * 40 / 399), atol=1e-4)


def test_nothing_certain_stays_where_it_is() -> None:
    assert cell_motion(torch.full((1, 2, 20, 20), 9.0), torch.zeros(1, 1, 20, 20), (4, 4)).abs().max() == 0


def test_neighbors_do_not_part_so_far_that_the_grid_folds() -> None:
    """Two halves that move against each other by a sixth of the picture: places keep their order."""
    flow = torch.zeros(1, 2, 64, 128)
    flow[:, 0, :, :64], flow[:, 0, :, 64:] = 10.0, -10.0
    cells = cell_motion(flow, torch.ones(1, 1, 64, 128), (16, 24))
    place = warp(torch.arange(24.0).expand(1, 1, 16, 24).contiguous(), cells)
    assert bool((place.diff(dim=3)[..., 3:-3] > 0).all())
