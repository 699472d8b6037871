"""Where a flow can be trusted: consistency both ways, and motion boundaries [Sundaram2010, Ruder2016]."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from photovst.errors import MediaError, SettingsError, did_you_mean
from photovst.ops.warp import inside, warp

BLUR_SIGMA = 0.8
"""Pixels; grows occlusions outwards in the coded form."""

BLUR_RADIUS = 2
"""Pixels; found by experiment on published maps, as is the continuation of the picture by its mirror image."""


class CertaintyKind(Enum):
    """The paper's binary map, or the released program's, in which occlusions grow outwards."""

    paper = "paper"
    coded = "coded"


def forward_backward_certainty(
    flow: Float[Tensor, "b 2 h w"],
    flow_back: Float[Tensor, "b 2 h w"],
    kind: Literal["paper", "coded"] = "paper",
) -> Float[Tensor, "b 1 h w"]:
    """Certainty in [0, 1] of ``flow``, on its own grid.

    It is 0 where a pixel is occluded, on a motion boundary, or looks outside the picture. ``paper`` gives 0
    or 1. ``coded`` gives an occluded pixel -1, a motion boundary and a look outside 0, others 1, smooths that
    (sigma 0.8, 5x5 pixels) and clips, so that an occlusion takes its surroundings with it. Rounded down to gray
    levels of 1/255, that is pixel by pixel what the released program of [Ruder2016] writes for its flows; what it does
    with a pixel both occluded and looking outside, those do not tell.

    Args:
        flow: From this grid to the other picture, pixels.
        flow_back: From the other picture to this one, on the other picture's grid.
        kind: Which of the two.

    Raises:
        SettingsError: the kind is unknown.
        MediaError: the flows differ in size.
    """
    names = [option.value for option in CertaintyKind]
    if kind not in names:
        raise SettingsError(f"unknown certainty {kind!r}; {did_you_mean(kind, names)}")
    if flow.shape != flow_back.shape:
        raise MediaError(
            f"the flow is {tuple(flow.shape)} but the flow back {tuple(flow_back.shape)}; give both at one size"
        )
    occlusion, boundary, seen = occluded(flow, flow_back), motion_boundary(flow), inside(flow)
    if kind == CertaintyKind.paper.value:
        return (seen & ~occlusion & ~boundary).to(flow)
    signed = torch.ones_like(flow[:, :1])
    signed.masked_fill_(boundary, 0).masked_fill_(occlusion, -1).masked_fill_(~seen, 0)
    return _blurred(signed).clamp(0, 1)


def occluded(flow: Float[Tensor, "b 2 h w"], flow_back: Float[Tensor, "b 2 h w"]) -> Bool[Tensor, "b 1 h w"]:
    """Where there and back misses: ``|w + w~|^2 > 0.01 (|w|^2 + |w~|^2) + 0.5``, w~ looked up at p + w."""
    back = warp(flow_back, flow)
    return _squared(flow + back) > 0.01 * (_squared(flow) + _squared(back)) + 0.5


def motion_boundary(flow: Float[Tensor, "b 2 h w"]) -> Bool[Tensor, "b 1 h w"]:
    """Where the flow jumps: ``|grad u|^2 + |grad v|^2 > 0.01 |w|^2 + 0.002``, by central differences."""
    padded = functional.pad(flow, (1, 1, 1, 1), mode="replicate")
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    dy = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return _squared(dx) + _squared(dy) > 0.01 * _squared(flow) + 0.002


def _squared(vectors: Tensor) -> Tensor:
    return vectors.square().sum(dim=1, keepdim=True)


def _blurred(plane: Tensor) -> Tensor:
    """Gaussian blur of a picture continued by its mirror image."""
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=plane.dtype, device=plane.device)
    kernel = torch.exp(-0.5 * (offsets / BLUR_SIGMA) ** 2)
    kernel = kernel / kernel.sum()
    rows, columns = (_mirrored(n, BLUR_RADIUS).to(plane.device) for n in plane.shape[-2:])
    padded = plane.index_select(-2, rows).index_select(-1, columns)
    smooth = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return functional.conv2d(smooth, kernel.view(1, 1, -1, 1))


def _mirrored(length: int, radius: int) -> Tensor:
    """Indices of an axis continued by ``radius`` mirrored pixels at both ends, the outer ones repeated."""
    i = torch.arange(-radius, length + radius) % (2 * length)
    return torch.minimum(i, 2 * length - 1 - i)
