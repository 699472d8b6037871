"""Joint bilateral filter: a Gaussian blur whose weights also fall with color differences in a guide [Luan2017].

A pixel p becomes the mean of the pixels q of its window, weighted by

    w(p, q) = exp(-|p - q|^2 / (2 sigma_space^2)) exp(-m(p, q) / (2 sigma_range^2)),

with m(p, q) the squared color difference of the guide, averaged over its three channels.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops.box_filter import check_radius

_BAND = 64
"""Rows worked on at a time: few enough that they stay in a processor's cache for all offsets."""

_MOST = 60.0
"""Largest exponent: e^-60 is nothing beside a pixel's own weight of 1, yet a normal number. Subnormal ones are slow."""


@torch.no_grad()
def joint_bilateral(
    planes: Float[Tensor, "b c h w"],
    guide: Float[Tensor, "b 3 h w"],
    radius: int,
    sigma_range: float,
    sigma_space: float | None = None,
) -> Float[Tensor, "b c h w"]:
    """``planes`` smoothed where the guide's colors are alike; without gradient.

    Every pixel of the window counts, also the corners; weights are normalized over the pixels inside the picture.
    Needs memory for about three times ``planes``, whatever the radius.

    Args:
        planes: What is smoothed, any number of planes and any range.
        guide: RGB in [0, 1], of the type of ``planes``.
        radius: Windows are (2 radius + 1)-square. 0 changes nothing; time grows with its square.
        sigma_range: Color difference (root mean square over channels) at which the weight is e^-1/2. Larger blurs
            across stronger edges.
        sigma_space: Distance in pixels at which the weight is e^-1/2; a third of the radius when not given.

    Raises:
        SettingsError: the radius is negative or a sigma not positive.
        MediaError: planes and guide differ in number or size.
    """
    check_radius(radius)
    if sigma_space is None:
        sigma_space = max(radius, 1) / 3  # radius 0 has no neighbor to weigh
    for name, sigma in (("sigma_range", sigma_range), ("sigma_space", sigma_space)):
        if not sigma > 0:
            raise SettingsError(f"the joint bilateral filter's {name} is {sigma}; give a number above 0")
    if planes.shape[-2:] != guide.shape[-2:] or planes.shape[0] != guide.shape[0]:
        raise MediaError(
            f"the planes are {tuple(planes.shape)} but their guide {tuple(guide.shape)}; "
            "give as many as guides, of the same size"
        )
    height, width = planes.shape[-2:]
    scaled = guide / (math.sqrt(2 * 3) * sigma_range)
    # A plane of ones goes along and ends up as the sum of weights. A pixel's weight for itself is 1.
    values = torch.cat([planes, torch.ones_like(planes[:, :1])], dim=1)
    total = values.clone()
    for top in range(0, height, _BAND):
        for y, x in _half_window(radius):
            bottom = min(top + _BAND, height - y)
            if bottom <= top or abs(x) >= width:
                continue
            left, right = max(0, -x), width - max(0, x)
            here = (..., slice(top, bottom), slice(left, right))
            there = (..., slice(top + y, bottom + y), slice(left + x, right + x))
            weight = (scaled[here] - scaled[there]).square_().sum(dim=1, keepdim=True)
            weight.add_((y * y + x * x) / (2 * sigma_space * sigma_space)).clamp_(max=_MOST).neg_().exp_()
            # Two pixels weigh alike for each other, so half the offsets do for all.
            total[here].addcmul_(values[there], weight)
            total[there].addcmul_(values[here], weight)
    return total[:, :-1] / total[:, -1:]


def _half_window(radius: int) -> list[tuple[int, int]]:
    """Offsets (y, x) below the center, or in its row to the right of it."""
    columns = range(-radius, radius + 1)
    return [(y, x) for y in range(radius + 1) for x in columns if y > 0 or x > 0]
