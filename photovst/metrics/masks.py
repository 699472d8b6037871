"""Steadiness of region masks: protocol ``mask_flicker``."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.warp import inside, warp


def mask_flicker(
    masks: Float[Tensor, "b k h w"],
    previous: Float[Tensor, "b k h w"],
    flow_to_previous: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, " b"]:
    """Share of pixels whose label changes along the flow, ``sum(M [k_t != k_t-1]) / sum(M)``, of each pair.

    A pixel's label is its largest mask; the previous one is that of the previous masks, warped. M is the
    certainty where the flow looks inside the picture. NaN for a pair where that is nowhere.

    Raises:
        MediaError: masks, flow and certainty do not fit together.
    """
    batch, _, height, width = masks.shape
    fits = masks.shape == previous.shape and flow_to_previous.shape == (batch, 2, height, width)
    if not (fits and certainty.shape == (batch, 1, height, width)):
        raise MediaError(
            f"masks {tuple(masks.shape)} and {tuple(previous.shape)}, flow {tuple(flow_to_previous.shape)} "
            f"and certainty {tuple(certainty.shape)} do not fit; give all at one size, with the same regions"
        )
    changed = _labels(masks) != _labels(warp(previous, flow_to_previous))
    weight = certainty * inside(flow_to_previous)
    return torch.sum(weight * changed, dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))


def _labels(masks: Float[Tensor, "b k h w"]) -> Int[Tensor, "b 1 h w"]:
    """The largest mask of each pixel, the first of several."""
    # On a CPU ten times as fast as argmax over planes.
    return masks.max(dim=1, keepdim=True).indices
