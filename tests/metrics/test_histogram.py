import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from skimage.color import rgb2lab
from torch import Tensor

from photovst.errors import MediaError
from photovst.metrics.histogram import histogram, histogram_distance
from photovst.ops.color import lab_to_rgb, rgb_to_lab


def _masks(regions: int, height: int, width: int) -> Tensor:
    return torch.randn(1, regions, height, width).softmax(dim=1)


def _given(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A picture and a larger photograph, under three regions; some colors stand in both."""
    output, style = torch.rand(1, 3, 12, 17) ** 2, torch.rand(1, 3, 15, 21)
    style[..., :6, :17] = output[..., :6, :]
    given = output, style, _masks(3, 12, 17), _masks(3, 15, 21)
    return tuple(each.to(dtype) for each in given)


def _by_scipy(output: Tensor, style: Tensor, masks_output: Tensor, masks_style: Tensor) -> np.ndarray:
    labs = [rgb2lab(picture[0].permute(1, 2, 0).double().numpy()).reshape(-1, 3) for picture in (output, style)]
    weights = [masks[0].flatten(1).double().numpy() for masks in (masks_output, masks_style)]
    return np.array(
        [
            [wasserstein_distance(labs[0][:, c], labs[1][:, c], weights[0][k], weights[1][k]) for c in range(3)]
            for k in range(masks_output.shape[1])
        ]
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matches_scipy_and_scikit_image(dtype: torch.dtype) -> None:
    given = _given(dtype)
    expected = _by_scipy(*given)
    assert expected.min() > 0.5
    np.testing.assert_allclose(histogram_distance(*given).numpy(), expected, atol=3e-4)  # their D65 has other digits
    share = given[2][0].mean(dim=(1, 2)).numpy()
    assert histogram(*given).item() == pytest.approx((share * expected.mean(axis=1)).sum(), abs=3e-4)


def test_a_shift_of_one_channel_is_the_distance() -> None:
    color = torch.tensor([20.0, -10.0, -10.0]).view(1, 3, 1, 1) + torch.rand(1, 3, 11, 13) * 20
    masks = _masks(2, 11, 13)
    for channel in range(3):
        shift = torch.zeros(1, 3, 1, 1)
        shift[:, channel] = 7.5
        moved = histogram_distance(lab_to_rgb(color + shift), lab_to_rgb(color), masks, masks)
        expected = torch.zeros(2, 3)
        expected[:, channel] = 7.5
        torch.testing.assert_close(moved, expected, atol=2e-3, rtol=0)


def test_two_flat_pictures_are_as_far_apart_as_their_colors() -> None:
    colors = torch.rand(2, 3, 1, 1)
    output, style = colors[:1].expand(1, 3, 5, 6), colors[1:].expand(1, 3, 4, 9)
    distance = histogram_distance(output, style, torch.ones(1, 1, 5, 6), torch.ones(1, 1, 4, 9))
    expected = (rgb_to_lab(colors[:1]) - rgb_to_lab(colors[1:])).abs().view(1, 3)
    torch.testing.assert_close(distance, expected, atol=1e-4, rtol=1e-5)


def test_where_pixels_are_does_not_matter_and_weights_count_by_their_share() -> None:
    output, style, masks_output, masks_style = _given(torch.float64)
    expected = histogram_distance(output, style, masks_output, masks_style)
    order = torch.randperm(12 * 17)

    def shuffled(planes: Tensor) -> Tensor:
        return planes.flatten(2)[..., order].view(planes.shape)

    given = shuffled(output), style, shuffled(masks_output), masks_style
    torch.testing.assert_close(histogram_distance(*given), expected)
    torch.testing.assert_close(histogram_distance(output, style, 0.3 * masks_output, 5 * masks_style), expected)
    assert histogram(output, shuffled(output), masks_output, shuffled(masks_output)).item() == pytest.approx(
        0, abs=1e-9
    )


def test_hard_masks_keep_regions_apart() -> None:
    halves = torch.zeros(1, 2, 6, 8)
    halves[:, 0, :3] = halves[:, 1, 3:] = 1
    output, style = torch.rand(1, 3, 6, 8), torch.rand(1, 3, 6, 8)
    style[..., 3:, :] = output[..., 3:, :].flip(-1)
    top, bottom = histogram_distance(output, style, halves, halves)
    assert top.min() > 0.1
    assert bottom.abs().max() < 1e-6
    assert histogram(output, style, halves, halves).item() == pytest.approx(top.mean().item() / 2, rel=1e-5)


def test_a_region_absent_from_the_output_counts_nothing() -> None:
    output, style, masks_output, masks_style = _given()
    expected = histogram(output, style, masks_output, masks_style).item()
    more = torch.cat([masks_output, torch.zeros(1, 1, 12, 17)], dim=1)
    for fourth in (0.0, 0.5):
        styles = torch.cat([masks_style, torch.full((1, 1, 15, 21), fourth)], dim=1)
        assert histogram_distance(output, style, more, styles)[3].tolist() == [0, 0, 0]
        assert histogram(output, style, more, styles).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    output, style, masks_output, masks_style = _given()
    with pytest.raises(
        MediaError, match=r"output is \(1, 3, 12, 17\) but its masks \(1, 3, 12, 16\); resize the masks"
    ):
        histogram(output, style, masks_output[..., 1:], masks_style)
    with pytest.raises(MediaError, match="3 regions but the photograph 2; give both the same regions"):
        histogram(output, style, masks_output, masks_style[:, :2])
    masks_style[:, 1] = 0
    with pytest.raises(MediaError, match=r"region 1 takes \d+\.\d% of the output but is nowhere in the photograph"):
        histogram_distance(output, style, masks_output, masks_style)
