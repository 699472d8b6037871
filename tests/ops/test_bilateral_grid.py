import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.ops.bilateral_grid import identity_grid, slice_affine, slice_grids, slicing_matrix
from photovst.ops.color import rec601_luma

SIZES = [(1, 1), (1, 9), (9, 1), (7, 5), (8, 13)]
CELLS = [(4, 3, 5), (1, 1, 1), (8, 1, 2), (2, 6, 9)]


def _corners(position: float, cells: int) -> list[tuple[int, float]]:
    at = min(max(position, 0.0), 1.0) * (cells - 1)
    lower = int(at)
    return [(lower, 1 - (at - lower)), (min(lower + 1, cells - 1), at - lower)]


def _by_the_book(grid: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Trilinear interpolation of the eight cells around each pixel, one pixel after the other."""
    _, height, width = frame.shape
    result = np.zeros_like(frame)
    for y, x in np.ndindex(height, width):
        color = frame[:, y, x]
        luma = float(np.dot(color, (0.299, 0.587, 0.114)))
        down = y / (height - 1) if height > 1 else 0.0
        across = x / (width - 1) if width > 1 else 0.0
        places = [_corners(at, n) for at, n in zip((luma, down, across), grid.shape[:3], strict=True)]
        affine = np.zeros(12)
        for (z, wz), (row, wr), (column, wc) in itertools.product(*places):
            affine += wz * wr * wc * grid[z, row, column]
        result[:, y, x] = affine.reshape(3, 4) @ np.append(color, 1)
    return result


def _by_the_matrix(grid: Tensor, frame: Tensor) -> Tensor:
    matrix, _ = slicing_matrix(rec601_luma(frame), (grid.shape[0], grid.shape[1], grid.shape[2]))
    affine = (matrix @ grid.reshape(-1, 12)).view(-1, 3, 4)
    colors = torch.cat([frame[0].flatten(1), torch.ones_like(frame[0, :1]).flatten(1)])
    return torch.einsum("pij,jp->ip", affine, colors).view_as(frame)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cells", CELLS)
def test_slice_and_matrix_match_a_plain_loop(size: tuple[int, int], cells: tuple[int, int, int]) -> None:
    grid = torch.randn(*cells, 12, dtype=torch.float64)
    frame = torch.rand(1, 3, *size, dtype=torch.float64)
    expected = _by_the_book(grid.numpy(), frame[0].numpy())
    np.testing.assert_allclose(slice_affine(grid, frame)[0].numpy(), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(_by_the_matrix(grid, frame)[0].numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [*SIZES, (131, 17)])
def test_identity_leaves_the_frame_alone(size: tuple[int, int]) -> None:
    frame = torch.rand(1, 3, *size)
    torch.testing.assert_close(slice_affine(identity_grid(8, 16, 24), frame), frame, rtol=0, atol=3e-7)


def test_the_same_transform_everywhere_is_a_matrix_product() -> None:
    affine = torch.randn(3, 4, dtype=torch.float64)
    frame = torch.rand(1, 3, 9, 11, dtype=torch.float64)
    grid = affine.view(12).expand(4, 3, 5, 12)
    expected = torch.einsum("ij,bjhw->bihw", affine[:, :3], frame) + affine[:, 3, None, None]
    torch.testing.assert_close(slice_affine(grid, frame), expected, rtol=0, atol=1e-12)


def test_first_and_last_pixel_lie_on_the_first_and_last_cell() -> None:
    grid = torch.zeros(1, 2, 3, 12)
    grid[0, :, :, 3] = torch.arange(6.0).view(2, 3)  # red is the cell's number
    red = slice_affine(grid, torch.zeros(1, 3, 7, 9))[0, 0]
    torch.testing.assert_close(red[[0, 0, 0, 6, 6], [0, 4, 8, 0, 8]], torch.tensor([0.0, 1, 2, 3, 5]))


def test_colors_outside_the_gamut_use_the_outermost_luma_cells() -> None:
    grid = identity_grid(2, 1, 1)
    grid[0, ..., 3], grid[1, ..., 3] = 0.25, 0.5
    frame = torch.tensor([-0.4, 0.0, 1.0, 1.7]).expand(1, 3, 1, 4).contiguous()
    expected = frame[0, 0, 0] + torch.tensor([0.25, 0.25, 0.5, 0.5])
    for sliced in (slice_affine(grid, frame), _by_the_matrix(grid, frame)):
        torch.testing.assert_close(sliced[0, 0, 0], expected)


def test_strips_of_any_height_give_the_same() -> None:
    grid, frame = torch.randn(4, 5, 6, 12), torch.rand(1, 3, 67, 13)
    whole = slice_affine(grid, frame, strip=67)
    for strip in (1, 10, 64, 1000):
        torch.testing.assert_close(slice_affine(grid, frame, strip), whole, rtol=0, atol=2e-6)


def test_places_two_sizes_share_get_the_same_transform() -> None:
    # Cell centers lie on the outermost pixels, so every second pixel of a frame of 2n - 1 is one of n.
    grid, large = torch.randn(4, 5, 6, 12, dtype=torch.float64), torch.rand(1, 3, 17, 23, dtype=torch.float64)
    small = large[..., ::2, ::2].contiguous()
    torch.testing.assert_close(slice_affine(grid, large)[..., ::2, ::2], slice_affine(grid, small))


@pytest.mark.parametrize("cells", CELLS)
def test_the_matrix_has_weights_that_sum_to_one_and_its_transpose(cells: tuple[int, int, int]) -> None:
    matrix, transposed = slicing_matrix(torch.rand(1, 1, 6, 7), cells)
    assert matrix.shape == (42, cells[0] * cells[1] * cells[2])
    torch.testing.assert_close(matrix.to_dense().sum(dim=1), torch.ones(42))
    assert matrix.values().min() >= 0
    assert torch.equal(transposed.to_dense(), matrix.to_dense().T)
    dense = torch.randn(42, 12)
    torch.testing.assert_close(transposed @ dense, matrix.to_dense().T @ dense)


def test_gradcheck_of_the_grid() -> None:
    grid = torch.randn(3, 2, 2, 12, dtype=torch.float64, requires_grad=True)
    frame = torch.rand(1, 3, 3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda g: slice_affine(g, frame, strip=2), grid)


def test_frames_of_a_batch_are_sliced_each_by_its_grid() -> None:
    generator = torch.Generator().manual_seed(3)
    grids = torch.randn(2, 5, 3, 4, 12, generator=generator)
    frames = torch.rand(2, 3, 21, 30, generator=generator)
    alone = torch.cat([slice_affine(grid, frame[None]) for grid, frame in zip(grids, frames, strict=True)])
    torch.testing.assert_close(slice_grids(grids, frames), alone)


def test_slicing_frames_has_the_gradient_of_differences_in_the_grids() -> None:
    generator = torch.Generator().manual_seed(4)
    grids = torch.randn(2, 3, 2, 2, 12, dtype=torch.float64, generator=generator)
    frames = torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(lambda g: slice_grids(g, frames), grids.requires_grad_())
