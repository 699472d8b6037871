"""What guides one frame: its regions and, after the first of a shot, its motion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.ops.masks import normalize_masks
from photovst.ops.warp import warp


@dataclass(frozen=True)
class Guides:
    """Guides of one frame at the working size."""

    frame: Float[Tensor, "1 3 h w"]
    """The frame at the working size, RGB in [0, 1]."""
    masks: Float[Tensor, "1 k h w"]
    motion: FlowPair | None = None
    """Motion between the previous frame and this one; none for the first frame of a shot."""


def steady_masks(
    masks: Float[Tensor, "1 k h w"],
    previous: Float[Tensor, "1 k h w"],
    motion: FlowPair,
    persistence: float,
) -> Float[Tensor, "1 k h w"]:
    """Regions with a share of the last frame's carried along the flow, where that can be trusted.

    Args:
        masks: the frame's own regions.
        previous: the regions used for the last frame.
        motion: between the two.
        persistence: share carried over, in [0, 1].
    """
    carried = persistence * motion.certainty_to_previous
    return normalize_masks(torch.lerp(masks, warp(previous, motion.to_previous), carried).clamp_min(0))
