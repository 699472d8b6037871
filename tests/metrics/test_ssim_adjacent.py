import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.metrics.ssim_adjacent import ssim_adjacent


def _pair(height: int, width: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    first = torch.rand(batch, 3, height, width, dtype=torch.float64)
    return first, 0.7 * first + 0.3 * torch.rand_like(first)


@pytest.mark.parametrize("side", [100, 40])
def test_matches_scikit_image_patch_by_patch(side: int) -> None:
    frame, previous = _pair(105, 211, batch=2)
    top, left = 105 % side // 2, 211 % side // 2
    expected = []
    for a, b in zip(frame.numpy(), previous.numpy(), strict=True):
        figures = [
            structural_similarity(
                a[:, y : y + side, x : x + side],
                b[:, y : y + side, x : x + side],
                channel_axis=0,
                data_range=1.0,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
            for y in range(top, 105 - side + 1, side)
            for x in range(left, 211 - side + 1, side)
        ]
        assert len(figures) == (105 // side) * (211 // side)
        expected.append(np.mean(figures))
    np.testing.assert_allclose(ssim_adjacent(frame, previous, side).numpy(), expected, rtol=1e-9)


def test_equal_frames_give_1_and_motion_lowers_it() -> None:
    frame, _ = _pair(100, 203)
    assert ssim_adjacent(frame, frame).item() == pytest.approx(1)
    assert ssim_adjacent(frame, frame.roll(3, dims=-1)).item() < 0.2


def test_the_rest_at_the_edges_is_left_out() -> None:
    frame, previous = _pair(100, 203)
    other = previous.clone()
    other[..., :1] = other[..., -2:] = 0
    assert torch.equal(ssim_adjacent(frame, other), ssim_adjacent(frame, previous))
    other[..., 1] = 0
    assert ssim_adjacent(frame, other) < ssim_adjacent(frame, previous)


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    frame, previous = _pair(100, 203)
    with pytest.raises(MediaError, match=r"are \(1, 3, 100, 203\) and \(1, 3, 99, 203\); resize one"):
        ssim_adjacent(frame, previous[..., 1:, :])
    with pytest.raises(MediaError, match="a frame of 99x203 is smaller than a patch of 100; give larger frames"):
        ssim_adjacent(frame[..., 1:, :], previous[..., 1:, :])
    with pytest.raises(SettingsError, match="a patch of 10 pixels is smaller than SSIM's window; give 11"):
        ssim_adjacent(frame, previous, 10)
