"""Means over square windows, by sums that double in length.

A window sum of length n is put together from sums of 1, 2, 4, ... neighbours, so it costs about 2 log2(n)
additions a pixel and axis. Nothing is ever subtracted: a cumulative sum (an integral image) would lose
float32 digits as it grows.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError


def window_sum(x: Tensor, length: int, dim: int) -> Tensor:
    """Sums of ``length`` neighbours along ``dim``; the axis gets ``length - 1`` shorter."""
    count = x.shape[dim] - length + 1
    total: Tensor | None = None
    offset, size, sums = 0, 1, x
    while True:
        if length & size:
            part = sums.narrow(dim, offset, count)
            total = part if total is None else total + part
            offset += size
        if 2 * size > length:
            assert total is not None  # length >= 1 has a highest bit
            return total
        kept = sums.shape[dim] - size
        sums = sums.narrow(dim, 0, kept) + sums.narrow(dim, size, kept)
        size *= 2


def check_radius(radius: int) -> None:
    """Refuse a window radius below 0.

    Raises:
        SettingsError: the radius is negative.
    """
    if radius < 0:
        raise SettingsError(f"a window of radius {radius} does not exist; give a radius of 0 or more")


def check_window_fits(height: int, width: int, radius: int) -> None:
    """Refuse a picture smaller than one window.

    Raises:
        SettingsError: the radius is negative.
        MediaError: the picture is smaller than a window.
    """
    check_radius(radius)
    side = 2 * radius + 1
    if min(height, width) < side:
        raise MediaError(
            f"a picture of {height}x{width} is smaller than the {side}x{side} window; "
            "give a larger picture or a smaller radius"
        )


def box_mean(x: Float[Tensor, "b c h w"], radius: int) -> Float[Tensor, "b c inner_h inner_w"]:
    """Mean over each (2 radius + 1)-square window wholly inside the picture; the result is 2 radius smaller.

    Raises:
        SettingsError: the radius is negative.
        MediaError: the picture is smaller than a window.
    """
    check_window_fits(x.shape[-2], x.shape[-1], radius)
    side = 2 * radius + 1
    return window_sum(window_sum(x, side, -2), side, -1) / (side * side)


def box_mean_same(x: Float[Tensor, "b c h w"], radius: int) -> Float[Tensor, "b c h w"]:
    """Mean over the part of each (2 radius + 1)-square window inside the picture; same size as ``x``.

    Raises:
        SettingsError: the radius is negative.
    """
    check_radius(radius)
    side = 2 * radius + 1
    padded = torch.nn.functional.pad(x, (radius, radius, radius, radius))
    sums = window_sum(window_sum(padded, side, -2), side, -1)
    rows, columns = (_counts(n, radius).to(x) for n in x.shape[-2:])
    return sums / (rows[:, None] * columns)


def _counts(length: int, radius: int) -> Tensor:
    """How many pixels of each window lie inside, along an axis of ``length`` pixels."""
    i = torch.arange(length)
    return (i + radius).clamp(max=length - 1) - (i - radius).clamp(min=0) + 1
