import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from pymatting_oracle import columns, laplacian
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops import matting, matting_stencil, matting_windows

checked = jaxtyped(typechecker=beartype)
stencil_of = checked(matting_stencil.matting_stencil)
energy_of = checked(matting_stencil.stencil_energy)
product_of = checked(matting_stencil.stencil_product)
energy_and_gradient_of = checked(matting_stencil.stencil_energy_and_gradient)


@pytest.fixture
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many bands to a picture, the last one shorter: test pictures would all fit into one."""
    for module in (matting_windows, matting_stencil):
        monkeypatch.setattr(module, "band_pixels", lambda device: 100)


CASES = [(3, 3, 1, 1e-7), (3, 17, 1, 1e-7), (17, 3, 1, 1e-7), (14, 23, 1, 1e-7), (12, 9, 2, 1e-5), (5, 6, 2, 1e-4)]


@pytest.mark.usefixtures("small_bands")
@pytest.mark.parametrize(("height", "width", "radius", "epsilon"), CASES)
@pytest.mark.parametrize("contrast", [1.0, 0.01, 0.0])
def test_matches_the_assembled_matrix(height, width, radius, epsilon, contrast) -> None:
    guide = 0.3 + contrast * torch.rand(1, 3, height, width, dtype=torch.float64)
    image = torch.rand(1, 4, height, width, dtype=torch.float64)
    expected = laplacian(guide, epsilon, radius) @ columns(image)
    stencil = stencil_of(guide, epsilon, radius)
    product = columns(product_of(image, stencil))
    assert np.abs(product - expected).max() < 1e-9 * np.abs(expected).max()
    assert energy_of(image, stencil).item() == pytest.approx(float((columns(image) * expected).sum()), rel=1e-9)


def test_bands_change_nothing(small_bands: None, monkeypatch: pytest.MonkeyPatch) -> None:
    guide, image = torch.rand(2, 3, 21, 34, dtype=torch.float64), torch.rand(2, 3, 21, 34, dtype=torch.float64)
    stencil = stencil_of(guide, 1e-5)
    energy, gradient = energy_and_gradient_of(image, stencil)
    monkeypatch.undo()
    torch.testing.assert_close(stencil_of(guide, 1e-5).planes, stencil.planes, rtol=0, atol=1e-12)
    whole_energy, whole_gradient = energy_and_gradient_of(image, stencil)
    torch.testing.assert_close(energy, whole_energy, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, whole_gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("radius", [1, 3])
def test_equals_the_matrix_free_form(radius: int) -> None:
    guide, image = torch.rand(2, 3, 9, 13, dtype=torch.float64), torch.rand(2, 2, 9, 13, dtype=torch.float64)
    stencil, free = stencil_of(guide, 1e-6, radius), matting.matting_statistics(guide, 1e-6, radius)
    torch.testing.assert_close(product_of(image, stencil), matting.matting_product(image, free), rtol=0, atol=1e-11)
    torch.testing.assert_close(energy_of(image, stencil), matting.matting_energy(image, free), rtol=1e-11, atol=0)


def test_of_one_color_entries_count_windows() -> None:
    planes = stencil_of(torch.full((1, 3, 7, 8), 0.6, dtype=torch.float64)).planes
    for plane, (down, right) in zip(planes[0], matting_stencil.later_neighbours(1), strict=True):
        # In the middle, (3 - down)(3 - |right|) windows hold both; each adds -1/9.
        assert plane[3, 3].item() == pytest.approx(-(3 - down) * (3 - abs(right)) / 9)
    assert planes[0, :, 0, 0].tolist() == pytest.approx(
        [-1 / 9, -1 / 9, 0, 0, -1 / 9, -1 / 9, -1 / 9, 0, 0] + 3 * [-1 / 9]
    )


def _gray_or_flat(kind: str) -> Tensor:
    """8-bit pictures in which nearly every window is nearly singular."""
    if kind == "sky":
        return 0.8 + torch.randint(0, 3, (1, 3, 24, 31)) / 255
    gray = torch.randint(0, 256, (1, 1, 24, 31)).expand(1, 3, 24, 31) / 255
    return gray + (torch.randint(0, 2, (1, 3, 24, 31)) / 255 if kind == "tinted" else 0)


def _ridge_residuals(guide: Tensor, epsilon: float, image: Tensor) -> np.ndarray:
    """M V from the singular values of each window's colors: pymatting's cofactors lose gray pictures (0.4 % off)."""
    height, width = guide.shape[-2:]
    pixels = np.lib.stride_tricks.sliding_window_view(np.arange(height * width).reshape(height, width), (3, 3))
    pixels = pixels.reshape(-1, 9)
    colors, values = columns(guide)[pixels], columns(image)[pixels]
    u, s, _ = np.linalg.svd(colors - colors.mean(axis=1, keepdims=True), full_matrices=False)
    centered = values - values.mean(axis=1, keepdims=True)
    explained = u @ ((s**2 / (s**2 + epsilon))[..., None] * (u.mT @ centered))
    product = np.zeros((height * width, values.shape[-1]))
    np.add.at(product, pixels, centered - explained)
    return product


@pytest.mark.parametrize("kind", ["sky", "gray", "tinted"])
def test_float32_stays_close_on_singular_pictures(kind: str) -> None:
    guide, image = _gray_or_flat(kind), torch.rand(1, 3, 24, 31)
    expected = _ridge_residuals(guide, 1e-7, image)
    for dtype, tolerance in ((torch.float32, 2e-6), (torch.float64, 1e-9)):
        stencil = stencil_of(guide.to(dtype), 1e-7)
        assert stencil.planes.dtype == dtype
        product = columns(product_of(image.to(dtype), stencil))
        assert np.abs(product - expected).max() < tolerance * np.abs(expected).max()
        energy = energy_of(image.to(dtype), stencil).item()
        assert energy == pytest.approx(float((columns(image) * expected).sum()), rel=tolerance)


@pytest.mark.parametrize(("kind", "tolerance"), [("sky", 1e-3), ("tinted", 0.1), ("gray", 1.0)])
def test_float32_knows_an_affine_recoloring(kind: str, tolerance: float) -> None:
    guide = _gray_or_flat(kind)
    recolor = torch.tensor([[0.5, 0.3, 0.1], [-0.2, 0.9, 0.1], [0.0, 0.4, 1.2]])
    recolored = torch.einsum("ij,bjhw->bihw", recolor, guide) + 0.1
    exact = energy_of(recolored.double(), stencil_of(guide.double())).item()
    assert energy_of(recolored, stencil_of(guide)).item() == pytest.approx(exact, rel=tolerance)
    # Of the order of the ridge, epsilon |a|^2 a window.
    assert 0 < exact < 2 * 1e-7 * recolor.square().sum().item() * 22 * 29


def test_a_constant_image_costs_exactly_nothing() -> None:
    energy, gradient = energy_and_gradient_of(torch.full((1, 3, 9, 11), 0.37), stencil_of(torch.rand(1, 3, 9, 11)))
    assert energy.item() == 0
    assert not gradient.any()


def test_symmetric_rows_sum_to_zero_positive_semidefinite() -> None:
    stencil = stencil_of(torch.rand(1, 3, 5, 6, dtype=torch.float64), 1e-5)
    units = torch.eye(30, dtype=torch.float64).reshape(1, 30, 5, 6)
    matrix = product_of(units, stencil)[0].flatten(1)
    torch.testing.assert_close(matrix, matrix.T, rtol=0, atol=1e-12)
    assert matrix.sum(dim=1).abs().max() < 1e-12
    assert torch.linalg.eigvalsh(matrix).min() > -1e-12


def test_gradient_is_twice_the_product() -> None:
    stencil = stencil_of(torch.rand(2, 3, 7, 8), 1e-4)
    image = torch.rand(2, 3, 7, 8, requires_grad=True)
    energy = energy_of(image, stencil)
    (gradient,) = torch.autograd.grad(3 * energy, image)
    torch.testing.assert_close(gradient, 6 * product_of(image.detach(), stencil))
    plain_energy, plain_gradient = energy_and_gradient_of(image, stencil)
    assert not plain_gradient.requires_grad
    assert torch.equal(plain_energy, energy.detach())
    torch.testing.assert_close(3 * plain_gradient, gradient)


def test_images_may_lie_in_memory_as_they_like() -> None:
    stencil, image = stencil_of(torch.rand(2, 3, 7, 8)), torch.rand(2, 3, 7, 8)
    expected = product_of(image, stencil)
    channels_last = image.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(product_of(channels_last, stencil), expected)
    torch.testing.assert_close(product_of(image.mT.contiguous().mT, stencil), expected)
    torch.testing.assert_close(product_of(image[:, :1].expand(2, 3, 7, 8), stencil)[:, 2], expected[:, 0])


def test_gradcheck() -> None:
    stencil = stencil_of(torch.rand(2, 3, 5, 6, dtype=torch.float64), 1e-3)
    image = torch.rand(2, 1, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: energy_of(x, stencil), image)
    assert torch.autograd.gradcheck(lambda x: product_of(x, stencil), image)
    assert torch.autograd.gradgradcheck(lambda x: product_of(x, stencil), image, fast_mode=True)


def test_batch_is_the_sum_of_its_pictures() -> None:
    guide, image = torch.rand(2, 3, 6, 7), torch.rand(2, 3, 6, 7)
    parts = [energy_of(image[i : i + 1], stencil_of(guide[i : i + 1], 1e-4)).item() for i in range(2)]
    assert energy_of(image, stencil_of(guide, 1e-4)).item() == pytest.approx(sum(parts), rel=1e-5)
    assert energy_of(torch.rand(0, 3, 6, 7), stencil_of(torch.rand(0, 3, 6, 7))).item() == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: it is compared with the CPU where there is one")
def test_gpu_equals_cpu() -> None:
    guide, image = torch.rand(2, 3, 21, 34, dtype=torch.float64), torch.rand(2, 3, 21, 34, dtype=torch.float64)
    here = energy_and_gradient_of(image, stencil_of(guide, 1e-3))
    there = energy_and_gradient_of(image.cuda(), stencil_of(guide.cuda(), 1e-3))
    for cpu, gpu in zip(here, there, strict=True):
        torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-7, atol=1e-7)


def test_errors() -> None:
    stencil = inspect.unwrap(matting_stencil.matting_stencil)
    with pytest.raises(MediaError, match="2x9 is smaller than the 3x3 window; give a larger picture"):
        stencil(torch.rand(1, 3, 2, 9))
    with pytest.raises(SettingsError, match=r"epsilon is 0\.0; give a number above 0, such as 1e-7"):
        stencil(torch.rand(1, 3, 4, 4), 0.0)
    with pytest.raises(SettingsError, match="epsilon is nan"):
        stencil(torch.rand(1, 3, 4, 4), float("nan"))
    with pytest.raises(SettingsError, match="radius is 0; give 1 or more"):
        stencil(torch.rand(1, 3, 4, 4), 1e-4, 0)
    given = stencil(torch.rand(1, 3, 4, 4))
    for function in (energy_of, product_of, energy_and_gradient_of):
        for shape in ((1, 3, 4, 5), (2, 3, 4, 4)):
            with pytest.raises(
                MediaError, match=r"but the matting guide \(1, 3, 4, 4\); give as many images as guides"
            ):
                inspect.unwrap(function)(torch.rand(shape), given)
