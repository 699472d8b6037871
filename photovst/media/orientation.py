"""Display matrices (ISO/IEC 14496-12, ``tkhd``): rotation and mirroring stored beside the pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from photovst.media.records import Picture
from photovst.types import Size


@dataclass(frozen=True)
class Orientation:
    """Transpose first, then mirror left-right and top-bottom: the eight ways a picture can lie."""

    transpose: bool = False
    mirror: bool = False
    flip: bool = False

    def size(self, stored: Size) -> Size:
        """The displayed size of a picture stored with size ``stored``."""
        return (stored[1], stored[0]) if self.transpose else stored

    def apply(self, picture: Picture) -> Picture:
        """The picture as displayed."""
        if self.transpose:
            picture = np.asarray(cv2.transpose(picture))
        if self.mirror or self.flip:
            code = -1 if self.mirror and self.flip else 1 if self.mirror else 0
            picture = np.asarray(cv2.flip(picture, code))
        return picture


def orientation_of(matrix: bytes) -> Orientation | None:
    """The orientation a display matrix asks for; None where it is no quarter turn.

    The matrix is nine native 32-bit integers, and takes a point to ``x' = a x + c y``, ``y' = b x + d y``.
    """
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    if a and d and not (b or c):
        return Orientation(False, a < 0, d < 0)
    if b and c and not (a or d):
        return Orientation(True, c < 0, b < 0)
    return None
