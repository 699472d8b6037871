"""What guides one frame: its regions and, after the first of a shot, its motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    motions: Mapping[int, FlowPair] = field(default_factory=dict)
    """By distance: motion between the frame so many before ("previous") and this one; none for a shot's first."""
    index: int = 0
    """The frame's number in its clip."""


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
