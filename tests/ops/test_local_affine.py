import inspect
import math

import cv2
import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops import local_affine as module
from photovst.ops.bilateral_grid import slice_affine
from photovst.ops.joint_bilateral import joint_bilateral

checked = jaxtyped(typechecker=beartype)
local_affine_models = checked(module.local_affine_models)
apply_models = checked(module.apply_models)
smooth_local_affine = checked(module.smooth_local_affine)

RECOLOR = torch.tensor([[0.5, 0.3, 0.1], [-0.2, 0.9, 0.1], [0.0, 0.4, 1.2]], dtype=torch.float64)
SHIFT = torch.tensor([0.1, -0.05, 0.2], dtype=torch.float64)


def _recolored(frame: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", RECOLOR.to(frame), frame) + SHIFT.to(frame)[:, None, None]


def _by_the_book(frame: np.ndarray, result: np.ndarray, ridge: float, radius: int) -> np.ndarray:
    """Each pixel's window by its normal equations, as in the formula."""
    height, width = frame.shape[1:]
    models = np.empty((12, height, width))
    for y in range(height):
        for x in range(width):
            window = (slice(None), slice(max(y - radius, 0), y + radius + 1), slice(max(x - radius, 0), x + radius + 1))
            colors = frame[window].reshape(3, -1).T
            m = np.concatenate([colors, np.ones((len(colors), 1))], axis=1)
            left = m.T @ m + np.diag([ridge, ridge, ridge, 0])
            models[:, y, x] = np.linalg.solve(left, m.T @ result[window].reshape(3, -1).T).T.ravel()
    return models


@pytest.mark.parametrize(("height", "width", "radius"), [(7, 9, 1), (70, 4, 1), (6, 5, 2), (1, 3, 1), (4, 5, 0)])
@pytest.mark.parametrize("contrast", [1.0, 0.01])
def test_models_match_the_normal_equations(height: int, width: int, radius: int, contrast: float) -> None:
    frame = 0.6 + contrast * torch.rand(2, 3, height, width, dtype=torch.float64)
    result = torch.rand(2, 3, height, width, dtype=torch.float64)
    ours = local_affine_models(frame, result, radius=radius)
    for i in range(2):
        theirs = _by_the_book(frame[i].numpy(), result[i].numpy(), 1e-3, radius)
        np.testing.assert_allclose(ours[i].numpy(), theirs, rtol=1e-8, atol=1e-8)


def test_ridge_shrinks_the_slopes_as_in_closed_form() -> None:
    # Gray stripes of one column, 0.4 and 0.6: a window holds one value thrice and the other six times, a scatter of
    # 9 (1/3) (2/3) 0.2^2 = 0.08 in each entry. An inversion's slope of -1 is shared by three equal channels.
    gray = torch.tensor([0.4, 0.6], dtype=torch.float64).repeat(5).expand(1, 3, 6, 10)
    models = local_affine_models(gray, 1 - gray).unflatten(1, (3, 4))
    inner = models[..., 1:-1, 1:-1]
    torch.testing.assert_close(inner[:, :, :3], torch.full_like(inner[:, :, :3], -0.08 / (3 * 0.08 + 1e-3)))


@pytest.mark.parametrize("contrast", [1.0, 0.1, 0.02])
def test_an_affine_recoloring_is_missed_by_less_than_the_root_of_the_ridge(contrast: float) -> None:
    frame = 0.5 + contrast * (torch.rand(1, 3, 20, 25, dtype=torch.float64) - 0.5)
    norm = torch.linalg.matrix_norm(RECOLOR, 2)
    for ridge in (1e-3, 1e-5):
        back = apply_models(local_affine_models(frame, _recolored(frame), ridge), frame)
        assert (back - _recolored(frame)).abs().max() < math.sqrt(ridge) * norm
    back = apply_models(local_affine_models(frame, _recolored(frame), 1e-11), frame)
    torch.testing.assert_close(back, _recolored(frame), rtol=0, atol=1e-5)


def test_constant_frame_gives_the_mean_of_the_result() -> None:
    frame, result = torch.full((1, 3, 5, 6), 0.3), torch.rand(1, 3, 5, 6)
    models = local_affine_models(frame, result).unflatten(1, (3, 4))
    assert models[:, :, :3].abs().max() < 1e-6
    assert not local_affine_models(frame, result.requires_grad_()).requires_grad
    result = result.detach()
    torch.testing.assert_close(models[0, :, 3, 2, 2], result[0, :, 1:4, 1:4].mean(dim=(1, 2)))
    torch.testing.assert_close(models[0, :, 3, 0, 0], result[0, :, :2, :2].mean(dim=(1, 2)))


def test_apply_matches_a_plain_loop_and_a_sliced_grid() -> None:
    models, frame = torch.randn(2, 12, 3, 4, dtype=torch.float64), torch.rand(2, 3, 3, 4, dtype=torch.float64)
    ours = apply_models(models, frame)
    for i, y, x in np.ndindex(2, 3, 4):
        color = models[i, :, y, x].numpy().reshape(3, 4) @ np.append(frame[i, :, y, x].numpy(), 1)
        np.testing.assert_allclose(ours[i, :, y, x].numpy(), color, rtol=1e-12)
    # The order of the 12 numbers is that of the bilateral grid.
    one = models[:1, :, :1, :1]
    grid = one[0, :, 0, 0].expand(2, 2, 2, 12)
    torch.testing.assert_close(apply_models(one, frame[:1]), slice_affine(grid, frame[:1]))


def test_models_are_brought_up_bilinearly() -> None:
    models, frame = torch.randn(1, 12, 4, 5), torch.rand(1, 3, 12, 20)
    large = cv2.resize(models[0].permute(1, 2, 0).numpy(), (20, 12), interpolation=cv2.INTER_LINEAR)
    same_size = apply_models(torch.from_numpy(large).permute(2, 0, 1)[None], frame)
    torch.testing.assert_close(apply_models(models, frame), same_size, rtol=1e-5, atol=1e-5)


def test_apply_gradcheck() -> None:
    models = torch.randn(1, 12, 2, 3, dtype=torch.float64, requires_grad=True)
    frame = torch.rand(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(apply_models, (models, frame))


def test_smooth_is_its_three_steps() -> None:
    frame, result = torch.rand(1, 3, 11, 12), torch.rand(1, 3, 11, 12)
    raw = local_affine_models(frame, result)
    torch.testing.assert_close(smooth_local_affine(frame, result, 0, 0.1), apply_models(raw, frame))
    large = torch.rand(1, 3, 20, 31)
    by_hand = apply_models(joint_bilateral(raw, frame, 3, 0.1), large)
    assert torch.equal(smooth_local_affine(frame, result, 3, 0.1, full=large), by_hand)


def test_a_recoloring_found_small_is_applied_large_and_noise_goes() -> None:
    large = torch.rand(1, 3, 60, 80)
    frame = torch.nn.functional.avg_pool2d(large, 2)
    lifted = smooth_local_affine(frame, _recolored(frame), 5, 0.1, full=large)
    # Few windows of noise are so flat that the ridge of 1e-3 is felt.
    assert (lifted - _recolored(large)).abs().mean() < 0.01
    flat = 0.5 + 0.01 * torch.rand(1, 3, 30, 40)
    noise = 0.1 * torch.randn(1, 3, 30, 40)
    left = smooth_local_affine(flat, flat + noise, 9, 0.05) - flat
    # 3x3 means of a Gaussian of sigma 3 (some 4 pi 9 = 113 pixels count): about a tenth of the noise.
    assert left.std() < 0.15 * noise.std()


def test_float32_matches_float64() -> None:
    # An 8-bit sky: a few gray levels and many windows of one color.
    frame = 0.8 + torch.randint(0, 3, (1, 3, 30, 40)) / 255
    result = torch.rand(1, 3, 30, 40)
    exact = smooth_local_affine(frame.double(), result.double(), 5, 0.01)
    assert (smooth_local_affine(frame, result, 5, 0.01) - exact).abs().max() < 1e-5


def test_errors() -> None:
    models, apply = inspect.unwrap(module.local_affine_models), inspect.unwrap(module.apply_models)
    frame = torch.rand(1, 3, 4, 5)
    with pytest.raises(SettingsError, match="ridge of the local affine models is 0; give a number above 0"):
        models(frame, frame, 0)
    with pytest.raises(SettingsError, match="a window of radius -1 does not exist"):
        models(frame, frame, 1e-3, -1)
    with pytest.raises(MediaError, match=r"result is \(1, 3, 4, 4\) but its frame \(1, 3, 4, 5\)"):
        models(frame, frame[..., :4])
    with pytest.raises(SettingsError, match="a window of radius -2 does not exist"):
        smooth_local_affine(frame, frame, -2, 0.1)
    with pytest.raises(SettingsError, match=r"sigma_range is 0\.0; give a number above 0"):
        smooth_local_affine(frame, frame, 1, 0.0)
    with pytest.raises(MediaError, match="models for 1 frames but 2 frames; give as many of each"):
        apply(torch.rand(1, 12, 4, 4), torch.rand(2, 3, 8, 8))
