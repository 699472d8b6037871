import numpy as np
import pytest
import scipy.linalg
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

from photovst.ops import transport as module

checked = jaxtyped(typechecker=beartype)
color_moments, transport = checked(module.color_moments), checked(module.transport)


def _covariances(count: int, seed: int) -> Tensor:
    roots = torch.randn(count, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return roots @ roots.transpose(1, 2) + 0.05 * torch.eye(3, dtype=torch.float64)


def _means(count: int, seed: int) -> Tensor:
    return torch.rand(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _matrix(own: Tensor, wanted: Tensor, ridge: float = 0.0) -> Tensor:
    zeros = own.new_zeros(own.shape[:-1])
    return transport(zeros, own, zeros, wanted, ridge)[..., :3]


def test_mean_and_covariance_become_those_that_are_wanted() -> None:
    own, wanted = _covariances(7, 1), _covariances(7, 2)
    mean, wanted_mean = _means(7, 3), _means(7, 4)
    maps = transport(mean, own, wanted_mean, wanted)
    matrix, shift = maps[..., :3], maps[..., 3]
    torch.testing.assert_close(matrix @ own @ matrix.transpose(1, 2), wanted)
    torch.testing.assert_close((matrix @ mean[..., None])[..., 0] + shift, wanted_mean)


def test_the_map_is_symmetric_and_positive() -> None:
    matrix = _matrix(_covariances(9, 5), _covariances(9, 6))
    torch.testing.assert_close(matrix, matrix.transpose(1, 2))
    assert torch.linalg.eigvalsh(matrix).min() > 0


def test_against_the_formula_by_scipy() -> None:
    own, wanted = _covariances(1, 7)[0].numpy(), _covariances(1, 8)[0].numpy()
    root = scipy.linalg.sqrtm(own)
    inverse = np.linalg.inv(root)
    expected = inverse @ scipy.linalg.sqrtm(root @ wanted @ root) @ inverse
    np.testing.assert_allclose(_matrix(torch.from_numpy(own), torch.from_numpy(wanted)).numpy(), expected, atol=1e-10)


def test_variances_along_the_same_axes_are_scaled_by_the_root_of_their_ratio() -> None:
    axes = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    own, wanted = torch.tensor([0.1, 0.2, 0.4]).double(), torch.tensor([0.4, 0.1, 0.3]).double()
    expected = axes @ torch.diag((wanted / own).sqrt()) @ axes.T
    torch.testing.assert_close(_matrix(axes @ torch.diag(own) @ axes.T, axes @ torch.diag(wanted) @ axes.T), expected)


@pytest.mark.parametrize("ridge", [0.0, 5e-3])
def test_equal_moments_change_nothing(ridge: float) -> None:
    covariance, mean = _covariances(4, 9), _means(4, 10)
    maps = transport(mean, covariance, mean, covariance, ridge)
    torch.testing.assert_close(maps, torch.eye(3, 4, dtype=torch.float64).expand(4, 3, 4))


def test_there_and_back_is_where_one_was() -> None:
    one, other = _covariances(5, 11), _covariances(5, 12)
    torch.testing.assert_close(_matrix(other, one) @ _matrix(one, other), torch.eye(3).double().expand(5, 3, 3))


def test_a_ridge_holds_the_contrast_of_what_is_flat() -> None:
    flat, wanted = torch.zeros(3, 3, dtype=torch.float64), 0.04 * torch.eye(3, dtype=torch.float64)
    expected = (0.045 / 0.005) ** 0.5 * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(_matrix(flat, wanted, ridge=5e-3), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_colors_that_do_not_vary_give_numbers(dtype: torch.dtype) -> None:
    flat, gray = torch.zeros(3, 3, dtype=dtype), torch.full((3, 3), 0.05, dtype=dtype)
    for own, wanted in ((flat, flat), (flat, gray), (gray, flat), (gray, gray)):
        assert _matrix(own, wanted).isfinite().all()
    # All gray: its one axis is known, whatever lies beside it.
    along = torch.ones(3, dtype=dtype)
    torch.testing.assert_close(_matrix(gray, 4 * gray) @ along, 2 * along, rtol=0, atol=2e-3)


def test_single_precision_is_exact_enough_for_eight_bits() -> None:
    own, wanted = 0.1 * _covariances(20, 13), 0.1 * _covariances(20, 14)
    exact = _matrix(own, wanted, ridge=5e-3)
    torch.testing.assert_close(_matrix(own.float(), wanted.float(), ridge=5e-3), exact.float(), rtol=0, atol=1e-3)


def test_gradcheck() -> None:
    inputs = (_means(1, 15), _covariances(1, 16), _means(1, 17), _covariances(1, 18))
    symmetric = [each.requires_grad_() for each in inputs]

    def both(a: Tensor, c: Tensor, b: Tensor, w: Tensor) -> Tensor:
        return module.transport(a, (c + c.transpose(1, 2)) / 2, b, (w + w.transpose(1, 2)) / 2, 1e-3)

    assert torch.autograd.gradcheck(both, symmetric)


def test_moments_are_those_of_numpy() -> None:
    picture, masks = torch.rand(2, 3, 6, 7, dtype=torch.float64), torch.rand(2, 4, 6, 7, dtype=torch.float64)
    mean, covariance = color_moments(picture, masks)
    assert (mean.shape, covariance.shape) == ((2, 4, 3), (2, 4, 3, 3))
    for b, k in np.ndindex(2, 4):
        colors, weights = picture[b].flatten(1).numpy(), masks[b, k].flatten().numpy()
        np.testing.assert_allclose(mean[b, k].numpy(), np.average(colors, axis=1, weights=weights))
        np.testing.assert_allclose(covariance[b, k].numpy(), np.cov(colors, aweights=weights, ddof=0))


def test_a_region_with_no_area_has_the_moments_of_the_whole() -> None:
    picture = torch.rand(1, 3, 5, 8, dtype=torch.float64)
    masks = torch.stack([torch.ones(5, 8), torch.zeros(5, 8)])[None].double()
    mean, covariance = color_moments(picture, masks)
    torch.testing.assert_close(mean[:, 1], mean[:, 0])
    torch.testing.assert_close(covariance[:, 1], covariance[:, 0])


def test_mapped_colors_have_the_moments_of_the_photograph() -> None:
    frame, photo = torch.rand(1, 3, 9, 9).double() ** 2, torch.rand(1, 3, 8, 12).double().sqrt()
    ones = [torch.ones(1, 1, *each.shape[-2:], dtype=torch.float64) for each in (frame, photo)]
    own, wanted = color_moments(frame, ones[0]), color_moments(photo, ones[1])
    maps = transport(*own, *wanted)[0, 0]
    moved = torch.einsum("ij,bjhw->bihw", maps[:, :3], frame) + maps[:, 3, None, None]
    for given, expected in zip(color_moments(moved, ones[0]), wanted, strict=True):
        torch.testing.assert_close(given, expected)
