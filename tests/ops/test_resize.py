import doctest
import inspect

import cv2
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped

from photovst.errors import SettingsError
from photovst.ops import resize as module

resize = jaxtyped(typechecker=beartype)(module.resize)
fit_long_side = jaxtyped(typechecker=beartype)(module.fit_long_side)


def _opencv(image: torch.Tensor, size: tuple[int, int], how: int) -> torch.Tensor:
    array = image[0].permute(1, 2, 0).numpy()
    return torch.from_numpy(cv2.resize(array, size[::-1], interpolation=how)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("size", [(10, 10), (7, 9), (1, 1), (19, 30), (20, 31)])
def test_down_matches_opencv_area(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, 20, 31, dtype=torch.float64)
    theirs = _opencv(image, size, cv2.INTER_AREA)
    torch.testing.assert_close(resize(image, size), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(40, 62), (21, 100), (20, 47)])
def test_up_matches_opencv_bilinear(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, 20, 31)
    torch.testing.assert_close(resize(image, size), _opencv(image, size, cv2.INTER_LINEAR), rtol=0, atol=1e-5)


def test_an_axis_may_shrink_while_the_other_grows() -> None:
    image = torch.rand(1, 2, 8, 5, dtype=torch.float64)
    rows = resize(image, (4, 5))
    torch.testing.assert_close(rows, (image[..., ::2, :] + image[..., 1::2, :]) / 2)
    torch.testing.assert_close(resize(image, (4, 11)), resize(rows, (4, 11)))


def test_mean_is_kept_at_any_ratio() -> None:
    image = torch.rand(2, 3, 37, 53, dtype=torch.float64)
    small = resize(image, (11, 17))
    torch.testing.assert_close(small.mean(dim=(2, 3)), image.mean(dim=(2, 3)), rtol=1e-12, atol=0)


def test_same_size_is_the_same_picture_and_a_constant_stays() -> None:
    image = torch.rand(1, 3, 6, 7)
    assert torch.equal(resize(image, (6, 7)), image)
    torch.testing.assert_close(resize(torch.full((1, 1, 6, 7), 0.3), (13, 2)), torch.full((1, 1, 13, 2), 0.3))
    assert resize(torch.rand(0, 3, 6, 7), (3, 9)).shape == (0, 3, 3, 9)


@pytest.mark.parametrize("size", [(3, 4), (9, 11), (2, 13)])
def test_gradcheck(size: tuple[int, int]) -> None:
    image = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resize(x, size), image)


@pytest.mark.parametrize(
    ("size", "long_side", "multiple", "expected"),
    [
        ((1080, 1920), 320, 1, (180, 320)),
        ((1920, 1080), 320, 1, (320, 180)),
        ((436, 1024), 640, 16, (272, 640)),
        ((100, 100), 320, 1, (320, 320)),
        ((3, 4000), 320, 8, (8, 320)),
        ((480, 854), 320, 1, (180, 320)),
    ],
)
def test_fit_long_side(size, long_side, multiple, expected) -> None:
    assert fit_long_side(size, long_side, multiple) == expected


def test_doctests() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_errors() -> None:
    with pytest.raises(SettingsError, match="cannot resize to 4x0; give a height and width of 1 or more"):
        inspect.unwrap(module.resize)(torch.rand(1, 1, 4, 4), (4, 0))
    with pytest.raises(SettingsError, match="cannot fit 0x4 to a long side of 8 in multiples of 1"):
        inspect.unwrap(module.fit_long_side)((0, 4), 8)
