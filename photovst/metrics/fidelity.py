"""How much of the content's structure is kept: protocols ``ssim_content`` and ``ssim_edge`` [Wang2004]."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.errors import MediaError, SettingsError
from photovst.ops.color import rec601_luma

WINDOW_SIGMA = 1.5
WINDOW_RADIUS = 5


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
    smooth, slope = plane.new_tensor([0.25, 0.5, 0.25]), plane.new_tensor([-0.5, 0.0, 0.5])
    padded = functional.pad(plane, (1, 1, 1, 1), mode="replicate")
    gx = _separable(padded, rows=smooth, columns=slope)
    gy = _separable(padded, rows=slope, columns=smooth)
    return torch.hypot(gx, gy)


def _ssim(first: Tensor, second: Tensor, data_range: Tensor) -> Tensor:
    offsets = torch.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1, dtype=first.dtype, device=first.device)
    window = torch.exp(-0.5 * (offsets / WINDOW_SIGMA) ** 2)
    window = window / window.sum()
    planes = torch.cat([first, second, first * first, second * second, first * second], dim=1)
    mean_x, mean_y, xx, yy, xy = _separable(planes, rows=window, columns=window).chunk(5, dim=1)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    covariance, variances = xy - mean_x * mean_y, xx - mean_x**2 + yy - mean_y**2
    return (luminance * (2 * covariance + c2) / (variances + c2)).mean(dim=(1, 2, 3))


def _separable(planes: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Correlation with one kernel down and one across, where both lie inside.

    Weighted sums of shifted planes: several times faster on a CPU than a convolution of single channels.
    """
    return _correlated(_correlated(planes, rows, -2), columns, -1)


def _correlated(planes: Tensor, kernel: Tensor, dim: int) -> Tensor:
    length = planes.shape[dim] - len(kernel) + 1
    result = planes.narrow(dim, 0, length) * kernel[0]
    for offset in range(1, len(kernel)):
        result = torch.addcmul(result, planes.narrow(dim, offset, length), kernel[offset])
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
