import numpy as np
import pytest
import scipy.fft
import torch
from torch import Tensor

from photovst.ops.bilateral_grid import identity_grid
from photovst.optimize.grid_prior import CURVATURE, GridPrior, Preconditioner, RegionLinks

ONE_REGION = RegionLinks.of(torch.ones(1, 1, 1, 1), 4, 5)


def _grid(luma: int = 3, rows: int = 4, columns: int = 5) -> Tensor:
    return torch.randn(luma, rows, columns, 12, dtype=torch.float64)


def test_roughness_is_the_mean_square_of_gradients_along_the_axes() -> None:
    grid = _grid()
    array = grid.numpy()
    along = [(np.diff(array, axis=a) * (array.shape[a] - 1)) ** 2 for a in range(3)]
    expected = 7 * along[0].mean() + 2 * along[1].mean() + 2 * along[2].mean()
    assert GridPrior(1.0, luma=7.0, within=2.0).roughness(grid, ONE_REGION).item() == pytest.approx(expected)


def test_a_slope_costs_the_same_in_every_number_of_cells() -> None:
    slopes = [torch.linspace(0, 1, n).view(1, 1, n, 1).expand(2, 3, n, 12) for n in (2, 5, 40)]
    values = [GridPrior(1.0).roughness(s, RegionLinks.of(torch.ones(1, 1, 1, 1), 3, s.shape[2])) for s in slopes]
    assert values == pytest.approx([1, 1, 1], rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 5)])
def test_one_transform_everywhere_that_keeps_contrast_is_free(shape: tuple[int, int, int]) -> None:
    grid = identity_grid(*shape)
    grid[..., 3::4] += torch.tensor([0.3, -0.1, 0.2])  # a cast is no change of contrast
    prior = GridPrior(1.0, luma=2.0, within=3.0, gain=5.0)
    links = RegionLinks.of(torch.rand(1, 2, 8, 9), shape[1], shape[2])
    assert prior.roughness(grid, links).item() == pytest.approx(0, abs=1e-9)


def test_gain_is_the_mean_square_of_what_contrast_changes_by() -> None:
    grid = 2 * identity_grid(2, 3, 4)  # the diagonal is off by 1, six of nine numbers are right
    links = RegionLinks.of(torch.ones(1, 1, 1, 1), 3, 4)
    assert GridPrior(1.0, gain=6.0).roughness(grid, links).item() == pytest.approx(6 * 3 / 9)


def test_a_border_of_regions_frees_the_cells_on_its_sides() -> None:
    masks = torch.zeros(1, 2, 40, 60)
    masks[:, 0, :, :30] = 1
    masks[:, 1] = 1 - masks[:, 0]
    links = RegionLinks.of(masks, 4, 6)
    assert torch.all(links.down == 1)
    assert torch.all(links.across[:, [0, 1, 3, 4]] == 1)
    assert torch.all(links.across[:, 2] < 1e-20)
    prior, step = GridPrior(1.0, within=100.0), torch.zeros(1, 4, 6, 12)
    at_border, inside = step.clone(), step.clone()
    at_border[:, :, 3:] = 1
    inside[:, :, 2:] = 1
    assert prior.roughness(inside, links) == pytest.approx(100 * prior.roughness(at_border, links).item())


def test_the_coordinates_are_those_of_the_cosine_transform() -> None:
    coordinates = _grid()
    grid = Preconditioner((3, 4, 5), GridPrior(0.0), coordinates)(coordinates)
    expected = scipy.fft.idctn(coordinates.numpy(), axes=(0, 1, 2), norm="ortho")
    np.testing.assert_allclose(grid.numpy(), expected * 60**0.5, atol=1e-12)


def test_in_the_coordinates_the_regularizer_is_even() -> None:
    # Curvature of the regularizer over its mean square, direction by direction, with that of the rest added.
    prior, shape = GridPrior(40.0, luma=15.0, within=10.0, gain=3.0), (4, 8, 12)
    links = RegionLinks.of(torch.ones(1, 1, 1, 1, dtype=torch.float64), *shape[1:])
    precondition = Preconditioner(shape, prior, torch.zeros((), dtype=torch.float64))

    def curvature(coordinates: Tensor) -> float:
        grid = precondition(coordinates)
        offset = identity_grid(*shape).double()
        return float(prior.smoothness * prior.roughness(offset + grid, links) + CURVATURE * grid.square().mean())

    values, plain = [], []
    for place in [(0, 0, 0), (3, 0, 0), (0, 7, 0), (0, 0, 11), (1, 1, 1), (3, 7, 11)]:
        unit = torch.zeros(*shape, 12, dtype=torch.float64)
        unit[*place, 0] = 1
        values.append(curvature(unit))
        plain.append(curvature(unit / precondition.scale))
    assert max(values) / min(values) < 2
    assert max(plain) / min(plain) > 100


def test_the_coordinates_have_a_gradient() -> None:
    precondition = Preconditioner((2, 3, 2), GridPrior(2.0, 3.0, 4.0, 0.1), torch.zeros((), dtype=torch.float64))
    links = RegionLinks.of(torch.rand(1, 2, 6, 4, dtype=torch.float64), 3, 2)
    prior = GridPrior(2.0, 3.0, 4.0, 0.1)
    start = _grid(2, 3, 2).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: prior.roughness(precondition(z), links), start)
