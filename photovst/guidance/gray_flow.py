"""Flow methods that look at 8-bit luma, one pair at a time, as OpenCV's do: frames in, flow out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.color import rec601_luma

Gray = NDArray[np.uint8]
Method = Callable[[Gray, Gray], NDArray[np.float32]]
"""``method(first, second)``: two pictures ``(H, W)`` to the flow between them ``(H, W, 2)``."""


def check_pair(first: Tensor, second: Tensor) -> None:
    """Refuse frames that no flow can be computed of.

    Raises:
        MediaError: they differ in size, have no pixels, or hold values that are not numbers.
    """
    if first.shape != second.shape:
        raise MediaError(f"the first frame is {tuple(first.shape)} but the second {tuple(second.shape)}; resize one")
    height, width = first.shape[-2:]
    if height == 0 or width == 0:
        raise MediaError(f"frames of {height}x{width} pixels have no motion; give pictures with pixels")
    if not bool(first.isfinite().all() and second.isfinite().all()):
        raise MediaError("a frame holds values that are not finite numbers; flow needs RGB in [0, 1]")


def flow_of_gray(
    first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"], method: Method, least: int
) -> Float[Tensor, "b 2 h w"]:
    """Flow from ``first`` to ``second``, pixels, by a method on 8-bit luma. No gradient flows.

    Args:
        first: RGB in [0, 1].
        second: RGB in [0, 1], the same size.
        method: what computes it.
        least: pixels that the method needs a side; shorter ones are filled up with the last pixel.

    Raises:
        MediaError: the frames differ in size, or hold values that are not numbers.
    """
    check_pair(first, second)
    height, width = first.shape[-2:]
    pairs = zip(_gray_bytes(first, least), _gray_bytes(second, least), strict=True)
    flows = [method(a, b)[:height, :width] for a, b in pairs]
    stacked = np.stack(flows) if flows else np.zeros((0, height, width, 2), np.float32)
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous().to(first)


def _gray_bytes(frames: Tensor, least: int) -> list[Gray]:
    luma = rec601_luma(frames.detach())[:, 0]
    gray = (luma.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    height, width = gray.shape[1:]
    filling = ((0, 0), (0, max(least - height, 0)), (0, max(least - width, 0)))
    return list(np.ascontiguousarray(np.pad(gray, filling, mode="edge")))
