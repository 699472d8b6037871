"""Pushing a picture along a flow, and filling the holes that it leaves by pull-push [Gortler1996].

`photovst.ops.warp` looks a picture up from the grid of the result; here each pixel is sent where its own motion takes
it. No gradient flows.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops.resize import resize
from photovst.ops.warp import positions


@torch.no_grad()
def splat(
    image: Float[Tensor, "b c h w"], flow_to_next: Float[Tensor, "b 2 h w"]
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b 1 h w"]]:
    """``image`` pushed to ``p + flow_to_next(p)``, and how much of it arrived at each pixel.

    A pixel gives its value to the four around its target, by bilinear weights; what meets is averaged by weight, for
    nothing says which is in front. ``pushed * weight`` sums to the image over all pixels that stay inside. Zero flow
    gives the picture back bit by bit with weight 1, and whole pixels shift it exactly. The same input gives the same
    bits, on a GPU by a sort, which is slower than adding in any order.

    Args:
        image: Any picture or stack of planes.
        flow_to_next: Pixels, on the grid of ``image``.

    Returns:
        The pushed picture, 0 where nothing arrived, and the weight: 0 there, 1 where one pixel's worth did, and
        more where motion converges.

    Raises:
        MediaError: image and flow differ in size.
    """
    batch, channels, height, width = image.shape
    if flow_to_next.shape != (batch, 2, height, width):
        raise MediaError(
            f"the picture is {tuple(image.shape)} but the flow {tuple(flow_to_next.shape)}; "
            "give (batch, 2, height, width) of the picture's size, see resize_flow"
        )
    x, y = positions(flow_to_next).unbind(1)
    left, top = x.floor(), y.floor()
    first = torch.arange(batch, device=image.device).view(-1, 1, 1) * (height * width)
    values = torch.cat([image, torch.ones_like(image[:, :1])], dim=1).movedim(1, -1).reshape(-1, channels + 1)
    total = torch.zeros_like(values)
    for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
        for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            place = first + row.where(inside, 0).long() * width + column.where(inside, 0).long()
            share = (across * down).where(inside, 0)
            _add(total, place.flatten(), values * share.view(-1, 1))
    total = total.view(batch, height, width, channels + 1).movedim(-1, 1)
    weight = total[:, -1:]
    return total[:, :-1] / weight.where(weight > 0, 1), weight.contiguous()


@torch.no_grad()
def fill_holes(
    image: Float[Tensor, "b c h w"], weight: Float[Tensor, "b 1 h w"], threshold: float = 0.1
) -> Float[Tensor, "b c h w"]:
    """``image`` with its holes filled from around them; the other pixels stay bit by bit.

    A hole is seen at ever coarser sizes, each half the one before and the mean of what is known in it, until
    something is known there; going back, each size takes what it lacks from the coarser one. The fill stays between
    the values around the hole, is sharp next to it and smooth in its middle. The same input gives the same bits.

    Args:
        image: What `splat` gives, or any picture.
        weight: How much is known of each pixel.
        threshold: Pixels with less weight than this, or none, are holes.

    Returns:
        The filled picture; a picture that is all hole stays as it is, for nothing is around it.

    Raises:
        SettingsError: the threshold is below 0.
        MediaError: image and weight differ in size.
    """
    if not threshold >= 0:
        raise SettingsError(f"the threshold of holes is {threshold}; give a number of 0 or more")
    if weight.shape != (image.shape[0], 1, *image.shape[-2:]):
        raise MediaError(
            f"the picture is {tuple(image.shape)} but its weight {tuple(weight.shape)}; give one of the same size"
        )
    known = (weight >= threshold) & (weight > 0)
    if bool(known.all()) or image.numel() == 0:
        return image.clone()
    filled = _pull_push(image * known, known.to(image))
    return filled.where(~known & known.any(dim=(1, 2, 3), keepdim=True), image)


def _pull_push(image: Tensor, known: Tensor) -> Tensor:
    """The picture completed; ``known`` is the share of each pixel that is, and the image 0 where it is none."""
    height, width = image.shape[-2:]
    if height == 1 and width == 1:
        return image
    half = ((height + 1) // 2, (width + 1) // 2)
    share = resize(known, half)
    mean = resize(image * known, half) / share.where(share > 0, 1)
    # One known pixel of the four makes a coarse one known: its own mean is nearer than anything coarser.
    coarse = _pull_push(mean, (4 * share).clamp_max(1))
    return image * known + resize(coarse, (height, width)) * (1 - known)


def _add(total: Tensor, places: Tensor, values: Tensor) -> None:
    """Add rows of ``values`` to rows of ``total``, in an order that is always the same."""
    if total.is_cuda:
        # index_add_ would add in the order in which threads arrive; this one sorts by place first.
        total.index_put_((places,), values, accumulate=True)
    else:
        total.index_add_(0, places, values)
