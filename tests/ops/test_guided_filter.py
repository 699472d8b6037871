import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import uniform_filter

from photovst.errors import MediaError, SettingsError
from photovst.ops import guided_filter as module

guided_filter = jaxtyped(typechecker=beartype)(module.guided_filter)
fast_guided_filter = jaxtyped(typechecker=beartype)(module.fast_guided_filter)


def _by_the_book(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Every window fitted by ridge regression on its own, every pixel the mean of its windows' fits."""
    height, width, channels = guide.shape
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            rows = slice(max(y - radius, 0), y + radius + 1)
            columns = slice(max(x - radius, 0), x + radius + 1)
            colors, values = guide[rows, columns].reshape(-1, channels), image[rows, columns].ravel()
            centered = colors - colors.mean(axis=0)
            n = len(values)
            left = centered.T @ centered / n + epsilon * np.eye(channels)
            slope = np.linalg.solve(left, centered.T @ values / n)
            shape = guide[rows, columns].shape[:2]
            total[rows, columns] += (centered @ slope + values.mean()).reshape(shape)
            count[rows, columns] += 1
    return total / count


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("radius", [1, 3])
def test_matches_a_plain_loop(channels: int, radius: int) -> None:
    guide = torch.rand(1, channels, 9, 12, dtype=torch.float64)
    image = torch.rand(1, 2, 9, 12, dtype=torch.float64)
    ours = guided_filter(guide, image, radius, 0.01)
    for plane in range(2):
        theirs = _by_the_book(guide[0].permute(1, 2, 0).numpy(), image[0, plane].numpy(), radius, 0.01)
        np.testing.assert_allclose(ours[0, plane].numpy(), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_constant_image_stays_and_small_epsilon_keeps_an_affine_function_of_the_guide(channels: int) -> None:
    guide = torch.rand(2, channels, 15, 11, dtype=torch.float64)
    constant = torch.full((2, 1, 15, 11), 0.7, dtype=torch.float64)
    torch.testing.assert_close(guided_filter(guide, constant, 2, 1e-3), constant)
    torch.testing.assert_close(guided_filter(guide, guide, 2, 1e-11), guide, rtol=0, atol=1e-8)
    affine = 0.2 - 3 * guide[:, :1]
    torch.testing.assert_close(guided_filter(guide, affine, 2, 1e-11), affine, rtol=0, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3])
def test_constant_guide_averages_twice(channels: int) -> None:
    guide = torch.full((1, channels, 20, 20), 0.4, dtype=torch.float64)
    image = torch.rand(1, 1, 20, 20, dtype=torch.float64)
    twice = uniform_filter(uniform_filter(image[0, 0].numpy(), 5), 5)[4:-4, 4:-4]
    np.testing.assert_allclose(guided_filter(guide, image, 2, 1e-3)[0, 0, 4:-4, 4:-4].numpy(), twice, rtol=1e-9)


def test_masks_go_on_summing_to_one() -> None:
    masks = torch.rand(1, 4, 18, 25).softmax(dim=1)
    refined = guided_filter(torch.rand(1, 3, 18, 25), masks, 12, 1e-3)
    torch.testing.assert_close(refined.sum(dim=1), torch.ones(1, 18, 25))


@pytest.mark.parametrize("channels", [1, 3])
def test_float32_matches_float64(channels: int) -> None:
    guide = 0.9 + 0.02 * torch.rand(1, channels, 40, 50)
    image = torch.rand(1, 1, 40, 50)
    exact = guided_filter(guide.double(), image.double(), 6, 1e-4)
    assert (guided_filter(guide, image, 6, 1e-4) - exact).abs().max() < 1e-4


@pytest.mark.parametrize("channels", [1, 3])
def test_gradcheck(channels: int) -> None:
    guide = torch.rand(1, channels, 4, 5, dtype=torch.float64, requires_grad=True)
    image = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda g, i: guided_filter(g, i, 1, 0.1), (guide, image))


def test_one_pixel_and_empty_batch() -> None:
    assert guided_filter(torch.rand(1, 3, 1, 1), torch.full((1, 1, 1, 1), 0.3), 5, 1e-3).item() == pytest.approx(0.3)
    assert guided_filter(torch.rand(0, 1, 4, 4), torch.rand(0, 2, 4, 4), 1, 1e-3).shape == (0, 2, 4, 4)


def test_errors() -> None:
    plain = inspect.unwrap(module.guided_filter)
    image = torch.rand(1, 1, 4, 4)
    with pytest.raises(SettingsError, match=r"epsilon is 0.0; give a number above 0, such as 1e-3"):
        plain(image, image, 1, 0.0)
    with pytest.raises(SettingsError, match=r"guide has 2 planes; give 1 \(gray\) or 3 \(color\)"):
        plain(torch.rand(1, 2, 4, 4), image, 1, 1e-3)
    with pytest.raises(MediaError, match=r"image is \(1, 1, 4, 4\) but its guide \(1, 1, 4, 5\)"):
        plain(torch.rand(1, 1, 4, 5), image, 1, 1e-3)
    with pytest.raises(SettingsError, match="radius -1 does not exist"):
        plain(image, image, -1, 1e-3)


def test_fast_filter_is_the_filter_on_a_picture_made_of_two_by_two_blocks() -> None:
    # Windows at half size then hold the same blocks: only where the fits are looked up between blocks do they differ.
    guide = torch.rand(1, 3, 12, 16, dtype=torch.float64)
    image = torch.rand(1, 2, 12, 16, dtype=torch.float64)

    def blocks(planes: torch.Tensor) -> torch.Tensor:
        return planes.repeat_interleave(2, -1).repeat_interleave(2, -2)

    fast = fast_guided_filter(blocks(guide), blocks(image), 4, 10.0)  # so large an epsilon fits constants
    torch.testing.assert_close(
        torch.nn.functional.avg_pool2d(fast, 2), guided_filter(guide, image, 2, 10.0), rtol=0, atol=0.02
    )
    affine = 0.2 - 3 * blocks(guide)[:, :1] + blocks(guide)[:, 1:2]
    torch.testing.assert_close(fast_guided_filter(blocks(guide), affine, 4, 1e-11), affine, rtol=0, atol=1e-7)


def test_equal_weights_are_no_weights_and_no_weight_is_no_say() -> None:
    guide, image = torch.rand(1, 3, 20, 24, dtype=torch.float64), torch.rand(1, 2, 20, 24, dtype=torch.float64)
    plain = fast_guided_filter(guide, image, 4, 1e-3)
    weighed = fast_guided_filter(guide, image, 4, 1e-3, torch.full((1, 1, 20, 24), 0.3, dtype=torch.float64))
    # At the border a window that holds fewer pixels weighs less.
    torch.testing.assert_close(weighed[..., 8:-8, 8:-8], plain[..., 8:-8, 8:-8])
    spoilt, weight = image.clone(), torch.ones(1, 1, 20, 24, dtype=torch.float64)
    spoilt[..., 6:10, 6:10], weight[..., 6:10, 6:10] = 50.0, 1e-9
    results = [fast_guided_filter(guide, one, 4, 1e-3, weight) for one in (image, spoilt)]
    torch.testing.assert_close(results[1], results[0], rtol=0, atol=1e-5)


def test_fast_filter_gradcheck_and_one_pixel() -> None:
    guide = torch.rand(1, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    image = torch.rand(1, 1, 5, 6, dtype=torch.float64, requires_grad=True)
    weight = 0.1 + torch.rand(1, 1, 5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda g, i: fast_guided_filter(g, i, 2, 0.1, weight), (guide, image))
    one = fast_guided_filter(torch.rand(1, 3, 1, 1), torch.full((1, 1, 1, 1), 0.3), 5, 1e-3)
    assert one.item() == pytest.approx(0.3)
