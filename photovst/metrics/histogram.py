"""How far the output's colors are from the photograph's, as distributions: protocol ``histogram`` [Vallender1974]."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.metrics.counterparts import check_counterparts
from photovst.ops.color import rgb_to_lab
from photovst.ops.masks import areas

STEPS = 1 << 16
"""Lab values are rounded to this part of a unit, which is as much as float32 holds of them."""


def histogram_distance(
    output: Float[Tensor, "1 3 h w"],
    style: Float[Tensor, "1 3 style_h style_w"],
    masks_output: Float[Tensor, "1 k h w"],
    masks_style: Float[Tensor, "1 k style_h style_w"],
) -> Float[Tensor, "k 3"]:
    """Wasserstein distance of output and photograph along each channel of CIE Lab, in each region; 0 is its colors.

    In one dimension it is the area between the two cumulative distributions, ``integral of |F_k(v) - G_k(v)| dv``: how
    far values have to move on the average, in units of Lab. Exact, without bins; pixels count by their masks. A region
    that takes nothing of the output gives 0. Not differentiable.

    Args:
        output: RGB in [0, 1].
        style: The photograph, RGB in [0, 1], of any size; time grows with the pixels of both.
        masks_output: Regions of the output, at its size.
        masks_style: Regions of the photograph, at its size; region k of the one answers to region k of the other.

    Raises:
        MediaError: masks do not have their picture's size, regions differ, or a region of the output is nowhere in the
            photograph.
    """
    _check(output, style, masks_output, masks_style)
    lab = torch.cat([rgb_to_lab(picture)[0].flatten(1) for picture in (output, style)], dim=1)
    # What the output adds to F - G and the photograph takes away: pixels down, so that a lookup brings all regions.
    present = areas(masks_output)[0] > 0
    weights = torch.cat([_shares(masks_output, present), -_shares(masks_style, present)], dim=1).T.contiguous()
    distances = [_area_between(values, weights) for values in lab]
    return torch.stack(distances, dim=1).to(output)


def histogram(
    output: Float[Tensor, "1 3 h w"],
    style: Float[Tensor, "1 3 style_h style_w"],
    masks_output: Float[Tensor, "1 k h w"],
    masks_style: Float[Tensor, "1 k style_h style_w"],
) -> Float[Tensor, ""]:
    """`histogram_distance` as one figure: its mean over channels, regions weighted by their share of the output.

    Raises:
        MediaError: as in `histogram_distance`.
    """
    distance = histogram_distance(output, style, masks_output, masks_style)
    return areas(masks_output)[0] @ distance.mean(dim=1)


def _shares(masks: Float[Tensor, "1 k h w"], present: Bool[Tensor, " k"]) -> Float[Tensor, "k pixels"]:
    """Of each pixel in its region; 0 in regions that are not present."""
    rows = masks[0].flatten(1)
    scale = torch.where(present, 1 / rows.sum(dim=1, dtype=torch.float64).masked_fill(~present, 1), 0)
    return rows * scale[:, None].to(rows)


def _area_between(values: Float[Tensor, " pixels"], weights: Float[Tensor, "pixels k"]) -> Float[Tensor, " k"]:
    """The integral over v of ``|sum of the weights whose values are at most v|``."""
    # Whole numbers are sorted by radix, ten times as fast, and faster still the fewer digits they have.
    steps = (values * STEPS).round().int()
    steps, order = (steps - steps.min()).sort()
    excess = weights.index_select(0, order).double().cumsum_(dim=0)[:-1].abs_()
    return steps.diff().double() @ excess / STEPS


def _check(output: Tensor, style: Tensor, masks_output: Tensor, masks_style: Tensor) -> None:
    for name, picture, masks in (("output", output, masks_output), ("photograph", style, masks_style)):
        if picture.shape[-2:] != masks.shape[-2:]:
            raise MediaError(
                f"the {name} is {tuple(picture.shape)} but its masks {tuple(masks.shape)}; resize the masks"
            )
    check_counterparts(masks_output, masks_style)
