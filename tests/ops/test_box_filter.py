import inspect

import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import uniform_filter

from photovst.errors import MediaError, SettingsError
from photovst.ops import box_filter

box_mean = jaxtyped(typechecker=beartype)(box_filter.box_mean)
box_mean_same = jaxtyped(typechecker=beartype)(box_filter.box_mean_same)


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7])
def test_inside_windows_match_scipy(radius: int) -> None:
    x = torch.rand(2, 3, 17, 22, dtype=torch.float64)
    ours = box_mean(x, radius)
    side = 2 * radius + 1
    theirs = torch.from_numpy(uniform_filter(x.numpy(), size=(1, 1, side, side)))
    theirs = theirs[..., radius : 17 - radius, radius : 22 - radius]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("radius", [0, 1, 4, 30])
def test_border_windows_match_a_ratio_of_zero_padded_scipy_means(radius: int) -> None:
    x = torch.rand(1, 2, 9, 14, dtype=torch.float64)
    size = (1, 1, 2 * radius + 1, 2 * radius + 1)
    sums = uniform_filter(x.numpy(), size=size, mode="constant")
    counts = uniform_filter(torch.ones_like(x).numpy(), size=size, mode="constant")
    theirs = torch.from_numpy(sums / counts)
    torch.testing.assert_close(box_mean_same(x, radius), theirs, rtol=1e-9, atol=1e-9)


def test_float32_keeps_its_digits_far_from_the_corner() -> None:
    # A cumulative sum of a 4-megapixel picture reaches 4e6, where float32 steps are 0.25.
    x = torch.rand(1, 1, 2048, 2048)
    error = (box_mean(x, 8) - box_mean(x.double(), 8)).abs().max()
    assert error < 5e-7


def test_constant_stays_constant_up_to_the_border() -> None:
    x = torch.full((1, 1, 5, 8), 0.3)
    torch.testing.assert_close(box_mean_same(x, 3), x)
    torch.testing.assert_close(box_mean(x, 2), x[..., :1, :4])


@pytest.mark.parametrize("function", [box_mean, box_mean_same])
def test_gradcheck(function) -> None:
    x = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda image: function(image, 2), x)


def test_empty_batch_and_one_pixel() -> None:
    assert box_mean(torch.rand(0, 3, 5, 5), 1).shape == (0, 3, 3, 3)
    assert box_mean_same(torch.full((1, 1, 1, 1), 0.7), 4).item() == pytest.approx(0.7)


def test_errors() -> None:
    plain = inspect.unwrap(box_filter.box_mean)
    with pytest.raises(MediaError, match="4x9 is smaller than the 5x5 window; give a larger picture"):
        plain(torch.rand(1, 1, 4, 9), 2)
    with pytest.raises(SettingsError, match="radius -1 does not exist; give a radius of 0 or more"):
        plain(torch.rand(1, 1, 4, 9), -1)
    with pytest.raises(SettingsError, match="radius -1 does not exist"):
        inspect.unwrap(box_filter.box_mean_same)(torch.rand(1, 1, 4, 9), -1)
