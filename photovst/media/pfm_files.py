"""Floating-point pictures in Debevec's portable float map, as the flow of [Mayer2016] is published.

A file is ``PF`` (color) or ``Pf`` (gray), width and height, and a scale, in text with white space between; then float32
samples row by row from the bottom row up. They are little-endian where the scale is negative. Its size, a unit of
brightness, is 1 in the files of flow and is not applied.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from photovst.errors import MediaError
from photovst.storage import write_atomic

_HEADER = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.0-9eE]{1,32})(?:\r\n|\s)")
_LARGEST_SIDE = 1 << 16


def read_pfm(path: str | os.PathLike[str]) -> Float32[np.ndarray, "h w c"]:
    """The samples of a PFM as they are stored, the top row first: three channels of color, or one of gray.

    Raises:
        MediaError: the file cannot be read, is no PFM, or is shorter or longer than its header says.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}; check the path") from error
    if data[:2] not in (b"PF", b"Pf"):
        raise MediaError(f"{path} is not a PFM: it starts with {data[:2]!r}, not b'PF' or b'Pf'")
    header = _HEADER.match(data)
    scale = _number(header[4]) if header else 0.0
    if header is None or scale == 0 or not math.isfinite(scale):
        raise MediaError(f"{path} has no width, height and scale after {data[:2]!r}; it is damaged, get it again")
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"PF" else 1
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise MediaError(f"{path} says it is {width}x{height} pixels; the file is damaged, get it again")
    size, expected = len(data) - header.end(), 4 * width * height * channels
    if size != expected:
        raise MediaError(
            f"{path} holds {size} bytes of samples but {width}x{height} pixels of {channels} take {expected};"
            " the file is damaged, get it again"
        )
    samples = np.frombuffer(data, "<f4" if scale < 0 else ">f4", offset=header.end())
    return samples.reshape(height, width, channels)[::-1].astype(np.float32)  # native order, and a copy


def read_pfm_flow(path: str | os.PathLike[str]) -> Float32[np.ndarray, "h w 2"]:
    """The flow of a PFM, in pixels: ``[..., 0]`` to the right, ``[..., 1]`` down; the third channel is unused.

    Raises:
        MediaError: as for `read_pfm`, or the picture is gray.
    """
    samples = read_pfm(path)
    if samples.shape[2] != 3:
        raise MediaError(f"{path} is a gray PFM, such as disparity; flow has three channels, give a file of flow")
    return samples[..., :2].copy()


def write_pfm(path: str | os.PathLike[str], samples: Float[np.ndarray, "h w c"]) -> None:
    """Write samples of one or three channels as a little-endian PFM, whole or not at all.

    Raises:
        MediaError: the array has other channels, or the file cannot be written.
    """
    if samples.ndim != 3 or samples.shape[2] not in (1, 3) or samples.size == 0:
        raise MediaError(f"a PFM holds (height, width, 1 or 3), this array is {samples.shape}; give that")
    kind = "PF" if samples.shape[2] == 3 else "Pf"
    header = f"{kind}\n{samples.shape[1]} {samples.shape[0]}\n-1.0\n".encode("ascii")
    try:
        write_atomic(Path(path), header + np.ascontiguousarray(samples[::-1], "<f4").tobytes())
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror}; check folder and space") from error


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
