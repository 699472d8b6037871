"""Optical flow in KITTI's 16-bit PNG format [Geiger2013].

Red and green hold the flow to the right and down, ``2^15 + 64 v``; blue is 0 where there is none. So vectors go from
-512 to 511.98 pixels in steps of 1/64.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32

from photovst.errors import MediaError
from photovst.media.images import read_image, write_image

ZERO = 1 << 15
STEPS = 64.0
"""A pixel's."""

_COLOR_16_BITS = b"\x10\x02"
"""Bit depth and color type in a PNG's header, at byte 24."""


def read_kitti_flow(path: str | os.PathLike[str]) -> tuple[Float32[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
    """The flow of a KITTI PNG, in pixels, right and down, and where it is valid; elsewhere it is 0.

    Raises:
        MediaError: the file cannot be read, is cut off, or is no PNG of 16 bits a channel in color.
    """
    path = Path(path)
    picture = read_image(path)
    with path.open("rb") as stream:
        header = stream.read(26)
    if not header.startswith(b"\x89PNG") or header[24:26] != _COLOR_16_BITS:
        raise MediaError(
            f"{path} is not KITTI flow: that is a color PNG of 16 bits a channel; convert it, or give .flo"
        )
    valid = picture[..., 2] > 0
    flow = (picture[..., :2].astype(np.float32) - ZERO) / np.float32(STEPS)
    return np.where(valid[..., None], flow, np.float32(0)), valid


def write_kitti_flow(
    path: str | os.PathLike[str], flow: Float[np.ndarray, "h w 2"], valid: Bool[np.ndarray, "h w"] | None = None
) -> None:
    """Write ``flow`` (pixels, right and down), rounded to 1/64 pixel, whole or not at all.

    Args:
        path: a name that ends in .png.
        flow: what lies where it is not valid is not looked at.
        valid: where there is flow; everywhere when not given.

    Raises:
        MediaError: a vector is not a number or too long for the format, or the file cannot be written.
    """
    path = Path(path)
    if flow.ndim != 3 or flow.shape[2] != 2 or flow.size == 0:
        raise MediaError(f"a flow is (height, width, 2), this array {flow.shape}; give two values a pixel")
    if path.suffix.lower() != ".png":
        raise MediaError(f"KITTI flow is a PNG, but {path} was given; end its name in .png")
    seen = np.ones(flow.shape[:2], bool) if valid is None else valid
    if seen.shape != flow.shape[:2]:
        raise MediaError(f"the flow is {flow.shape[:2]} but 'valid' {seen.shape}; give both at one size")
    steps = np.rint(np.where(seen[..., None], flow, 0).astype(np.float64) * STEPS) + ZERO
    if not ((steps >= 0) & (steps <= 65535)).all():
        raise MediaError(
            f"{path}: KITTI's format holds vectors from -512 to 511.98 pixels, and this flow has others; write .flo"
        )
    write_image(path, np.dstack([steps.astype(np.uint16) * seen[..., None], seen.astype(np.uint16)]))
