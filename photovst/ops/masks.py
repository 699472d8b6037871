"""Soft region masks: ``(B, K, H, W)``, in [0, 1], summing to 1 over the K regions at every pixel."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.resize import resize
from photovst.types import Size

LEAST_AREA = 1e-3
"""Pixels below which a region has no area to speak of."""


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


def check_one_each(what: str, values: Tensor, masks: Tensor | None) -> None:
    """Refuse masks of another number than there are regions; one region needs none.

    Args:
        what: the values are called in the message.
        values: ``(b, k, n)``, some of each region.
        masks: ``(b, k, h, w)``.

    Raises:
        ValueError: there are several regions, but no masks, or another number of these.
    """
    regions = values.shape[1]
    if regions != (1 if masks is None else masks.shape[1]):
        given = "no masks" if masks is None else f"masks of {masks.shape[1]}"
        raise ValueError(f"{what} of {regions} regions, but {given}; give one mask a region")


def without_empty(masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
    """``masks`` in which a region with no area takes the whole picture: it has nothing of its own to measure."""
    return masks.where(masks.sum(dim=(2, 3), keepdim=True) > LEAST_AREA, 1.0)


def pixel_shares(masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k n"]:
    """What each pixel counts in the mean of each region, summing to 1; of one with no area, of the whole picture."""
    weights = without_empty(masks).flatten(2)
    return weights / weights.sum(dim=2, keepdim=True)


def areas(masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k"]:
    """Share of the picture that each region takes; they sum to 1."""
    return masks.mean(dim=(-2, -1))
