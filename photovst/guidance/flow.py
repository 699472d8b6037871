"""Optical flow between neighbouring frames by Dense Inverse Search [Kroeger2016], and how far to trust it.

Preset and scale were chosen by mean end-point error (pixels, MPI-Sintel alley_1, cave_2, market_5, clean /
final) and time a flow on one thread:

    width  preset, finest scale   clean  final   ms
      320  fast, 2                 3.18   2.90    1
      320  medium, 1               3.23   2.42    4
      320  medium, 0               3.10   2.22   17
      640  fast, 2                 6.01   4.92    3
      640  medium, 1               6.06   4.47   17
      640  medium, 0               5.49   3.80   70
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops.certainty import forward_backward_certainty
from photovst.ops.color import rec601_luma

_SMALLEST_SIDE = 16
"""Smaller pictures are filled up to this: DIS refuses those under 12 pixels and crashes on some thin ones."""


@dataclass(frozen=True)
class FlowPair:
    """Motion between two neighbouring frames, both ways, each with its certainty in [0, 1]."""

    to_previous: Float[Tensor, "b 2 h w"]
    """From the current frame to the previous one, on the current frame's grid."""
    certainty_to_previous: Float[Tensor, "b 1 h w"]
    to_next: Float[Tensor, "b 2 h w"]
    """From the previous frame to the current one, on the previous frame's grid."""
    certainty_to_next: Float[Tensor, "b 1 h w"]


def dis_flow(
    first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"], finest_scale: int = 0
) -> Float[Tensor, "b 2 h w"]:
    """Flow from ``first`` to ``second``, in pixels, on the grid of ``first``.

    ``second`` warped by it looks like ``first``. DIS sees 8-bit luma. The result does not depend on the
    number of threads. No gradient flows.

    Args:
        first: RGB in [0, 1].
        second: RGB in [0, 1], the same size.
        finest_scale: Where the search stops; each step up halves the detail and takes a quarter of the time.

    Raises:
        MediaError: the frames differ in size, or hold values that are not numbers.
        SettingsError: the scale is below 0 or above 3.
    """
    if first.shape != second.shape:
        raise MediaError(f"the first frame is {tuple(first.shape)} but the second {tuple(second.shape)}; resize one")
    if not 0 <= finest_scale <= 3:
        raise SettingsError(f"the finest scale of DIS flow is {finest_scale}; give 0 (full detail) to 3")
    height, width = first.shape[-2:]
    if height == 0 or width == 0:
        raise MediaError(f"frames of {height}x{width} pixels have no motion; give pictures with pixels")
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    engine.setFinestScale(finest_scale)
    least = _SMALLEST_SIDE << finest_scale
    flows = [
        engine.calc(a, b, np.empty(0, np.float32))[:height, :width]  # no flow to start from
        for a, b in zip(_gray_bytes(first, least), _gray_bytes(second, least), strict=True)
    ]
    stacked = np.stack(flows) if flows else np.zeros((0, height, width, 2), np.float32)
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous().to(first)


def flow_pair(
    previous: Float[Tensor, "b 3 h w"],
    current: Float[Tensor, "b 3 h w"],
    certainty: Literal["paper", "coded"] = "coded",
    finest_scale: int = 0,
) -> FlowPair:
    """DIS flow between two neighbouring frames both ways, each held against the other for its certainty.

    Raises:
        MediaError: the frames differ in size, or hold values that are not numbers.
        SettingsError: the scale or the kind of certainty is unknown.
    """
    to_previous = dis_flow(current, previous, finest_scale)
    to_next = dis_flow(previous, current, finest_scale)
    return FlowPair(
        to_previous,
        forward_backward_certainty(to_previous, to_next, certainty),
        to_next,
        forward_backward_certainty(to_next, to_previous, certainty),
    )


def _gray_bytes(frames: Tensor, least: int) -> list[NDArray[np.uint8]]:
    """8-bit luma of each frame; a side shorter than ``least`` is filled up with its last pixel."""
    luma = rec601_luma(frames.detach())[:, 0]
    if not bool(luma.isfinite().all()):
        raise MediaError("a frame holds values that are not finite numbers; flow needs RGB in [0, 1]")
    gray = (luma.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    height, width = gray.shape[1:]
    filling = ((0, 0), (0, max(least - height, 0)), (0, max(least - width, 0)))
    return list(np.ascontiguousarray(np.pad(gray, filling, mode="edge")))
