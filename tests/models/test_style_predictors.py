import pytest
import torch
from torch import nn

from photovst.models.style_predictors import Inverted, Mobile, masked_mean


def test_a_mean_of_each_region_and_zeros_where_one_has_no_area() -> None:
    features = torch.randn(2, 5, 4, 6)
    left = (torch.arange(6) < 2).float().expand(2, 1, 4, 6)
    masks = torch.cat([left, 1 - left, torch.zeros_like(left)], dim=1)
    expected = [features[..., :2].mean(dim=(2, 3)), features[..., 2:].mean(dim=(2, 3)), torch.zeros(2, 5)]
    torch.testing.assert_close(masked_mean(features, masks), torch.stack(expected, dim=1))


def test_masks_of_another_size_and_soft_ones_weigh() -> None:
    features = torch.randn(1, 3, 4, 6)
    whole = masked_mean(features, torch.full((1, 2, 40, 60), 0.5))
    torch.testing.assert_close(whole, features.mean(dim=(2, 3))[:, None].expand(1, 2, 3))
    weights = torch.rand(1, 1, 4, 6)
    expected = (features * weights).sum(dim=(2, 3)) / weights.sum()
    torch.testing.assert_close(masked_mean(features, weights)[:, 0], expected)


def test_gradients_of_the_mean() -> None:
    features = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    masks = torch.rand(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(masked_mean, (features, masks))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 45), (64, 33)])
def test_mobile_sees_any_size_at_a_sixteenth_rounded_up(height: int, width: int) -> None:
    features = Mobile()(torch.rand(2, 3, height, width))
    assert features.shape == (2, Mobile.channels, -(-height // 16), -(-width // 16))


def test_mobile_keeps_a_pictures_contrast_alive_and_tells_bright_from_dark() -> None:
    network = Mobile().requires_grad_(False)
    bright, dark = (network(level + 0.1 * torch.rand(1, 3, 64, 64)) for level in (0.8, 0.1))
    means = torch.stack([bright.mean(dim=(2, 3)), dark.mean(dim=(2, 3))])
    assert float((means[0] - means[1]).norm()) > 0.1 * float(means.norm())
    assert sum(each.numel() for each in network.parameters()) < 200_000


def test_an_inverted_residual_adds_where_the_shape_stays() -> None:
    layer, changing = Inverted(4, 4, 1), Inverted(4, 6, 2)
    for each in (layer, changing):
        last = each.change[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    features = torch.randn(1, 4, 5, 7)
    assert torch.equal(layer(features), features)
    assert torch.equal(changing(features), torch.zeros(1, 6, 3, 4))
