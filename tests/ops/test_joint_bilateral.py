import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import gaussian_filter

from photovst.errors import MediaError, SettingsError
from photovst.ops import joint_bilateral as module

joint_bilateral = jaxtyped(typechecker=beartype)(module.joint_bilateral)


def _plain_loop(planes: np.ndarray, guide: np.ndarray, radius: int, sigma_range: float, sigma_space: float):
    height, width = guide.shape[1:]
    result = np.empty_like(planes)
    for y in range(height):
        for x in range(width):
            total, weights = np.zeros(len(planes)), 0.0
            for v in range(max(y - radius, 0), min(y + radius + 1, height)):
                for u in range(max(x - radius, 0), min(x + radius + 1, width)):
                    distance = (y - v) ** 2 + (x - u) ** 2
                    difference = np.mean((guide[:, y, x] - guide[:, v, u]) ** 2)
                    weight = np.exp(-distance / (2 * sigma_space**2) - difference / (2 * sigma_range**2))
                    total += weight * planes[:, v, u]
                    weights += weight
            result[:, y, x] = total / weights
    return result


# The second is taller than a band of rows; the third is narrower, the fourth lower than its window.
@pytest.mark.parametrize(("height", "width", "radius"), [(9, 12, 2), (70, 5, 2), (8, 3, 4), (2, 9, 5), (1, 1, 3)])
@pytest.mark.parametrize("sigma_range", [0.3, 0.01])
def test_matches_a_plain_loop(height: int, width: int, radius: int, sigma_range: float) -> None:
    planes = torch.randn(2, 4, height, width, dtype=torch.float64)
    guide = torch.rand(2, 3, height, width, dtype=torch.float64)
    for sigma_space in (None, 1.5):
        ours = joint_bilateral(planes, guide, radius, sigma_range, sigma_space)
        for i in range(2):
            theirs = _plain_loop(planes[i].numpy(), guide[i].numpy(), radius, sigma_range, sigma_space or radius / 3)
            np.testing.assert_allclose(ours[i].numpy(), theirs, rtol=1e-12, atol=1e-13)


def test_constant_guide_is_a_gaussian_blur() -> None:
    planes = torch.rand(1, 1, 40, 37, dtype=torch.float64)
    blur = [
        gaussian_filter(x, sigma=7 / 3, radius=7, mode="constant") for x in (planes[0, 0].numpy(), np.ones((40, 37)))
    ]
    ours = joint_bilateral(planes, torch.full((1, 3, 40, 37), 0.4, dtype=torch.float64), 7, 0.01)
    np.testing.assert_allclose(ours[0, 0].numpy(), blur[0] / blur[1], rtol=1e-12)


def test_a_strong_edge_is_not_crossed() -> None:
    # 1 color step = 50 sigma_range, a weight of e^-1250: each side is as it would be on its own.
    guide = torch.zeros(1, 3, 12, 20)
    guide[..., 9:] = 0.5
    planes = torch.rand(1, 2, 12, 20)
    whole = joint_bilateral(planes, guide, 5, 0.01)
    for side in (slice(0, 9), slice(9, 20)):
        torch.testing.assert_close(whole[..., side], joint_bilateral(planes[..., side], guide[..., side], 5, 0.01))


def test_constant_planes_stay_and_radius_0_changes_nothing() -> None:
    guide = torch.rand(1, 3, 11, 13)
    constant = torch.full((1, 2, 11, 13), -3.7)
    torch.testing.assert_close(joint_bilateral(constant, guide, 4, 0.1), constant)
    planes = torch.randn(1, 2, 11, 13, requires_grad=True)
    result = joint_bilateral(planes, guide, 0, 0.1)
    assert torch.equal(result, planes)
    assert not result.requires_grad


@pytest.mark.parametrize("sigma_range", [0.1, 0.01])
def test_float32_matches_float64(sigma_range: float) -> None:
    guide, planes = torch.rand(1, 3, 40, 50).cumsum(-1) / 50, torch.randn(1, 12, 40, 50)
    exact = joint_bilateral(planes.double(), guide.double(), 15, sigma_range)
    assert (joint_bilateral(planes, guide, 15, sigma_range) - exact).abs().max() < 2e-5


def test_errors() -> None:
    plain = inspect.unwrap(module.joint_bilateral)
    planes, guide = torch.rand(1, 12, 4, 4), torch.rand(1, 3, 4, 4)
    with pytest.raises(SettingsError, match="a window of radius -1 does not exist; give a radius of 0 or more"):
        plain(planes, guide, -1, 0.1)
    with pytest.raises(SettingsError, match=r"sigma_range is 0\.0; give a number above 0"):
        plain(planes, guide, 1, 0.0)
    with pytest.raises(SettingsError, match="sigma_range is nan"):
        plain(planes, guide, 1, float("nan"))
    with pytest.raises(SettingsError, match="sigma_space is -2; give a number above 0"):
        plain(planes, guide, 1, 0.1, -2)
    for other in (torch.rand(1, 3, 4, 5), torch.rand(2, 3, 4, 4)):
        with pytest.raises(MediaError, match=r"planes are \(1, 12, 4, 4\) but their guide \(., 3, 4, .\)"):
            plain(planes, other, 1, 0.1)
