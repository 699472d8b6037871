"""Conditional instance normalization: one network for many styles, told apart by scales and shifts [Dumoulin2017]."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from photovst.ops.masks import check_one_each, resize_masks


def conditional_norm(
    features: Float[Tensor, "b c h w"],
    gamma: Float[Tensor, "b k c"],
    beta: Float[Tensor, "b k c"],
    masks: Float[Tensor, "b k _h _w"] | None = None,
    epsilon: float = 1e-5,
) -> Float[Tensor, "b c h w"]:
    """``gamma (x - mean) / deviation + beta``, mean and deviation of each channel over the picture.

    Args:
        features: of pictures.
        gamma: scales, of each region.
        beta: shifts, of each region.
        masks: of the regions, at any size, summing to 1: each place takes the mean of their scales and
            shifts; with none there is one region.
        epsilon: added to the variance.

    Raises:
        ValueError: there are several regions, but no masks, or another number of these.
    """
    check_one_each("scales", gamma, masks)
    normalized = F.instance_norm(features, eps=epsilon)
    if masks is None:
        return normalized * gamma[:, 0, :, None, None] + beta[:, 0, :, None, None]
    placed = resize_masks(masks, (features.shape[-2], features.shape[-1])).to(features.dtype).flatten(2)
    scale = (gamma.transpose(1, 2) @ placed).view_as(features)
    shift = (beta.transpose(1, 2) @ placed).view_as(features)
    return normalized * scale + shift
