"""The plane a layer is painted on: linear premultiplied color and labels, developed into a finished layer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.media.scene_layers import Layer
from photovst.media.scene_looks import Light, tone
from photovst.media.scene_noise import Array, white_noise

LABELS: tuple[str, ...] = ("sky", "mountain", "vegetation", "ground", "building", "water", "moving object")
"""Names of the region labels; a pixel's label is an index into this tuple."""

SKY, MOUNTAIN, VEGETATION, GROUND, BUILDING, WATER, MOVING = range(len(LABELS))


LENS_BLUR = 0.45
"""Standard deviation, in pixels."""
STEEPENING = 1.7


@dataclass(frozen=True)
class Stage:
    """What every painter needs: resolution, seed, light, and where the sun and the waterline stand.

    World units are frame heights; world point ``(x, y)`` is pixel ``(x, y) * height`` before anything moves.
    """

    height: int
    aspect: float
    seed: int
    light: Light
    sun: tuple[float, float]
    waterline: float

    def facing(self, x: Array | float) -> Array:
        """From -1 to 1: how far the sun stands to the right of world column ``x``."""
        return np.asarray(np.clip((self.sun[0] - np.asarray(x, np.float32)) * 1.8, -1, 1), np.float32)


class Canvas:
    """A window of the world, in pixels, that painters draw on back to front."""

    def __init__(self, stage: Stage, x0: int, x1: int, y0: int, y1: int) -> None:
        self.stage, self.x0, self.y0 = stage, x0, y0
        self.color = np.zeros((y1 - y0, x1 - x0, 4), np.float32)
        self.label = np.zeros((y1 - y0, x1 - x0), np.uint8)

    def blend(self, patch: Array, label: int | NDArray[np.uint8], x: int, y: int) -> None:
        """Lay a premultiplied RGBA patch over the canvas, its top left at world pixel ``(x, y)``."""
        r, c = y - self.y0, x - self.x0
        top, left = max(-r, 0), max(-c, 0)
        patch = patch[top : max(self.color.shape[0] - r, 0), left : max(self.color.shape[1] - c, 0)]
        if not patch.size:
            return
        box = (slice(r + top, r + top + patch.shape[0]), slice(c + left, c + left + patch.shape[1]))
        self.color[box] *= 1 - patch[..., 3:]
        self.color[box] += patch
        solid = patch[..., 3] >= 0.5
        mine = label if isinstance(label, int) else label[top:, left:][: patch.shape[0], : patch.shape[1]][solid]
        self.label[box][solid] = mine

    def finished(self, name: str, depth: float, seed: int) -> Layer:
        """See it through the air at ``depth``, develop it, and add a fine grain, so that nothing is flat."""
        stage, light = self.stage, self.stage.light
        rows, columns = self.label.shape
        # A lens' softness: the layer can then be sampled between pixels without loss. Opacity is steepened
        # back, so that few pixels show two layers, which move differently, at once.
        seen = cv2.GaussianBlur(self.color, (0, 0), LENS_BLUR)
        color = seen[..., :3] / np.maximum(seen[..., 3:], 1e-4)
        opacity = np.clip((seen[..., 3:] - 0.5) * STEEPENING + 0.5, 0, 1)
        if depth > 0:
            y = (np.arange(self.y0, self.y0 + rows, dtype=np.float32) + 0.5)[:, None] / stage.height
            x = (np.arange(self.x0, self.x0 + columns, dtype=np.float32) + 0.5)[None, :] / stage.height
            low = np.exp(-np.square((y - stage.waterline) / 0.11)) * light.mist * min(depth / 4, 1.5)
            through = np.exp(-light.extinction * depth - low)[..., None]
            near = np.exp(-np.hypot(x - stage.sun[0], (y - stage.sun[1]) * 1.2) / light.glow_width)[..., None]
            air = np.asarray(light.air, np.float32) + near * np.asarray(light.glow, np.float32) * np.float32(0.45)
            color = color * through + air * (1 - through)
        display = tone(color * np.float32(light.exposure))
        noise = white_noise(seed, self.x0, self.y0, rows, columns)
        noise += white_noise(seed + 1, self.x0, self.y0, rows, columns)
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * np.float32(2.4 / 255)
        display = np.clip(display + noise[..., None], 0, 1)
        rgba = np.concatenate([display, np.ones_like(opacity)], axis=2) * opacity
        return Layer(name, np.round(rgba * 255).astype(np.uint8), self.label, self.x0, self.y0)
