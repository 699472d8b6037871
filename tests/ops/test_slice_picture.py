"""The fused slice is the reference's, to the last integer but for ties."""

import numpy as np
import pytest
import torch
from numba import njit
from numba.core import caching
from numpy.typing import NDArray

from photovst.media.tensors import to_frame, to_picture
from photovst.ops.bilateral_grid import identity_grid, slice_affine
from photovst.ops.slice_picture import slice_picture
from photovst.ops.slice_rows import _slice_rows, compiled

KINDS = [np.uint8, np.uint16]


def _picture(height: int, width: int, dtype: type, seed: int = 0) -> NDArray[np.integer]:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, 3), dtype, endpoint=True)


def _grid(*cells: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return identity_grid(*cells) + 0.2 * torch.randn((*cells, 12), generator=generator)


@pytest.mark.parametrize("cells", [(8, 12, 16), (1, 1, 1), (2, 1, 3), (1, 6, 2)])
@pytest.mark.parametrize("size", [(67, 120), (1, 17), (33, 1)])
@pytest.mark.parametrize("strength", [1.0, 0.35])
def test_before_rounding_it_is_within_1e_5_of_the_reference_in_double_precision(
    cells: tuple[int, int, int], size: tuple[int, int], strength: float
) -> None:
    picture, grid = _picture(*size, np.uint16), _grid(*cells)
    frame = to_frame(picture).double()
    expected = torch.lerp(frame, slice_affine(grid.double(), frame).clamp(0, 1), strength)[0].permute(1, 2, 0) * 65535
    found = slice_picture(grid, picture, strength)
    assert found.dtype == np.uint16
    # What rounding leaves of a bound of 1e-5, in levels of 16 bits.
    assert np.abs(found - expected.numpy()).max() <= 0.5 + 1e-5 * 65535 / 4


@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_its_integers_are_the_references_but_for_ties(strength: float) -> None:
    picture, grid = _picture(240, 427, np.uint8), _grid(8, 12, 16)
    frame = to_frame(picture)
    expected = to_picture(torch.lerp(frame, slice_affine(grid, frame).clamp(0, 1), strength))
    found = slice_picture(grid, picture, strength)
    different = found != expected
    assert different.mean() < 1e-4
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != picture).mean() > 0.5  # there was something to get right


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("dither", [False, True])
def test_the_identity_and_no_strength_give_the_very_picture_back(dtype: type, dither: bool) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 64)
    picture = np.stack([levels, levels[::-1], levels[:, ::-1]], axis=2)
    np.testing.assert_array_equal(slice_picture(identity_grid(8, 12, 16), picture, dither=dither), picture)
    np.testing.assert_array_equal(slice_picture(_grid(8, 12, 16), picture, 0.0, dither), picture)


@pytest.mark.parametrize("dither", [False, True])
def test_neither_threads_nor_layout_change_a_bit(dither: bool) -> None:
    picture, grid = _picture(150, 90, np.uint8), _grid(4, 5, 6)
    expected = slice_picture(grid, picture, 0.8, dither, threads=1)
    np.testing.assert_array_equal(slice_picture(grid, picture, 0.8, dither, threads=3), expected)
    turned = np.ascontiguousarray(picture[::-1].transpose(1, 0, 2)).transpose(1, 0, 2)[::-1]
    turned.flags.writeable = False
    np.testing.assert_array_equal(slice_picture(grid.double(), turned, 0.8, dither), expected)


def test_a_sky_is_smooth_on_average_where_it_is_dithered_and_banded_where_not() -> None:
    """A gradient of 12 levels over 960 columns, at half the contrast: bands of 160 columns, or none."""
    picture = np.broadcast_to(np.linspace(140, 152, 960).round().astype(np.uint8)[None, :, None], (64, 960, 3))
    grid = identity_grid(2, 2, 2)
    grid[..., [0, 5, 10]] = 0.5
    exact = picture[0, :, 0] / 2
    plain, dithered = (slice_picture(grid, picture, dither=d)[:, :, 0].astype(float) for d in (False, True))
    assert np.abs(plain.mean(0) - exact).max() == 0.5
    assert np.abs(dithered.reshape(64, 30, 32).mean((0, 2)) - exact.reshape(30, 32).mean(1)).max() < 0.02
    assert np.abs(dithered - exact).max() <= 0.5  # one level from peak to peak
    np.testing.assert_array_equal(dithered[:32], dithered[32:])  # by place, not by chance


def test_no_folder_needs_to_be_writable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba refuses to keep what it compiles where it finds no folder for it: then each process compiles."""
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(_slice_rows)
    assert callable(compiled(_slice_rows))
