"""The certainty of a flow as a PGM of 8 bits, as the checker of [Ruder2016] writes it: 0 unreliable, 255 certain."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8

from photovst.errors import MediaError
from photovst.storage import write_atomic

_SPACE = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P5" + _SPACE + rb"(\d+)" + _SPACE + rb"(\d+)" + _SPACE + rb"(\d+)\s")
_LARGEST_SIDE = 1 << 16


def read_certainty(path: str | os.PathLike[str]) -> Float32[np.ndarray, "h w"]:
    """The certainty of a binary PGM, in [0, 1].

    Raises:
        MediaError: the file cannot be read, is no PGM of 8 bits, or is shorter or longer than its header says.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise MediaError(f"cannot read certainty {path}: {error.strerror}; check the path") from error
    header = _HEADER.match(data)
    if header is None:
        raise MediaError(f"{path} is not a binary PGM: it starts with {data[:4]!r}, not b'P5'")
    width, height, top = (int(digits[:9]) for digits in header.groups())
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE and 1 <= top <= 255):
        raise MediaError(f"{path} says it is {height}x{width} pixels up to {top}; certainty has 8 bits, up to 255")
    if len(data) - header.end() != width * height:
        raise MediaError(
            f"{path} holds {len(data) - header.end()} bytes but {height}x{width} pixels of certainty take"
            f" {width * height}; the file is damaged, write it again"
        )
    levels: UInt8[np.ndarray, "h w"] = np.frombuffer(data, np.uint8, offset=header.end()).reshape(height, width)
    return (levels.astype(np.float32) / np.float32(top)).clip(0, 1)


def write_certainty(path: str | os.PathLike[str], certainty: Float[np.ndarray, "h w"]) -> None:
    """Write certainty in [0, 1], rounded to 1/255, as a binary PGM, whole or not at all.

    Raises:
        MediaError: the array is no certainty, or the file cannot be written.
    """
    if certainty.ndim != 2 or certainty.size == 0 or not ((certainty >= 0) & (certainty <= 1)).all():
        raise MediaError(f"certainty is (height, width) in [0, 1], but {certainty.shape} was given, or other values")
    height, width = certainty.shape
    levels = np.rint(certainty.astype(np.float64) * 255).astype(np.uint8)
    try:
        write_atomic(Path(path), f"P5\n{width} {height}\n255\n".encode() + levels.tobytes())
    except OSError as error:
        raise MediaError(f"cannot write certainty {path}: {error.strerror}; check folder and space") from error
