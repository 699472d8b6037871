"""A procedural painting: short strokes of thick paint that follow a swirling field, in a palette of few colors.

It is the style image of the project's own painterly network: made from a seed, so that nobody's picture is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.errors import SettingsError
from photovst.media.scene_noise import Array, fractal_noise
from photovst.types import Size

MINIMUM_SIDE = 32


class Palette(Enum):
    """Colors of a painting, sRGB in [0, 255], dark to light."""

    night = ((18, 24, 66), (30, 58, 122), (52, 104, 168), (112, 160, 190), (226, 186, 74), (250, 236, 170))
    harvest = ((58, 30, 24), (128, 52, 30), (190, 92, 36), (222, 150, 56), (238, 204, 120), (150, 172, 140))
    garden = ((24, 44, 36), (40, 92, 62), (96, 142, 70), (178, 186, 96), (214, 120, 132), (244, 232, 214))


@dataclass(frozen=True)
class Brush:
    """How strokes are made. Lengths in picture heights.

    Args:
        length: of a stroke.
        width: of a stroke.
        coverage: how many times strokes would cover the picture; above 2 nothing of the ground is left.
        relief: how much brighter and darker the ridges of the paint are, in [0, 1].
        variety: standard deviation of a stroke's color about that of the palette, in [0, 1].
    """

    length: float = 0.10
    width: float = 0.016
    coverage: float = 5.0
    relief: float = 0.22
    variety: float = 0.06


def painting(seed: int, size: Size, palette: Palette = Palette.night, brush: Brush | None = None) -> NDArray[np.uint8]:
    """A painting, ``(H, W, 3)`` RGB; the same for the same arguments.

    Raises:
        SettingsError: the seed is negative, or a side too short.
    """
    if seed < 0:
        raise SettingsError(f"a painting's seed must not be negative, got {seed}: choose 0 or more")
    if min(size) < MINIMUM_SIDE:
        raise SettingsError(f"a painting's size is (height, width) of at least {MINIMUM_SIDE} pixels each, got {size}")
    brush = brush or Brush()
    height, width = size
    # Painted twice as large and brought down: edges of strokes are smooth.
    rows, columns = 2 * height, 2 * width
    y, x = _axis(rows, rows), _axis(columns, rows)
    angle = _swirls(x, y, seed)
    tone = _tone(x, y, seed)
    rng = np.random.default_rng([seed, 77])
    colors = np.asarray(palette.value, dtype=np.float32)
    ground = colors[np.clip((tone * len(colors)).astype(int), 0, len(colors) - 1)]
    canvas = np.ascontiguousarray(0.7 * ground)
    relief = np.zeros((rows, columns), dtype=np.float32)
    count = int(brush.coverage / (brush.length * brush.width) * columns / rows)
    places = rng.random((count, 2)) * (rows, columns)
    for row, column in places:
        path = _path(angle, row, column, brush, rows)
        shade = np.clip(tone[int(row), int(column)] + rng.normal(0, 0.06), 0, 0.999)
        color = colors[int(shade * len(colors))] + rng.normal(0, 255 * brush.variety, 3) + rng.normal(0, 8)
        _stroke(canvas, relief, path, np.clip(color, 0, 255), brush, rows, rng)
    lit = canvas * (1 + brush.relief * relief[..., None])
    small = cv2.resize(np.clip(lit, 0, 255), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(small), dtype=np.uint8)


def _axis(pixels: int, rows: int) -> Array:
    return np.asarray(np.arange(pixels) / rows, dtype=np.float32)


def _swirls(x: Array, y: Array, seed: int) -> Array:
    """The direction of strokes: along the contours of smooth noise, so that they close in whirls."""
    hills = fractal_noise(4 * seed, x, y, cell=0.45, octaves=2)
    down, across = np.gradient(hills)
    return np.asarray(np.arctan2(across, -down), dtype=np.float32)


def _tone(x: Array, y: Array, seed: int) -> Array:
    """Dark to light in [0, 1): evenly spread, so that every color of the palette has its share."""
    waves = fractal_noise(4 * seed + 1, x, y, cell=0.6, octaves=2, gain=0.6)
    ranks = np.empty(waves.size, dtype=np.float32)
    ranks[np.argsort(waves, axis=None, kind="stable")] = np.arange(waves.size, dtype=np.float32) / waves.size
    return ranks.reshape(waves.shape)


def _path(angle: Array, row: float, column: float, brush: Brush, rows: int) -> NDArray[np.float64]:
    """Points of a stroke, ``(n, 2)`` as (x, y), along the field."""
    step = brush.length * rows / 8
    points = [(column, row)]
    for _ in range(8):
        i, j = int(row), int(column)
        if not (0 <= i < angle.shape[0] and 0 <= j < angle.shape[1]):
            break
        row, column = row + step * np.sin(angle[i, j]), column + step * np.cos(angle[i, j])
        points.append((column, row))
    return np.asarray(points)


def _stroke(
    canvas: Array,
    relief: Array,
    path: NDArray[np.float64],
    color: NDArray[np.float64],
    brush: Brush,
    rows: int,
    rng: np.random.Generator,
) -> None:
    """Paint a stroke: a band of color, and in it the ridges that the bristles leave."""
    if len(path) < 2:
        return
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-6)[:, None]
    thick = max(2, round(brush.width * rows * rng.uniform(0.6, 1.3)))
    whole = np.rint(path).astype(np.int32)[:, None]
    cv2.polylines(canvas, [whole], isClosed=False, color=tuple(map(float, color)), thickness=thick)
    cv2.polylines(relief, [whole], isClosed=False, color=0.0, thickness=thick)
    for side in np.linspace(-0.42, 0.42, max(3, thick // 3)):
        ridge = np.rint(path + across * side * thick).astype(np.int32)[:, None]
        height = float(np.clip(rng.normal(-0.9 * side, 0.45), -1, 1))  # light from one side
        cv2.polylines(relief, [ridge], isClosed=False, color=height, thickness=max(1, thick // 8))
