import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

from photovst.ops import bilateral_splat as module
from photovst.ops.bilateral_grid import slicing_matrix

splat = jaxtyped(typechecker=beartype)(module.splat)

CELLS = [(4, 3, 5), (1, 1, 1), (8, 1, 2), (2, 6, 9)]


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 23)])
def test_pixels_count_in_the_cells_that_would_color_them(cells: tuple[int, int, int], size: tuple[int, int]) -> None:
    luma = _random(2, 1, *size)
    _, pixels = splat(_random(2, 3, *size, seed=1), luma, cells)
    for each, counted in zip(luma, pixels, strict=True):
        _, transposed = slicing_matrix(each[None], cells)
        expected = transposed.to_dense().sum(dim=1).view(1, *cells)
        torch.testing.assert_close(counted, expected)
    torch.testing.assert_close(pixels.sum(dim=(1, 2, 3, 4)), torch.full((2,), float(size[0] * size[1])).double())


def test_a_cell_has_the_mean_of_its_pixels() -> None:
    # Dense: every cell has many pixels, beside which what is taken from the cells around is small.
    cells, luma, planes = (2, 2, 2), _random(1, 1, 40, 40), _random(1, 3, 40, 40, seed=1)
    means, pixels = splat(planes, luma, cells)
    _, transposed = slicing_matrix(luma, cells)
    expected = (transposed.to_dense() @ planes[0].flatten(1).T).T.view(1, 3, *cells) / pixels
    torch.testing.assert_close(means, expected, rtol=0, atol=0.1 * float(planes.std()))


@pytest.mark.parametrize("cells", CELLS)
def test_constants_stay_constant_and_masks_go_on_summing_to_one(cells: tuple[int, int, int]) -> None:
    luma, masks = _random(1, 1, 9, 14), _random(1, 4, 9, 14, seed=1).softmax(dim=1)
    means, _ = splat(torch.cat([masks, torch.full_like(luma, 0.7)], dim=1), luma, cells)
    torch.testing.assert_close(means[:, :4].sum(dim=1), torch.ones(1, *cells).double())
    torch.testing.assert_close(means[:, 4], torch.full((1, *cells), 0.7).double())
    assert means.min() >= 0


def test_a_cell_far_from_every_pixel_takes_the_mean_of_the_picture() -> None:
    planes = _random(1, 2, 12, 20)
    means, pixels = splat(planes, torch.zeros(1, 1, 12, 20).double(), (16, 3, 4))
    assert pixels[:, :, 15].max() == 0
    expected = planes.mean(dim=(2, 3))[..., None, None].expand(1, 2, 3, 4)
    torch.testing.assert_close(means[:, :, 15], expected, rtol=0, atol=0.02)


def test_a_cell_with_no_pixel_goes_by_those_beside_it() -> None:
    # Dark on the left is 0, bright on the right is 1; dark on the right holds no pixel, nor does the other corner.
    luma = torch.cat([torch.zeros(8, 8), torch.ones(8, 8)], dim=1)[None, None].double()
    means, pixels = splat(luma.clone(), luma, (9, 3, 9))
    assert pixels[0, 0, 1, 1, 0] == 0
    assert means[0, 0, 1, 1, 0] < 0.1
    assert means[0, 0, 7, 1, 8] > 0.9


def test_frames_of_a_batch_do_not_mix() -> None:
    planes, luma = _random(3, 2, 9, 7), _random(3, 1, 9, 7, seed=1)
    together, pixels = splat(planes, luma, (4, 3, 5))
    for i in range(3):
        alone, counted = splat(planes[i : i + 1], luma[i : i + 1], (4, 3, 5))
        torch.testing.assert_close(together[i : i + 1], alone)
        torch.testing.assert_close(pixels[i : i + 1], counted)


def test_luma_outside_the_range_counts_at_its_ends() -> None:
    planes, luma = _random(1, 2, 5, 6), 3 * _random(1, 1, 5, 6, seed=1) - 1
    for given, expected in zip(splat(planes, luma, (4, 2, 2)), splat(planes, luma.clamp(0, 1), (4, 2, 2)), strict=True):
        torch.testing.assert_close(given, expected)


def test_gradcheck_of_the_planes() -> None:
    luma, planes = _random(1, 1, 4, 5), _random(1, 2, 4, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: splat(p, luma, (3, 2, 2))[0], planes)
