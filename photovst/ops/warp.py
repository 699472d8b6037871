"""Looking a picture up along a flow: the one place that says what a flow means.

A flow ``(B, 2, H, W)`` is in pixels, channel 0 to the right, channel 1 down, and lives on the grid of the
picture that is made: ``warp(previous, flow_to_previous)`` is seen from the current frame. Zero flow gives the
picture back bit by bit, and a whole-pixel flow shifts it exactly.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from photovst.errors import MediaError, SettingsError, did_you_mean
from photovst.ops.resize import resize
from photovst.types import Size


class Padding(Enum):
    """What a lookup outside the picture gives."""

    border = "border"
    zeros = "zeros"


def warp(
    image: Float[Tensor, "b c h w"],
    flow: Float[Tensor, "b 2 h w"],
    padding: Literal["border", "zeros"] = "border",
) -> Float[Tensor, "b c h w"]:
    """``image`` looked up bilinearly at ``p + flow(p)``; differentiable in both.

    Args:
        image: Any picture or stack of planes.
        flow: Pixels, on the grid of the result.
        padding: Outside the picture, ``border`` repeats its last pixel and ``zeros`` gives 0.

    Raises:
        SettingsError: the padding is unknown.
        MediaError: image and flow differ in size.
    """
    names = [option.value for option in Padding]
    if padding not in names:
        raise SettingsError(f"unknown padding {padding!r}; {did_you_mean(padding, names)}")
    _check_flow(flow, image)
    height, width = image.shape[-2:]
    x, y = positions(flow).unbind(1)
    if padding == Padding.border.value:
        x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    # grid_sample wants positions scaled to [-1, 1] and scales them back. Both roundings vanish when the size
    # is a power of two, so the picture is padded to one; nothing of the padding is seen that `zeros` would
    # not show.
    rows, columns = _power_of_two(height), _power_of_two(width)
    padded = functional.pad(image, (0, columns - width, 0, rows - height))
    # A view of two planes: writing x and y in turns would take as long as half the lookup.
    grid = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], dim=1).permute(0, 2, 3, 1)
    return functional.grid_sample(padded, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def positions(flow: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
    """Where each pixel looks, ``p + flow(p)``: x in channel 0, y in channel 1, the first pixel at 0."""
    height, width = flow.shape[-2:]
    x = torch.arange(width, dtype=flow.dtype, device=flow.device)
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)
    return flow + torch.stack(torch.meshgrid(x, y, indexing="xy"))


def inside(flow: Float[Tensor, "b 2 h w"]) -> Bool[Tensor, "b 1 h w"]:
    """Where the flow looks inside the picture, between its first and last pixel."""
    height, width = flow.shape[-2:]
    x, y = positions(flow).unbind(1)
    seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return seen[:, None]


def compose(flow_ab: Float[Tensor, "b 2 h w"], flow_bc: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
    """The flow from a to c, on a's grid; b to c is looked up where a's pixels land in b.

    Raises:
        MediaError: the flows differ in size.
    """
    return flow_ab + warp(flow_bc, flow_ab)


def resize_flow(flow: Float[Tensor, "b 2 h w"], size: Size) -> Float[Tensor, "b 2 new_h new_w"]:
    """The same motion at another size: resampled, and its values rescaled to the new pixels.

    Raises:
        SettingsError: the size is not positive.
    """
    height, width = flow.shape[-2:]
    scale = flow.new_tensor([size[1] / width, size[0] / height])
    return resize(flow, size) * scale[:, None, None]


def _power_of_two(length: int) -> int:
    return 1 << max(length - 1, 0).bit_length()


def _check_flow(flow: Tensor, image: Tensor) -> None:
    if flow.shape[1] != 2 or flow.shape[-2:] != image.shape[-2:] or flow.shape[0] != image.shape[0]:
        raise MediaError(
            f"the picture is {tuple(image.shape)} but the flow {tuple(flow.shape)}; "
            "give (batch, 2, height, width) of the picture's size, see resize_flow"
        )
