import pytest
import torch
from torch import Tensor

from photovst.models.conditional_norm import conditional_norm


def _halves(height: int, width: int) -> Tensor:
    """Masks of two regions, left and right."""
    left = (torch.arange(width) < width // 2).float().expand(1, 1, height, width)
    return torch.cat([left, 1 - left], dim=1)


def test_mean_and_deviation_are_beta_and_the_size_of_gamma() -> None:
    features = 3 + 2 * torch.randn(2, 5, 30, 40)
    gamma, beta = torch.randn(2, 1, 5), torch.randn(2, 1, 5)
    result = conditional_norm(features, gamma, beta)
    torch.testing.assert_close(result.mean(dim=(2, 3)), beta[:, 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(result.std(dim=(2, 3), correction=0), gamma[:, 0].abs(), atol=1e-5, rtol=1e-4)


def test_regions_of_equal_values_come_to_their_own_beta_and_gamma() -> None:
    half = torch.randn(1, 4, 6, 5)
    features = torch.cat([half, half], dim=3)  # both halves have the mean and deviation of the whole
    gamma, beta = torch.randn(1, 2, 4), torch.randn(1, 2, 4)
    result = conditional_norm(features, gamma, beta, _halves(6, 10))
    for region, part in enumerate(result.chunk(2, dim=3)):
        torch.testing.assert_close(part.mean(dim=(2, 3)), beta[:, region], atol=1e-5, rtol=1e-4)
        deviation = part.std(dim=(2, 3), correction=0)
        torch.testing.assert_close(deviation, gamma[:, region].abs(), atol=1e-5, rtol=1e-4)


def test_it_is_pytorchs_instance_norm_where_there_is_one_region() -> None:
    norm = torch.nn.InstanceNorm2d(3, affine=True)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    features = torch.randn(2, 3, 4, 5)
    scales, shifts = (each.detach().expand(2, 1, 3) for each in (norm.weight, norm.bias))
    torch.testing.assert_close(conditional_norm(features, scales, shifts), norm(features))


@pytest.mark.parametrize("size", [(7, 9), (3, 4), (21, 18)])
def test_equal_settings_of_all_regions_are_one_whatever_the_masks(size: tuple[int, int]) -> None:
    features, gamma, beta = torch.randn(2, 4, 7, 9), torch.randn(2, 1, 4), torch.randn(2, 1, 4)
    masks = torch.rand(2, 3, *size).softmax(dim=1)
    several = conditional_norm(features, gamma.expand(2, 3, 4), beta.expand(2, 3, 4), masks)
    torch.testing.assert_close(several, conditional_norm(features, gamma, beta))


def test_settings_are_mixed_as_the_masks_are() -> None:
    features, gamma, beta = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 2), torch.randn(1, 2, 2)
    masks = torch.tensor([0.25, 0.75]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    mixed = [(0.25 * each[:, :1] + 0.75 * each[:, 1:]) for each in (gamma, beta)]
    torch.testing.assert_close(conditional_norm(features, gamma, beta, masks), conditional_norm(features, *mixed))


def test_one_region_with_masks_of_ones_is_the_same_as_none() -> None:
    features, gamma, beta = torch.randn(1, 2, 4, 4), torch.randn(1, 1, 2), torch.randn(1, 1, 2)
    masks = torch.ones(1, 1, 8, 8)
    torch.testing.assert_close(conditional_norm(features, gamma, beta, masks), conditional_norm(features, gamma, beta))


def test_gradients() -> None:
    features = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    gamma, beta = (torch.randn(1, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    masks = torch.rand(1, 2, 3, 4, dtype=torch.float64).softmax(dim=1)
    assert torch.autograd.gradcheck(lambda *given: conditional_norm(*given, masks), (features, gamma, beta))
    ones = [each.detach()[:, :1].clone().requires_grad_() for each in (gamma, beta)]
    assert torch.autograd.gradcheck(conditional_norm, (features, *ones))


@pytest.mark.usefixtures("shapes_unchecked")
def test_regions_without_masks_or_with_another_number_of_them() -> None:
    features, settings = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 2)
    with pytest.raises(ValueError, match=r"^scales of 2 regions, but no masks; give one mask a region$"):
        conditional_norm(features, settings, settings)
    given = r"^scales of 1 regions, but masks of 2; give one mask a region$"
    with pytest.raises(ValueError, match=given):
        conditional_norm(features, settings[:, :1], settings[:, :1], _halves(4, 4))
