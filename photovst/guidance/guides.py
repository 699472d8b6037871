"""What guides one frame: its regions and, after the first of a shot, its motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.cache import GuideCache
from photovst.guidance.flow import FlowPair, flow_pair
from photovst.ops.masks import normalize_masks
from photovst.ops.warp import warp
from photovst.storage import Arrays


@dataclass(frozen=True)
class Guides:
    """Guides of one frame at the working size."""

    frame: Float[Tensor, "1 3 h w"]
    """The frame at the working size, RGB in [0, 1]."""
    masks: Float[Tensor, "1 k h w"]
    motion: FlowPair | None = None
    """Motion between the previous frame and this one; none for the first frame of a shot."""


def motion_between(
    previous: Float[Tensor, "1 3 h w"],
    current: Float[Tensor, "1 3 h w"],
    cache: GuideCache | None,
    certainty: Literal["paper", "coded"] = "coded",
) -> FlowPair:
    """DIS flow both ways with its certainty, through the cache where there is one.

    Flow is rounded to half floats and certainty to bytes with or without a cache, so that both give the same result.
    """

    def compute() -> Arrays:
        pair = flow_pair(previous, current, certainty)
        return {
            "to_previous": pair.to_previous.cpu().numpy().astype(np.float16),
            "to_next": pair.to_next.cpu().numpy().astype(np.float16),
            "certainty_to_previous": _to_bytes(pair.certainty_to_previous),
            "certainty_to_next": _to_bytes(pair.certainty_to_next),
        }

    kind = f"dis medium 0, {certainty}, 1"
    arrays = compute() if cache is None else cache.get(kind, (previous, current), compute)
    return FlowPair(
        torch.from_numpy(arrays["to_previous"]).to(current),
        torch.from_numpy(arrays["certainty_to_previous"]).to(current) / 255,
        torch.from_numpy(arrays["to_next"]).to(current),
        torch.from_numpy(arrays["certainty_to_next"]).to(current) / 255,
    )


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


def _to_bytes(certainty: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return (certainty * 255).round().cpu().numpy().astype(np.uint8)
