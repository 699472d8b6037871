"""Mean and deviation of colors, along axes that hardly depend on each other, given to another picture [Reinhard2001].

The axes are luma and two opponent colors: linear in RGB, where the original takes the logarithm of cone responses, so
that black and white stay what they are, and only arithmetic that every exporter knows.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.color import OPPONENT
from photovst.ops.masks import pixel_shares, resize_masks

MEASURES = 6
"""Numbers of a picture: a mean and a deviation along each axis."""

LEAST_DEVIATION = 0.01
"""Below it a picture is flat, and its noise is not raised."""


def color_measures(
    picture: Float[Tensor, "b 3 h w"], masks: Float[Tensor, "b k _h _w"] | None = None
) -> Float[Tensor, "b k 6"]:
    """Means and deviations of the colors of each region, or of the whole picture.

    Args:
        picture: RGB in [0, 1].
        masks: of the regions, at any size; one with no area counts as the whole picture.
    """
    axes = _turned(picture, picture.new_tensor(OPPONENT)).flatten(2)
    shares = _shares(picture, masks)
    mean = shares @ axes.transpose(1, 2)
    square = shares @ axes.square().transpose(1, 2)
    return torch.cat([mean, (square - mean.square()).clamp_min(0).add(LEAST_DEVIATION**2).sqrt()], dim=2)


def with_colors(
    picture: Float[Tensor, "b 3 h w"],
    measures: Float[Tensor, "b k 6"],
    masks: Float[Tensor, "b k _h _w"] | None = None,
) -> Float[Tensor, "b 3 h w"]:
    """The picture with these means and deviations, region by region, in [0, 1].

    Args:
        picture: RGB in [0, 1].
        measures: wanted, see `color_measures`.
        masks: of the regions, at any size, summing to 1; none where there is one region.
    """
    own = color_measures(picture, masks)
    gain = measures[..., 3:] / own[..., 3:]
    offset = measures[..., :3] - gain * own[..., :3]
    axes = _turned(picture, picture.new_tensor(OPPONENT))
    if masks is None:
        placed = gain[:, 0, :, None, None] * axes + offset[:, 0, :, None, None]
    else:
        at_size = resize_masks(masks, (picture.shape[-2], picture.shape[-1])).to(picture.dtype)
        gains, offsets = (torch.einsum("bkhw,bkc->bchw", at_size, each) for each in (gain, offset))
        placed = gains * axes + offsets
    return _turned(placed, torch.linalg.inv(torch.tensor(OPPONENT, dtype=torch.float64)).to(picture)).clamp(0, 1)


def _shares(picture: Tensor, masks: Tensor | None) -> Tensor:
    """Weights of each pixel in each region, summing to 1."""
    if masks is None:
        pixels = picture.shape[-2] * picture.shape[-1]
        return picture.new_full((len(picture), 1, pixels), 1 / pixels)
    return pixel_shares(resize_masks(masks, (picture.shape[-2], picture.shape[-1])).to(picture.dtype))


def _turned(picture: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix, picture)
