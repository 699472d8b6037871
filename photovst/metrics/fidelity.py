"""How much of the content's structure is kept: protocols ``ssim_content`` and ``ssim_edge`` [Wang2004]."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.errors import MediaError, SettingsError
from photovst.ops.color import rec601_luma

WINDOW_SIGMA = 1.5
WINDOW_RADIUS = 5

PLANE_PIXELS = 1 << 17
"""How many pixels to compare at once: what is filtered of them then stays in a processor's cache."""


def ssim(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], data_range: float = 1.0
) -> Float[Tensor, " b"]:
    """Structural similarity; 1 for equal pictures.

    In 11x11 Gaussian windows (sigma 1.5) wholly inside the picture, ``(2 mu_x mu_y + C1) (2 cov + C2) /
    ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))``, C1 = (.01 range)^2 and C2 = (.03 range)^2, with
    population moments; mean over windows and channels. Differentiable.

    Args:
        first: Pictures.
        second: Pictures of the same size.
        data_range: Largest value less smallest value a picture can hold.

    Raises:
        SettingsError: the range is not positive.
        MediaError: the pictures differ in size or are smaller than a window.
    """
    if not data_range > 0:
        raise SettingsError(f"the data range of SSIM is {data_range}; give a number above 0")
    _check_same(first, second)
    return _ssim(first, second, torch.full_like(first[:, :1, :1, :1], data_range))


def ssim_content(output: Float[Tensor, "b 3 h w"], content: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """SSIM of output and content, RGB in [0, 1], mean over the three channels; 1 is the content untouched.

    Raises:
        MediaError: the pictures differ in size or are smaller than a window.
    """
    return ssim(output, content)


def ssim_edge(
    output: Float[Tensor, "b 3 h w"], content: Float[Tensor, "b 3 h w"], data_range: float | None = 1.0
) -> Float[Tensor, " b"]:
    """SSIM of the gradient magnitudes of the two pictures' Rec. 601 luma; 1 keeps every edge as it was.

    Args:
        output: RGB in [0, 1].
        content: RGB in [0, 1], the same size.
        data_range: Range of SSIM. At 1 its constants are large next to a gradient and flat parts count as
            alike; None takes each content's largest gradient instead, which is stricter.

    Raises:
        SettingsError: the range is not positive.
        MediaError: the pictures differ in size or are smaller than a window.
    """
    _check_same(output, content)
    edges, reference = (gradient_magnitude(rec601_luma(image)) for image in (output, content))
    if data_range is not None:
        return ssim(edges, reference, data_range)
    largest = reference.amax(dim=(1, 2, 3), keepdim=True)
    # A content without any edge gives no range; any positive one then compares the output with flat.
    return _ssim(edges, reference, largest.where(largest > 0, 1))


def gradient_magnitude(plane: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """``sqrt(gx^2 + gy^2)`` by Sobel over 8: a ramp of slope s has magnitude s.

    The border pixel repeats outwards. Not differentiable where the gradient vanishes.
    """
    smooth, slope = (0.25, 0.5, 0.25), (-0.5, 0.0, 0.5)
    padded = functional.pad(plane, (1, 1, 1, 1), mode="replicate")
    gx = _separable(padded, rows=smooth, columns=slope)
    gy = _separable(padded, rows=slope, columns=smooth)
    return torch.hypot(gx, gy)


def _ssim(first: Tensor, second: Tensor, data_range: Tensor) -> Tensor:
    # With s = x + y and d = x - y, 2 mu_x mu_y = (mu_s^2 - mu_d^2) / 2, mu_x^2 + mu_y^2 = (mu_s^2 + mu_d^2) / 2, and
    # (co)variances the same way: four planes to filter instead of five, and where x = y both fractions are exactly 1.
    channels = first.shape[1]
    window = _gaussian_window()
    c1, c2 = (((k * data_range) ** 2).repeat_interleave(channels, dim=0) for k in (0.01, 0.03))
    together = max(1, PLANE_PIXELS // (first.shape[-2] * first.shape[-1]))
    parts = (torch.split(planes.flatten(0, 1)[:, None], together) for planes in (first, second))
    figures = []
    for x, y, k1, k2 in zip(*parts, *(torch.split(c, together) for c in (c1, c2)), strict=True):
        total, difference = x + y, x - y
        planes = torch.cat([total, difference, total * total, difference * difference], dim=1)
        mean, other, power, rest = _separable(planes, rows=window, columns=window).chunk(4, dim=1)
        mean, other = mean * mean, other * other
        luminance = ((mean - other) / 2 + k1) / ((mean + other) / 2 + k1)
        power, rest = power - mean, rest - other
        figures.append((luminance * ((power - rest) / 2 + k2) / ((power + rest) / 2 + k2)).mean(dim=(1, 2, 3)))
    return torch.cat(figures).view(-1, channels).mean(dim=1)


def _gaussian_window() -> list[float]:
    weights = [math.exp(-0.5 * (i / WINDOW_SIGMA) ** 2) for i in range(-WINDOW_RADIUS, WINDOW_RADIUS + 1)]
    return [weight / sum(weights) for weight in weights]


def _separable(planes: Tensor, rows: Sequence[float], columns: Sequence[float]) -> Tensor:
    """Correlation with one kernel down and one across, where both lie inside.

    Weighted sums of shifted planes: several times faster on a CPU than a convolution of single channels.
    """
    return _correlated(_correlated(planes, rows, -2), columns, -1)


def _correlated(planes: Tensor, kernel: Sequence[float], dim: int) -> Tensor:
    length = planes.shape[dim] - len(kernel) + 1
    result = planes.narrow(dim, 0, length) * kernel[0]
    for offset, weight in enumerate(kernel[1:], start=1):
        if weight:
            result.add_(planes.narrow(dim, offset, length), alpha=weight)
    return result


def _check_same(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape:
        raise MediaError(
            f"the pictures to compare are {tuple(first.shape)} and {tuple(second.shape)}; resize one of them"
        )
    side = 2 * WINDOW_RADIUS + 1
    if min(first.shape[-2:]) < side:
        raise MediaError(
            f"a picture of {first.shape[-2]}x{first.shape[-1]} is smaller than SSIM's {side}x{side} window; "
            "give a larger one"
        )
