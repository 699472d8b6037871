"""Soft regions fitted to a frame's edges, and filled in where nothing sure is known of them.

The guided filter [He2010] in its fast form [He2015], weighed: a pixel of no trust has no say in the fits of masks to
colors around it, and gets what they tell of its color. (A ratio of two guided filters, as in normalized convolution,
fails there: where all pixels of a color are unknown, both go to 0.)
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError
from photovst.ops.guided_filter import fast_guided_filter
from photovst.ops.masks import normalize_masks

_FLOOR = 1e-3
"""Weight of what is not trusted at all: it decides only where nothing trusted is in reach."""


def refine_masks(
    frame: Float[Tensor, "b 3 h w"],
    masks: Float[Tensor, "b k h w"],
    radius: float,
    epsilon: float,
    trust: Float[Tensor, "b 1 h w"] | None = None,
) -> Float[Tensor, "b k h w"]:
    """``masks`` with their edges on edges of the frame; soft, and they sum to 1.

    Args:
        frame: RGB in [0, 1].
        masks: soft regions.
        radius: how far an edge may move, as a share of the longer side; 0 leaves masks as they are.
        epsilon: guide variance below which a window counts as flat. Larger is softer.
        trust: of each pixel's masks, in [0, 1]; all 1 when not given.

    Raises:
        SettingsError: the radius is negative, epsilon not positive.
        MediaError: frame and masks differ in size, or a mask is negative or not a number.
    """
    if not radius >= 0:
        raise SettingsError(f"the radius of mask refinement is {radius}; give a share of the longer side, such as 0.04")
    pixels = round(radius * max(frame.shape[-2:]))
    if pixels == 0:
        return masks
    weight = None if trust is None else trust.clamp_min(_FLOOR)
    refined = fast_guided_filter(frame, masks, pixels, epsilon, weight)
    return normalize_masks(refined.clamp_min(0))
