"""The frames that follow their neighbors worst, gathered while a clip passes by, with maps of where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.judges.frames import Moment
from photovst.judges.steadiness import Steadiness, error_map
from photovst.media.images import encode_picture
from photovst.media.records import Picture
from photovst.media.tensors import to_picture

FULL = 0.1
"""The error shown in the brightest color, of values in [0, 1]: the same in all maps, so that they compare."""

APART = 5
"""Frames between two of the worst, at least: neighbors show the same fault."""


@dataclass
class WorstFrames:
    """Keeps the few worst frames of a clip.

    Args:
        most: how many.
    """

    most: int = 3
    found: list[tuple[float, int, bytes]] = field(default_factory=list)
    """Error (root of `stability_error`), frame and map (JPEG), the worst first."""

    def watch(self, moment: Moment, steadiness: Steadiness) -> None:
        """Look at a frame that was just measured."""
        error = steadiness.stability[-1][-1] ** 0.5
        if moment.near is None or not error > 0:
            return
        near = [each for each in self.found if moment.index - each[1] < APART]
        if any(error <= each[0] for each in near) or (
            not near and len(self.found) == self.most and error <= self.found[-1][0]
        ):
            return
        kept = [each for each in self.found if each not in near]
        kept.append((error, moment.index, _jpeg(moment)))
        self.found = sorted(kept, key=lambda each: -each[0])[: self.most]


def heat(picture: Picture, errors: NDArray[np.float32]) -> Picture:
    """A picture in dim gray with errors over it, dark to bright from 0 to ``FULL``; ``(H, W, 3)`` 8-bit RGB."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    level = np.clip(errors / FULL, 0, 1)
    color = cv2.applyColorMap((255 * level).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    # The faintest errors leave the picture to be seen, so that a reader knows where he is.
    weight = np.sqrt(level)[..., None]
    return np.asarray(0.4 * gray[..., None] * (1 - weight) + color * weight + 0.5, np.float32).astype(np.uint8)


def _jpeg(moment: Moment) -> bytes:
    errors = error_map(moment).cpu().numpy().astype(np.float32)
    return encode_picture(Path("heat.jpg"), heat(to_picture(moment.shown[-1:]), errors), None)
