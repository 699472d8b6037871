"""Relief: a height field seen obliquely, shaded, textured and painted onto a layer.

Mountains, hills and meadows are real height fields over (x, depth); seen under a parallel projection they
stay rigid when the camera pans, yet have slopes, hidden valleys, snow lines and foreshortened grass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from photovst.media.scene_canvas import Canvas
from photovst.media.scene_noise import Array

Grid = NDArray[np.float64]
HeightField = Callable[[Grid, Grid], Array]
"""``(xs, zs) -> (len(zs), len(xs))`` heights; x to the right, z away from us, all in frame heights."""


@dataclass(frozen=True)
class Ground:
    """What a material sees of the height field, on the grid of ``zs`` x ``xs``."""

    xs: Grid
    zs: Grid
    height: Array
    sunlit: Array
    """Direct light: 0 in shadow or facing away, up to 1."""
    open: Array
    """Share of the sky that is seen: hollows are darker than crests."""
    steep: Array
    """Slope as the upward part of the normal: 1 level, 0 vertical."""


Material = Callable[[Ground], tuple[Array, NDArray[np.uint8]]]
"""``ground -> (radiance (Z, X, 3), label (Z, X))``."""


@dataclass(frozen=True)
class Relief:
    """A height field and how it stands in the picture."""

    height: HeightField
    material: Material
    base: float
    """World y of height 0 at depth 0."""
    depth: float
    tilt: float
    """How far a unit of depth rises in the picture: the sine of the view's elevation."""
    shadow_reach: float = 0.3


def paint_relief(canvas: Canvas, relief: Relief, oversample: int = 2) -> None:
    """Render a relief over the canvas, in strips of columns so that memory stays bounded."""
    height = canvas.stage.height
    strip = max(int(1.25 * height), 64)
    for start in range(0, canvas.label.shape[1], strip):
        columns = min(strip, canvas.label.shape[1] - start)
        _paint_strip(canvas, relief, oversample, start, columns)


def _paint_strip(canvas: Canvas, relief: Relief, oversample: int, start: int, columns: int) -> None:
    unit = canvas.stage.height * oversample
    rows = canvas.label.shape[0] * oversample
    halo = int(relief.shadow_reach * canvas.stage.height) * oversample
    first = (canvas.x0 + start) * oversample - halo
    xs = (first + np.arange(columns * oversample + 2 * halo) + 0.5) / unit
    slices = int(np.clip(relief.depth * unit * 0.5, 48, 640))
    zs = np.linspace(0, relief.depth, slices)
    ground = _light(canvas, relief, xs, zs)
    radiance, label = relief.material(ground)
    keep = slice(halo, halo + columns * oversample)
    elevation = ground.height[:, keep] + (relief.tilt * zs[:, None]).astype(np.float32)
    y = (np.float32(relief.base) - elevation) * np.float32(unit) - np.float32(canvas.y0 * oversample)
    depth = visible_slice(y, rows)
    column = np.broadcast_to(np.arange(columns * oversample, dtype=np.float32), depth.shape)
    seen = depth >= 0
    color = cv2.remap(np.ascontiguousarray(radiance[:, keep]), column, depth, cv2.INTER_LINEAR)
    picture = np.concatenate([color, np.ones_like(depth)[..., None]], axis=2) * seen[..., None]
    reduced = cv2.resize(picture, (columns, rows // oversample), interpolation=cv2.INTER_AREA)
    nearest = np.take_along_axis(label[:, keep], np.clip(np.rint(depth), 0, slices - 1).astype(np.intp), axis=0)
    canvas.blend(
        np.asarray(reduced, np.float32),
        nearest[oversample // 2 :: oversample, oversample // 2 :: oversample],
        canvas.x0 + start,
        canvas.y0,
    )


def visible_slice(y: Array, rows: int) -> Array:
    """For every pixel the depth index (fractional) of the surface seen there, -1 above the skyline.

    ``y`` is ``(Z, X)``: the row, counted down from the top, at which each depth slice is projected, nearest
    slice first. A pixel sees the first slice that reaches up to its center.
    """
    slices, columns = y.shape
    reach = np.minimum.accumulate(y, axis=0)
    row = np.clip(np.ceil(reach - 0.5), 0, rows).astype(np.intp)
    first = np.full((rows + 1, columns), -1, np.intp)
    across = np.arange(columns)
    for nearer in range(slices - 1, -1, -1):
        first[row[nearer], across] = nearer
    mark = np.where(first >= 0, np.arange(rows + 1)[:, None], -1)
    mark = np.maximum.accumulate(mark, axis=0)[:rows]
    index = np.where(mark >= 0, np.take_along_axis(first, np.maximum(mark, 0), axis=0), -1)
    center = (np.arange(rows, dtype=np.float32) + 0.5)[:, None]
    here = np.take_along_axis(y, np.maximum(index, 0), axis=0)
    before = np.take_along_axis(y, np.maximum(index - 1, 0), axis=0)
    step = np.clip((before - center) / np.maximum(before - here, 1e-3), 0, 1)
    return np.where(index > 0, index - 1 + step, index).astype(np.float32)


def _light(canvas: Canvas, relief: Relief, xs: Grid, zs: Grid) -> Ground:
    """Normals, direct light with cast shadows, and openness to the sky."""
    light = canvas.stage.light
    height = relief.height(xs, zs)
    dx, dz = float(xs[1] - xs[0]), float(zs[1] - zs[0])
    slope_z, slope_x = np.gradient(height, dz, dx)
    up = 1 / np.sqrt(1 + slope_x**2 + slope_z**2)
    side = canvas.stage.facing(xs.astype(np.float32))[None, :]
    length = np.sqrt(side**2 + light.sun_height**2 + light.behind**2 + 0.05)
    lambert = (light.sun_height - slope_x * side - slope_z * light.behind) * up / length
    shadow = _cast_shadow(height, xs, light.sun_height, side, relief.shadow_reach)
    reach = max(0.02 / dx, 1.0)
    blurred = cv2.blur(height, (2 * int(reach) + 1, 2 * max(int(0.02 / dz), 1) + 1))
    hollow = np.clip(0.72 + (height - blurred) * 26, 0.3, 1.15)
    openness = (hollow * (0.55 + 0.45 * up)).astype(np.float32)
    return Ground(xs, zs, height, np.clip(lambert, 0, 1) * shadow, openness, up.astype(np.float32))


def _cast_shadow(height: Array, xs: Grid, rise: float, side: Array, reach: float) -> Array:
    """1 in the sun, 0 where ground within ``reach`` toward the sun stands above the ray; soft at the edge."""
    ramp = (xs * max(rise, 0.25)).astype(np.float32)[None, :]
    half = max(int(reach / float(xs[1] - xs[0])) // 2, 1)
    over = []
    for toward, ray in ((-half, height - ramp), (half, height + ramp)):
        highest = maximum_filter1d(ray, 2 * half + 1, axis=1, origin=toward, mode="nearest")
        over.append(highest - ray)
    blocked = np.where(side > 0, over[0], over[1])
    shade: Array = 1 - np.clip(blocked / 0.02, 0, 1) * np.minimum(np.abs(side) * 3, 1)
    return shade
