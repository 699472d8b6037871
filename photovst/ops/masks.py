"""Soft region masks: ``(B, K, H, W)``, in [0, 1], summing to 1 over the K regions at every pixel."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.resize import resize
from photovst.types import Size


def normalize_masks(masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
    """``masks`` scaled to sum to 1 at every pixel; a pixel no region claims is shared equally.

    Raises:
        MediaError: there is no region, or a value is negative or not a number.
    """
    regions = masks.shape[1]
    if regions == 0:
        raise MediaError(f"masks of shape {tuple(masks.shape)} hold no region; give at least one")
    if not bool((masks >= 0).all()):
        raise MediaError("the masks hold values below 0 or not a number; give memberships of 0 or more")
    total = masks.sum(dim=1, keepdim=True)
    claimed = total > 0
    # Two steps, so that an unclaimed pixel neither divides by 0 nor lets a NaN into the gradient.
    shares = masks / total.masked_fill(~claimed, 1)
    return shares.where(claimed, shares.new_tensor(1 / regions))


def resize_masks(masks: Float[Tensor, "b k h w"], size: Size) -> Float[Tensor, "b k new_h new_w"]:
    """``masks`` at another size: by area down, bilinearly up; they go on summing to 1, and down keeps areas.

    Raises:
        SettingsError: the size is not positive.
    """
    return resize(masks, size)


def areas(masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k"]:
    """Share of the picture that each region takes; they sum to 1."""
    return masks.mean(dim=(-2, -1))
