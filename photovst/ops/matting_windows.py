"""The windows of the matting Laplacian: their colors, whitened, a band of rows at a time [Levin2008].

With ``L L^T = Sigma + eps/n Id`` in a window, its colors in axes where that covariance is the identity are
``e_i = L^-1 (I_i - mu)``, and what the window adds to M_ij is ``delta_ij - (1 + e_i . e_j) / n``. However flat or gray
the window, e stays of the order of 1, so float32 holds it well once it is made. The inverse itself reaches n / eps, and
in float32 nothing true would be left of it times colors that all lie on one line.

Rows of pixels lie one after the other here. The pixel at one position in every window is then one contiguous stretch,
and windows that would run over a row's end are carried along, with colors of 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops.box_filter import check_window_fits
from photovst.ops.covariance import PAIRS, cholesky


@dataclass(frozen=True)
class WhitenedWindows:
    """Whitened colors of a band of windows, by their upper left pixels in reading order."""

    colors: Float[Tensor, "b 3 positions windows"]
    factor: tuple[Float[Tensor, "b windows"], ...]
    """1/xx, yx, zx, 1/yy, zy, 1/zz of L."""
    inside: Float[Tensor, " windows"]
    """0 for windows over a row's end, else 1."""

    def color_slopes(self, slopes: Float[Tensor, "b 3 c windows"]) -> Float[Tensor, "b 3 c windows"]:
        """Slopes along red, green and blue from those along the whitened axes: ``L^-T`` times them."""
        inverse_x, yx, zx, inverse_y, zy, inverse_z = (entry[:, None] for entry in self.factor)
        x, y, z = slopes.unbind(1)
        blue = z * inverse_z
        green = (y - zy * blue) * inverse_y
        red = (x - yx * green - zx * blue) * inverse_x
        return torch.stack([red, green, blue], dim=1)


def whitened_windows(guide: Float[Tensor, "b 3 pixels"], width: int, epsilon: float, radius: int) -> WhitenedWindows:
    """The windows of a band of rows of ``width`` pixels; computed in float64, given in the guide's precision."""
    starts = window_starts(width, radius)
    pixels, count = len(starts), guide.shape[-1] - starts[-1]
    dtype, ridge = guide.dtype, epsilon / pixels
    guide = guide.double()
    mean = window_means(guide, width, radius)
    colors = guide.new_empty(*guide.shape[:2], pixels, count)
    for position, start in enumerate(starts):
        torch.sub(guide[..., start : start + count], mean, out=colors[:, :, position])
    covariance = guide.new_zeros(guide.shape[0], 6, count)
    for plane, (i, j) in enumerate(PAIRS):
        for position in range(pixels):
            covariance[:, plane].addcmul_(colors[:, i, position], colors[:, j, position], value=1 / pixels)
    inside = (torch.arange(count, device=guide.device) % width < width - 2 * radius).double()
    inverse_x, yx, zx, inverse_y, zy, inverse_z = cholesky(covariance, ridge)
    inverse_x, inverse_y, inverse_z = (entry * inside for entry in (inverse_x, inverse_y, inverse_z))
    x, y, z = colors.unbind(1)  # forward substitution, in place
    x.mul_(inverse_x[:, None])
    y.addcmul_(x, yx[:, None], value=-1).mul_(inverse_y[:, None])
    z.addcmul_(x, zx[:, None], value=-1).addcmul_(y, zy[:, None], value=-1).mul_(inverse_z[:, None])
    factor = tuple(entry.to(dtype) for entry in (inverse_x, yx, zx, inverse_y, zy, inverse_z))
    return WhitenedWindows(colors.to(dtype), factor, inside.to(dtype))


def window_means(rows: Tensor, width: int, radius: int) -> Tensor:
    """Means over the windows of a band: (..., pixels) to (..., windows)."""
    side = 2 * radius + 1
    span = rows.shape[-1] - 2 * radius
    across = rows[..., :span].clone()
    for x in range(1, side):
        across += rows[..., x : x + span]
    count = span - 2 * radius * width
    mean = across[..., :count].clone()
    for y in range(1, side):
        mean += across[..., y * width : y * width + count]
    return mean.div_(side * side)


def window_starts(width: int, radius: int) -> list[int]:
    """Pixels from a window's upper left one to each of its pixels, where rows lie one after the other."""
    side = range(2 * radius + 1)
    return [y * width + x for y in side for x in side]


def window_bands(picture: Tensor, radius: int) -> Iterator[slice]:
    """Bands of whole rows of pixels, rows one after the other, that hold each row of windows once."""
    height, width = picture.shape[-2:]
    windows = height - 2 * radius
    rows = max(1, band_pixels(picture.device) * 9 // (2 * radius + 1) ** 2 // width)
    for top in range(0, windows, rows):
        yield slice(top * width, (min(top + rows, windows) + 2 * radius) * width)


def band_pixels(device: torch.device) -> int:
    """How many pixels to work on at once, for 3x3 windows: what a processor's cache holds, or what fills a GPU."""
    return 1 << 16 if device.type == "cpu" else 1 << 20


def check_matting(guide: Tensor, epsilon: float, radius: int) -> None:
    """Refuse settings and guides that have no matting Laplacian.

    Raises:
        SettingsError: epsilon is not positive, or radius below 1.
        MediaError: the picture is smaller than a window.
    """
    if not epsilon > 0:
        raise SettingsError(f"the matting epsilon is {epsilon}; give a number above 0, such as 1e-7")
    if radius < 1:
        raise SettingsError(f"the matting radius is {radius}; give 1 or more")
    check_window_fits(guide.shape[-2], guide.shape[-1], radius)


def check_same_size(image: Tensor, guide: Tensor) -> None:
    """Refuse an image that is not as large as the guide, or another number of them.

    Raises:
        MediaError: the image does not have the guide's size.
    """
    if image.shape[-2:] != guide.shape[-2:] or image.shape[0] != guide.shape[0]:
        raise MediaError(
            f"the image is {tuple(image.shape)} but the matting guide {tuple(guide.shape)}; "
            "give as many images as guides, of the same size"
        )
