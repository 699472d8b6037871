import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor

from photovst.ops import color

checked = jaxtyped(typechecker=beartype)
rec601_luma = checked(color.rec601_luma)
rgb_to_lab = checked(color.rgb_to_lab)
lab_to_rgb = checked(color.lab_to_rgb)


def _channels_last(image: Tensor) -> np.ndarray:
    return image.permute(0, 2, 3, 1).numpy()


def test_luma_of_primaries_and_gray() -> None:
    primaries = torch.eye(3).reshape(1, 3, 1, 3)
    torch.testing.assert_close(rec601_luma(primaries).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    torch.testing.assert_close(rec601_luma(torch.full((2, 3, 4, 5), 0.6)), torch.full((2, 1, 4, 5), 0.6))


def test_lab_matches_scikit_image_dark_colors_too() -> None:
    image = torch.rand(2, 3, 40, 40, dtype=torch.float64) ** 4
    theirs = rgb2lab(_channels_last(image))
    np.testing.assert_allclose(_channels_last(rgb_to_lab(image)), theirs, rtol=1e-9, atol=1e-9)


def test_rgb_matches_scikit_image() -> None:
    lab = rgb_to_lab(torch.rand(1, 3, 30, 30, dtype=torch.float64) ** 3)
    np.testing.assert_allclose(_channels_last(lab_to_rgb(lab)), lab2rgb(_channels_last(lab)), rtol=0, atol=1e-9)


def test_known_colors() -> None:
    image = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]).reshape(1, 3, 1, 3)
    black, white, red = rgb_to_lab(image)[0, :, 0].T.tolist()
    assert black == pytest.approx([0, 0, 0], abs=1e-4)
    assert white == pytest.approx([100, 0, 0], abs=0.02)
    assert red == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


def test_round_trip_also_outside_the_range() -> None:
    image = 1.4 * torch.rand(1, 3, 20, 20, dtype=torch.float64) - 0.2
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(image)), image, rtol=0, atol=1e-5)
    shown = torch.rand(1, 3, 20, 20)
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(shown)), shown, rtol=0, atol=2e-5)


def test_gradcheck_and_finite_gradient_at_black() -> None:
    image = torch.rand(1, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rgb_to_lab, image)
    assert torch.autograd.gradcheck(lab_to_rgb, rgb_to_lab(image.detach()).requires_grad_())
    assert torch.autograd.gradcheck(rec601_luma, image)
    black = torch.zeros(1, 3, 1, 1, requires_grad=True)
    lab_to_rgb(rgb_to_lab(black)).sum().backward()
    assert black.grad is not None
    assert black.grad.isfinite().all()


def test_empty() -> None:
    assert rgb_to_lab(torch.rand(0, 3, 2, 2)).shape == (0, 3, 2, 2)
    assert rec601_luma(torch.rand(1, 3, 0, 2)).shape == (1, 1, 0, 2)
