"""Optical flow as color: the wheel of [Baker2011], where hue is direction and saturation is speed."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError

CORNERS = ((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1))
"""Red, yellow, green, cyan, blue, magenta, and red again."""

STEPS = (15, 6, 4, 11, 13, 6)
"""Hues from each to the next: as many as the eye tells apart there."""

BEYOND = 0.75
"""Colors of vectors longer than the full length are darkened by this."""


def flow_color(flow: Float[Tensor, "b 2 h w"], full: float) -> Float[Tensor, "b 3 h w"]:
    """Flow as RGB in [0, 1]: no motion is white, to the right red, down yellow, left cyan to blue, up violet.

    The wheel has 55 hues, linear in between. Its last hue stands where its first does, so that directions just above
    "right" are a magenta red and those just below it a pure one, as in the authors' own pictures.

    Args:
        flow: pixels, right and down.
        full: length in pixels that is shown in full color; longer vectors are shown darker.

    Raises:
        SettingsError: the length is not positive.
    """
    if not full > 0:
        raise SettingsError(f"flow of {full} pixels cannot be shown in full color; give a length above 0")
    x, y = (flow / full + 0.0).unbind(1)  # +0.0: minus zero has another angle
    hues = color_wheel().to(flow)
    place = (torch.atan2(-y, -x) / math.pi + 1) / 2 * (len(hues) - 1)
    lower = place.floor().clamp(0, len(hues) - 1)
    share = (place - lower)[..., None]
    first = lower.long()
    color = torch.lerp(hues[first], hues[(first + 1) % len(hues)], share).movedim(-1, 1)
    speed = torch.stack([x, y], dim=1).norm(dim=1, keepdim=True)
    return torch.where(speed <= 1, 1 - speed * (1 - color), BEYOND * color)


def color_wheel() -> Float[Tensor, "55 3"]:
    """The hues, RGB, from red over yellow, green, cyan, blue and magenta."""
    corners = torch.tensor([*CORNERS, CORNERS[0]], dtype=torch.float64)
    arcs = [
        torch.lerp(corners[i], corners[i + 1], torch.arange(steps, dtype=torch.float64)[:, None] / steps)
        for i, steps in enumerate(STEPS)
    ]
    return torch.cat(arcs)
