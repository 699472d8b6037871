"""Results at full size: each kind of result by the way that is fastest for it, all with the same meaning."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from photovst.media.tensors import to_frame, to_picture
from photovst.ops.bilateral_grid import identity_grid, slice_affine
from photovst.ops.local_affine import smooth_local_affine
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.neighbors import Stylized
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.pixels import Pixels
from photovst.rendering import LocalAffine, Renderer

CPU = torch.device("cpu")
SIZE = (48, 80)


def _picture(dtype: type = np.uint8) -> NDArray[np.integer]:
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, (*SIZE, 3), dtype, endpoint=True)


def _stylized(parametrization: Parametrization, frame: torch.Tensor) -> Stylized:
    return Stylized(parametrization, frame, {}, 0, 0)


def _grid() -> BilateralGrid:
    noise = torch.randn((4, 3, 5, 12), generator=torch.Generator().manual_seed(0))
    return BilateralGrid(identity_grid(4, 3, 5) + 0.1 * noise, GridPrior(1.0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_grid_is_rendered_as_the_reference_has_it(dtype: type, strength: float) -> None:
    image, grid = _picture(dtype), _grid()
    frame = to_frame(image)
    expected = to_picture(torch.lerp(frame, slice_affine(grid.grid, frame).clamp(0, 1), strength), dtype)
    found = Renderer(CPU, strength, dither=False).picture(image, _stylized(grid, frame))
    assert found.dtype == dtype
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != expected).mean() < (1e-3 if dtype == np.uint8 else 1e-1)  # ties


@pytest.mark.parametrize("dither", [False, True])
def test_grids_and_frames_are_rounded_alike(dither: bool) -> None:
    image, grid = _picture(), _grid()
    frame = to_frame(image)
    pixels = Pixels(slice_affine(grid.grid, frame).clamp(0, 1), frame)
    renderer = Renderer(CPU, 0.7071, dither)
    sliced, shown = (renderer.picture(image, _stylized(result, frame)) for result in (grid, pixels))
    assert (sliced != shown).mean() < 1e-3


def test_pixels_are_shown_as_they_are_and_mixed() -> None:
    image = _picture()
    frame = to_frame(image)
    result = Pixels(1 - frame, frame)
    np.testing.assert_array_equal(Renderer(CPU).picture(image, _stylized(result, frame)), 255 - image)
    half = Renderer(CPU, 0.5, dither=False).picture(image, _stylized(result, frame))
    np.testing.assert_array_equal(half, np.full_like(image, 128))


def test_a_grid_is_smoothed_where_that_is_asked_for() -> None:
    image, grid = _picture(), _grid()
    frame = to_frame(image)
    expected = smooth_local_affine(frame, grid.lift(frame), 3, 0.01, frame).clamp(0, 1)
    found = Renderer(CPU, dither=False, local_affine=LocalAffine(3, 0.01)).picture(image, _stylized(grid, frame))
    np.testing.assert_array_equal(found, to_picture(expected))
