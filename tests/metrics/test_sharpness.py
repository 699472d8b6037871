import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import laplace
from skimage.color import rgb2gray

from photovst.metrics.sharpness import mean_color, sharpness


def test_sharpness_matches_scipy_and_opencv() -> None:
    frame = torch.rand(2, 3, 17, 23, dtype=torch.float64)
    weights = np.array([0.299, 0.587, 0.114])
    lumas = [np.tensordot(weights, picture.numpy(), axes=1) for picture in frame]
    theirs = [laplace(luma, mode="nearest").var() for luma in lumas]
    np.testing.assert_allclose(sharpness(frame).numpy(), theirs, rtol=1e-10)
    opencv = [cv2.Laplacian(luma, cv2.CV_64F, borderType=cv2.BORDER_REPLICATE).var() for luma in lumas]
    np.testing.assert_allclose(sharpness(frame).numpy(), opencv, rtol=1e-10)


def test_sharpness_in_closed_form() -> None:
    y, x = torch.meshgrid(torch.arange(8), torch.arange(10), indexing="ij")
    checkers = ((x + y) % 2).double().expand(1, 3, 8, 10)
    # 4 on black pixels, -4 on white ones, 3 or 2 along the border where a neighbour is the pixel itself.
    inner, edge, corner = 6 * 8, 2 * (6 + 8), 4
    assert sharpness(checkers).item() == pytest.approx((16 * inner + 9 * edge + 4 * corner) / 80)
    assert sharpness(0.5 * checkers + 0.3).item() == pytest.approx(sharpness(checkers).item() / 4)
    assert sharpness(torch.full((1, 3, 6, 7), 0.4)).item() == pytest.approx(0, abs=1e-12)
    assert sharpness(torch.rand(1, 3, 1, 1)).item() == pytest.approx(0, abs=1e-12)


def test_blur_and_haze_lower_sharpness() -> None:
    frame = torch.rand(1, 3, 24, 31)
    blurred = torch.nn.functional.avg_pool2d(frame, 3, 1, 1, count_include_pad=False)
    assert sharpness(blurred) < 0.2 * sharpness(frame)
    torch.testing.assert_close(sharpness(0.5 * frame + 0.5), 0.25 * sharpness(frame))


def test_mean_color_is_of_stored_values() -> None:
    frame = torch.rand(2, 3, 9, 8, dtype=torch.float64)
    np.testing.assert_allclose(mean_color(frame).numpy(), frame.numpy().mean(axis=(2, 3)))
    halves = torch.zeros(1, 3, 4, 4)
    halves[..., :2] = torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    assert mean_color(halves)[0].tolist() == pytest.approx([0.5, 0.25, 0.1])
    # Luma of the mean is the mean of luma: nothing was linearized.
    gray = rgb2gray(frame[0].permute(1, 2, 0).numpy()).mean()
    assert (mean_color(frame)[0] @ torch.tensor([0.2125, 0.7154, 0.0721], dtype=torch.float64)).item() == (
        pytest.approx(gray)
    )
