"""Resampling pictures: exact area means where an axis shrinks, bilinear where it grows.

Both are a few weighted taps a pixel and axis. An area tap weighs an input pixel by how much of it the output
pixel covers, also where the ratio is not whole, so means are kept (adaptive pooling keeps them for whole
ratios only). Pixel centers lie at half-integers and the outer edges of both sizes coincide.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from photovst.errors import SettingsError
from photovst.types import Size


def resize(image: Float[Tensor, "b c h w"], size: Size) -> Float[Tensor, "b c new_h new_w"]:
    """``image`` at ``(height, width)``; its own size gives it back as it is. Differentiable.

    Weights of a pixel sum to 1: a constant stays constant, and planes that sum to 1 go on doing so.

    Raises:
        SettingsError: the size is not positive.
    """
    if min(size) < 1:
        raise SettingsError(f"cannot resize to {size[0]}x{size[1]}; give a height and width of 1 or more")
    # Rows first: whole rows move fast, and there are fewer columns' worth left afterwards.
    tall = _resample_rows(image, size[0])
    return _resample_rows(tall.transpose(-1, -2), size[1]).transpose(-1, -2).contiguous()


def limit_long_side(size: Size, long_side: int) -> Size:
    """``size`` scaled down where its longer side is above ``long_side``, else as it is."""
    return fit_long_side(size, long_side) if long_side < max(size) else size


def fit_long_side(size: Size, long_side: int, multiple: int = 1) -> Size:
    """``size`` scaled up or down so that its longer side is ``long_side``.

    Each side goes to the nearest ``multiple``. No side gets smaller than one ``multiple``.

    >>> fit_long_side((1080, 1920), 320)
    (180, 320)

    Raises:
        SettingsError: a side, ``long_side`` or ``multiple`` is not positive.
    """
    if min(*size, long_side, multiple) < 1:
        raise SettingsError(
            f"cannot fit {size[0]}x{size[1]} to a long side of {long_side} in multiples of {multiple}; "
            "give numbers of 1 or more"
        )
    scale = long_side / max(size)
    height, width = (max(multiple, int(side * scale / multiple + 0.5) * multiple) for side in size)
    return height, width


def thinning(size: Size, places: int, most: int) -> int:
    """Pixels from one sample to the next that leave about ``places`` along the longer side; ``most`` at most.

    >>> thinning((180, 320), 80, 4), thinning((1080, 1920), 80, 4), thinning((40, 60), 80, 4)
    (4, 4, 1)
    """
    return min(most, max(1, max(size) // places))


def _resample_rows(image: Tensor, length: int) -> Tensor:
    if image.shape[-2] == length:
        return image
    indices, weights = taps(int(image.shape[-2]), int(length))  # tensors to torch.jit.trace
    result: Tensor | None = None
    for index, weight in zip(indices.to(image.device), weights.to(image), strict=True):
        part = image.index_select(-2, index) * weight[:, None]
        result = part if result is None else result + part
    assert result is not None  # at least one tap
    return result


def taps(before: int, after: int) -> tuple[Int64[Tensor, "taps after"], Float64[Tensor, "taps after"]]:
    """Input pixel and weight of each tap, by which an axis of ``before`` pixels is brought to ``after``."""
    # In NumPy: what follows from sizes alone is a constant to whoever traces or converts a network.
    ratio = before / after
    out = np.arange(after, dtype=np.float64)
    if ratio > 1:
        start, end = out * ratio, (out + 1) * ratio
        count = int((np.ceil(end) - np.floor(start)).max())
        pixel = np.floor(start) + np.arange(count, dtype=np.float64)[:, None]
        overlap = (np.minimum(end, pixel + 1) - np.maximum(start, pixel)).clip(min=0)
        weight = overlap / overlap.sum(axis=0)
    else:
        center = ((out + 0.5) * ratio - 0.5).clip(0, before - 1)
        lower = np.floor(center)
        pixel = np.stack([lower, lower + 1])
        weight = np.stack([1 - (center - lower), center - lower])
    return torch.from_numpy(pixel.clip(0, before - 1).astype(np.int64)), torch.from_numpy(weight)
