import numpy as np
import pytest

from photovst.errors import SettingsError
from photovst.media.painting import Brush, Palette, painting


def test_a_painting_is_that_of_its_seed() -> None:
    one, again, other = painting(1, (64, 96)), painting(1, (64, 96)), painting(2, (64, 96))
    assert one.shape == (64, 96, 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, again)
    assert np.abs(one.astype(int) - other).mean() > 20


@pytest.mark.parametrize("palette", Palette)
def test_every_color_of_the_palette_is_there(palette: Palette) -> None:
    picture = painting(3, (96, 96), palette, Brush(relief=0)).reshape(-1, 3).astype(float)
    for color in palette.value:
        near = np.linalg.norm(picture - color, axis=1) < 60
        assert near.mean() > 0.01, color


def test_strokes_are_longer_than_wide() -> None:
    # Along a stroke the picture changes less than across: the structure tensor has a direction.
    gray = painting(1, (128, 128), Palette.night, Brush(relief=0)).mean(axis=2)
    down, across = np.gradient(gray)
    tiles = [(slice(i, i + 16), slice(j, j + 16)) for i in range(16, 112, 16) for j in range(16, 112, 16)]
    ratios = []
    for tile in tiles:
        a, b, c = (down[tile] ** 2).sum(), (down[tile] * across[tile]).sum(), (across[tile] ** 2).sum()
        low, high = np.linalg.eigvalsh([[a, b], [b, c]])
        ratios.append(low / high)
    assert np.median(ratios) < 0.5


def test_what_cannot_be_painted() -> None:
    with pytest.raises(SettingsError, match="must not be negative"):
        painting(-1, (64, 64))
    with pytest.raises(SettingsError, match="at least 32 pixels"):
        painting(1, (64, 16))
