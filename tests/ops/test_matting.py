import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from pymatting_oracle import columns, laplacian

from photovst.errors import MediaError, SettingsError
from photovst.ops import matting, matting_windows

checked = jaxtyped(typechecker=beartype)
matting_statistics = checked(matting.matting_statistics)
matting_energy = checked(matting.matting_energy)
matting_product = checked(matting.matting_product)


@pytest.fixture(params=["one band", "small bands"])
def _bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test pictures all fit into one band; with small ones the results have to be the same."""
    if request.param == "small bands":
        monkeypatch.setattr(matting_windows, "band_pixels", lambda device: 100)


CASES = [
    (3, 3, 1, 1e-7),
    (3, 17, 1, 1e-7),
    (17, 3, 1, 1e-7),
    (14, 23, 1, 1e-7),
    (12, 9, 2, 1e-5),
    (5, 5, 2, 1e-4),
    (15, 16, 3, 1e-4),
]


@pytest.mark.usefixtures("_bands")
@pytest.mark.parametrize(("height", "width", "radius", "epsilon"), CASES)
@pytest.mark.parametrize("contrast", [1.0, 0.01, 0.0])
def test_matches_the_assembled_matrix(height, width, radius, epsilon, contrast) -> None:
    guide = 0.3 + contrast * torch.rand(1, 3, height, width, dtype=torch.float64)
    image = torch.rand(1, 3, height, width, dtype=torch.float64)
    matrix = laplacian(guide, epsilon, radius)
    expected = matrix @ columns(image)
    statistics = matting_statistics(guide, epsilon, radius)
    product = columns(matting_product(image, statistics))
    assert np.abs(product - expected).max() < 1e-9 * np.abs(expected).max()
    energy = matting_energy(image, statistics).item()
    assert energy == pytest.approx(float((columns(image) * expected).sum()), rel=1e-9)


@pytest.mark.parametrize("epsilon", [1e-7, 1e-4])
def test_float32_stays_close_on_flat_pictures(epsilon: float) -> None:
    # An 8-bit sky: a few gray levels, many windows of one color. Moments would cancel here.
    guide = 0.8 + torch.randint(0, 3, (1, 3, 24, 31)) / 255
    image = torch.rand(1, 3, 24, 31)
    expected = laplacian(guide.double(), epsilon, 1) @ columns(image)
    statistics = matting_statistics(guide, epsilon)
    product = columns(matting_product(image, statistics))
    assert np.abs(product - expected).max() < 2e-6 * np.abs(expected).max()
    energy = matting_energy(image, statistics).item()
    assert energy == pytest.approx(float((columns(image) * expected).sum()), rel=1e-6)


def test_float32_knows_a_recolored_gray_picture() -> None:
    # All colors on one line: the inverse covariance is about 1e8 across it, and statistics in float32 would be noise.
    guide = (torch.randint(0, 256, (1, 1, 24, 31)) / 255).expand(1, 3, 24, 31)
    recolored = guide * torch.tensor([0.9, 0.5, 1.2])[:, None, None] + 0.1
    exact = matting_energy(recolored.double(), matting_statistics(guide.double())).item()
    assert matting_energy(recolored, matting_statistics(guide)).item() == pytest.approx(exact, rel=1e-5)


def test_symmetric_rows_sum_to_zero_positive_semidefinite() -> None:
    guide = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    statistics = matting_statistics(guide, 1e-5)
    units = torch.eye(30, dtype=torch.float64).reshape(1, 30, 5, 6)
    matrix = matting_product(units, statistics)[0].flatten(1)
    torch.testing.assert_close(matrix, matrix.T, rtol=0, atol=1e-12)
    assert matrix.sum(dim=1).abs().max() < 1e-12
    assert torch.linalg.eigvalsh(matrix).min() > -1e-12


def test_float32_energy_is_never_negative_and_an_affine_recoloring_is_free() -> None:
    guide = torch.rand(1, 3, 30, 40)
    statistics = matting_statistics(guide, 1e-7)
    recolor = torch.tensor([[0.5, 0.3, 0.1], [-0.2, 0.9, 0.1], [0.0, 0.4, 1.2]])
    recolored = torch.einsum("ij,bjhw->bihw", recolor, guide) + 0.1
    energy = matting_energy(recolored, statistics).item()
    # What is left is the ridge, epsilon |a|^2 a window, and rounding.
    assert 0 <= energy < 2 * 1e-7 * recolor.square().sum().item() * 28 * 38
    shuffled = recolored.flatten()[torch.randperm(recolored.numel())].view_as(recolored)
    assert matting_energy(shuffled, statistics).item() > 1e4 * energy
    assert matting_energy(torch.full_like(guide, 0.4), statistics).item() == pytest.approx(0, abs=1e-9)


def test_gradient_is_twice_the_product() -> None:
    guide, image = torch.rand(2, 3, 7, 8), torch.rand(2, 3, 7, 8, requires_grad=True)
    statistics = matting_statistics(guide, 1e-4)
    (gradient,) = torch.autograd.grad(3 * matting_energy(image, statistics), image)
    torch.testing.assert_close(gradient, 6 * matting_product(image.detach(), statistics))


@pytest.mark.parametrize("radius", [1, 2])
def test_gradcheck(radius: int) -> None:
    statistics = matting_statistics(torch.rand(2, 3, 5, 6, dtype=torch.float64), 1e-3, radius)
    image = torch.rand(2, 1, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: matting_energy(x, statistics), image)
    assert torch.autograd.gradcheck(lambda x: matting_product(x, statistics), image)
    assert torch.autograd.gradgradcheck(lambda x: matting_product(x, statistics), image, fast_mode=True)


def test_batch_is_the_sum_of_its_pictures() -> None:
    guide, image = torch.rand(2, 3, 6, 7), torch.rand(2, 3, 6, 7)
    parts = [matting_energy(image[i : i + 1], matting_statistics(guide[i : i + 1], 1e-4)).item() for i in range(2)]
    assert matting_energy(image, matting_statistics(guide, 1e-4)).item() == pytest.approx(sum(parts), rel=1e-5)
    empty = matting_statistics(torch.rand(0, 3, 6, 7))
    assert matting_energy(torch.rand(0, 3, 6, 7), empty).item() == 0


def test_errors() -> None:
    statistics, energy = inspect.unwrap(matting.matting_statistics), inspect.unwrap(matting.matting_energy)
    product = inspect.unwrap(matting.matting_product)
    with pytest.raises(MediaError, match="2x9 is smaller than the 3x3 window; give a larger picture"):
        statistics(torch.rand(1, 3, 2, 9))
    with pytest.raises(SettingsError, match=r"epsilon is 0\.0; give a number above 0, such as 1e-7"):
        statistics(torch.rand(1, 3, 4, 4), 0.0)
    with pytest.raises(SettingsError, match="epsilon is nan"):
        statistics(torch.rand(1, 3, 4, 4), float("nan"))
    with pytest.raises(SettingsError, match="radius is 0; give 1 or more"):
        statistics(torch.rand(1, 3, 4, 4), 1e-4, 0)
    given = statistics(torch.rand(1, 3, 4, 4))
    for function in (energy, product):
        with pytest.raises(MediaError, match=r"image is \(1, 3, 4, 5\) but the matting guide \(1, 3, 4, 4\)"):
            function(torch.rand(1, 3, 4, 5), given)
