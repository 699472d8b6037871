from pathlib import Path

import pytest
import torch
from torch import Tensor

from photovst.ops.bilateral_grid import slice_affine
from photovst.ops.resize import resize
from photovst.optimize.bilateral_grid import BilateralGrid, GridFit
from photovst.optimize.grid_prior import GridPrior, RegionLinks
from photovst.storage import read_npz, write_npz

CPU = torch.device("cpu")
PRIOR = GridPrior(smoothness=1.0, luma=2.0, within=3.0, gain=0.5)
WHOLE = torch.ones(1, 1, 2, 2)


def _random(luma: int = 4, rows: int = 5, columns: int = 7, dtype: torch.dtype = torch.float32) -> BilateralGrid:
    return BilateralGrid(torch.randn(luma, rows, columns, 12, dtype=dtype), PRIOR)


def _constant_flow(x: float, y: float, height: int = 9, width: int = 13) -> Tensor:
    return torch.tensor([x, y], dtype=torch.float32).view(1, 2, 1, 1).expand(1, 2, height, width).contiguous()


def test_identity_shows_and_renders_the_frame() -> None:
    frame = torch.rand(1, 3, 11, 15)
    grid = BilateralGrid.identity((8, 16, 24), PRIOR, CPU)
    torch.testing.assert_close(grid.lift(frame), frame, rtol=0, atol=3e-7)
    fit = grid.fit(frame, WHOLE)
    torch.testing.assert_close(fit.render().detach(), frame, rtol=0, atol=3e-7)
    assert fit.evaluate()[1].item() == 0


def test_without_a_step_the_fit_returns_its_start() -> None:
    grid = _random()
    assert torch.equal(grid.fit(torch.rand(1, 3, 6, 8), WHOLE).result().grid, grid.grid)


def test_a_fit_renders_what_the_result_lifts() -> None:
    grid, frame = BilateralGrid.identity((4, 5, 7), PRIOR, CPU), torch.rand(1, 3, 12, 17)
    fit = grid.fit(frame, WHOLE)
    with torch.no_grad():
        fit.variables[0].add_(0.05 * torch.randn_like(fit.variables[0]))
    rendered = fit.render().detach()
    torch.testing.assert_close(rendered, slice_affine(fit.result().grid, frame), rtol=0, atol=1e-5)
    torch.testing.assert_close(fit.result().lift(frame), rendered.clamp(0, 1), rtol=0, atol=1e-5)
    assert not torch.equal(rendered.clamp(0, 1), rendered)  # or clipping were not seen here


def _whitening(fit: GridFit) -> Tensor:
    """The 4x4 coordinates of the fit in color, read off as its answer to unit changes of the whole grid together."""
    (change,) = fit.variables
    start = fit.grid().detach().clone()
    rows = []
    for i in range(4):
        with torch.no_grad():
            change.zero_()[0, 0, 0, i] = 1  # the constant of the cosine basis
        moved = fit.grid().detach() - start
        assert torch.allclose(moved, moved[:1, :1, :1].expand_as(moved))
        rows.append(moved[0, 0, 0, :4])
    with torch.no_grad():
        change.zero_()
    return torch.stack(rows)


@pytest.mark.parametrize("saturation", [1.0, 0.05, 0.0], ids=["colorful", "pale", "gray"])
def test_any_transform_can_be_reached_and_colors_become_white(saturation: float) -> None:
    gray, color = torch.rand(1, 1, 20, 30, dtype=torch.float64), torch.rand(1, 3, 20, 30, dtype=torch.float64)
    frame = gray + saturation * (color - gray)
    whitening = _whitening(_random(dtype=torch.float64).fit(frame, WHOLE))
    assert torch.linalg.matrix_rank(whitening) == 4
    colors = torch.cat([frame[0].flatten(1), torch.ones(1, 600, dtype=torch.float64)])
    before, white = colors @ colors.T, whitening @ colors @ colors.T @ whitening.T
    assert torch.linalg.cond(whitening) < 30
    # As far from singular as the ridge lets it be, and always nearer to white than before.
    spread = torch.linalg.eigvalsh(white)
    if saturation == 1:
        assert spread[3] / spread[0] < 2
        assert torch.linalg.cond(before) > 30


def test_gradient_of_a_rendered_picture() -> None:
    fit = _random(3, 2, 3, torch.float64).fit(torch.rand(1, 3, 5, 6, dtype=torch.float64), WHOLE)
    (change,) = fit.variables
    weights, step = torch.randn(1, 3, 5, 6, dtype=torch.float64), torch.randn_like(change)

    def loss() -> Tensor:
        picture, roughness = fit.evaluate()
        return (weights * picture.square()).sum() + 2 * roughness

    (gradient,) = torch.autograd.grad(loss(), change)
    with torch.no_grad():
        change.add_(step, alpha=1e-6)
        ahead = loss()
        change.add_(step, alpha=-2e-6)
        behind = loss()
    assert (gradient * step).sum().item() == pytest.approx(((ahead - behind) / 2e-6).item(), rel=1e-6)


def test_roughness_is_its_priors() -> None:
    grid, masks = _random(dtype=torch.float64), torch.rand(1, 2, 10, 14)
    fit = grid.fit(torch.rand(1, 3, 6, 7, dtype=torch.float64), masks)
    links = RegionLinks.of(masks.double(), 5, 7)
    torch.testing.assert_close(fit.evaluate()[1].detach(), PRIOR.roughness(grid.grid, links))
    assert fit.roughness_weight == PRIOR.smoothness


def test_zero_flow_carries_the_very_same_grid() -> None:
    grid = _random(8, 16, 24)
    assert torch.equal(grid.propagated(torch.zeros(1, 2, 90, 160)).grid, grid.grid)


@pytest.mark.parametrize(("x", "y", "columns", "rows"), [(4, 0, 1, 0), (-8, 0, -2, 0), (0, 2, 0, 1), (4, -4, 1, -2)])
def test_whole_cells_of_motion_move_the_cells(x: int, y: int, columns: int, rows: int) -> None:
    # Five rows on nine pixels and four columns on thirteen: a cell every two pixels down and every four across.
    grid = _random(columns=4)
    moved = grid.propagated(_constant_flow(x, y)).grid
    row, column = (torch.arange(5) + rows).clamp(0, 4), (torch.arange(4) + columns).clamp(0, 3)
    torch.testing.assert_close(moved, grid.grid[:, row][:, :, column], rtol=0, atol=1e-5)


def test_a_carried_grid_shows_the_moved_frame_as_the_former_showed_the_frame() -> None:
    grid, previous = _random(1, 5, 7), torch.rand(1, 3, 9, 13)
    current = previous.roll(-2, dims=3)  # what is at x was at x + 2
    shown = slice_affine(grid.propagated(_constant_flow(2, 0)).grid, current)
    torch.testing.assert_close(shown[..., :-2], slice_affine(grid.grid, previous)[..., 2:], rtol=0, atol=1e-5)


def test_blended_ends_at_both_and_halves_between() -> None:
    one, other = _random(), _random()
    assert torch.equal(one.blended(other, 0.0).grid, one.grid)
    assert torch.equal(one.blended(other, 1.0).grid, other.grid)
    torch.testing.assert_close(one.blended(other, 0.5).grid, (one.grid + other.grid) / 2)
    frame = torch.rand(1, 3, 6, 7)
    quarter = slice_affine(one.blended(other, 0.25).grid, frame)
    expected = 0.75 * slice_affine(one.grid, frame) + 0.25 * slice_affine(other.grid, frame)
    torch.testing.assert_close(quarter, expected, rtol=0, atol=1e-5)


def test_a_stored_grid_comes_back_bit_by_bit(tmp_path: Path) -> None:
    grid = _random()
    write_npz(tmp_path / "state.npz", grid.state())
    restored = BilateralGrid.identity((4, 5, 7), PRIOR, CPU).restored(read_npz(tmp_path / "state.npz"))
    assert torch.equal(restored.grid, grid.grid)
    assert restored.grid.dtype == torch.float32


def test_lift_at_twice_the_size_is_the_same_look() -> None:
    small = resize(torch.rand(1, 3, 4, 6), (16, 24))  # smooth
    large = resize(small, (32, 48))
    grid = BilateralGrid.identity((4, 3, 4), PRIOR, CPU)
    grid = BilateralGrid(grid.grid + 0.1 * torch.randn_like(grid.grid), PRIOR)
    difference = (resize(grid.lift(large), (16, 24)) - grid.lift(small)).abs()
    assert difference.mean() < 0.01
    assert difference.mean() < 0.2 * (grid.lift(small) - small).abs().mean()


def test_resampling_keeps_what_is_linear_in_every_direction() -> None:
    z, y, x = torch.meshgrid(torch.linspace(0, 1, 3), torch.linspace(0, 1, 4), torch.linspace(0, 1, 5), indexing="ij")
    slopes = torch.randn(4, 12, generator=torch.Generator().manual_seed(0))
    grid = BilateralGrid(torch.stack([torch.ones_like(z), z, y, x], dim=-1) @ slopes, PRIOR)
    other = grid.resampled((5, 7, 4))
    assert other.grid.shape == (5, 7, 4, 12)
    frame = torch.rand(1, 3, 11, 15, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(slice_affine(other.grid, frame), slice_affine(grid.grid, frame), rtol=0, atol=1e-5)
    assert grid.resampled((3, 4, 5)) is grid
    assert torch.equal(other.grid[0, 0, 0], grid.grid[0, 0, 0])
    assert torch.equal(other.grid[-1, -1, -1], grid.grid[-1, -1, -1])
