"""Optical flow in Middlebury's .flo format [Baker2011].

A file is the float32 202021.25 (its bytes spell PIEH), width and height as int32, then float32 pairs (right,
down) row by row, all little-endian.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from photovst.errors import MediaError
from photovst.storage import write_atomic

MAGIC = b"PIEH"
_HEADER = 12
_LARGEST_SIDE = 1 << 16


def read_flow(path: str | os.PathLike[str]) -> Float32[np.ndarray, "h w 2"]:
    """The flow of a .flo file, in pixels: ``[..., 0]`` to the right, ``[..., 1]`` down.

    Raises:
        MediaError: the file cannot be read, is not a .flo file, or is shorter or longer than its header says.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise MediaError(f"cannot read flow {path}: {error.strerror}; check the path") from error
    if data[:4] != MAGIC:
        raise MediaError(f"{path} is not a .flo file: it starts with {data[:4]!r}, not {MAGIC!r}")
    if len(data) < _HEADER:
        raise MediaError(f"{path} is cut off after {len(data)} bytes; the file is damaged, write it again")
    width, height = (int(side) for side in np.frombuffer(data, "<i4", count=2, offset=4))
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise MediaError(f"{path} says it is {height}x{width} pixels; the file is damaged, write it again")
    expected = _HEADER + 8 * width * height
    if len(data) != expected:
        raise MediaError(
            f"{path} holds {len(data)} bytes but {height}x{width} pixels of flow take {expected}; "
            "the file is damaged, write it again"
        )
    flow = np.frombuffer(data, "<f4", offset=_HEADER).reshape(height, width, 2)
    return flow.astype(np.float32)  # native order, and a copy that may be written to


def write_flow(path: str | os.PathLike[str], flow: Float[np.ndarray, "h w 2"]) -> None:
    """Write ``flow`` (pixels, right and down) as a .flo file, under a temporary name first.

    Raises:
        MediaError: the array is not a flow, or the file cannot be written.
    """
    if flow.ndim != 3 or flow.shape[2] != 2 or flow.size == 0:
        raise MediaError(f"a flow is (height, width, 2), this array {flow.shape}; give two values a pixel")
    size = np.array([flow.shape[1], flow.shape[0]], "<i4").tobytes()
    try:
        write_atomic(Path(path), MAGIC + size + np.ascontiguousarray(flow, "<f4").tobytes())
    except OSError as error:
        raise MediaError(f"cannot write flow {path}: {error.strerror}; check folder and space") from error
