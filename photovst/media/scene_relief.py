"""Height fields and materials of the landscape: ridges, wooded hills, meadows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from photovst.media.scene_canvas import GROUND, MOUNTAIN, VEGETATION, Stage
from photovst.media.scene_looks import Color
from photovst.media.scene_noise import Array, fractal_noise, ridged_noise, smoothstep, value_noise
from photovst.media.scene_terrain import Grid, Ground, HeightField, Material


def _mix(first: Color | Array, second: Color | Array, share: Array) -> Array:
    """Blend two colors by a map."""
    a, b = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return a + (b - a) * share[..., None]


def _lit(stage: Stage, albedo: Array, ground: Ground) -> Array:
    """Radiance of a matte surface under the stage's light."""
    sun = np.asarray(stage.light.sun, np.float32) * ground.sunlit[..., None]
    sky = np.asarray(stage.light.ambient, np.float32) * ground.open[..., None]
    return albedo * (sun + sky)


def ridge_height(seed: int, peak: float, depth: float, cell: float, valley: float, opening: float) -> HeightField:
    """A mountain range: ridged noise under a crest in mid-depth, lower around the column ``valley``."""

    def height(xs: Grid, zs: Grid) -> Array:
        bend = value_noise(seed + 5, xs / 0.9, np.zeros(1))[0] * 0.35
        crest = np.exp(-np.square((zs[:, None] / depth - 0.62 - 0.12 * bend[None, :]) / 0.36)).astype(np.float32)
        dip = 1 - opening * np.exp(-np.square((xs - valley) / 0.34))
        skyline = 0.72 + 0.30 * fractal_noise(seed + 9, xs, np.zeros(1), 0.62, 3)[0]
        envelope = (peak * dip * skyline).astype(np.float32)[None, :] * crest
        spine = ridged_noise(seed, xs, zs * 1.1, cell, 8, 0.56)
        rough = fractal_noise(seed + 3, xs, zs, cell * 0.25, 6, 0.66)
        return np.asarray(np.maximum(envelope * (0.42 + 0.98 * spine + 0.15 * rough), 0), np.float32)

    return height


def mountain_material(stage: Stage, seed: int, peak: float, snowline: float, woods: float) -> Material:
    """Rock with strata, alpine grass and woods low down, snow on what is high and not steep."""

    def paint(ground: Ground) -> tuple[Array, NDArray[np.uint8]]:
        xs, zs, level = ground.xs, ground.zs, ground.height / np.float32(peak)
        patches = fractal_noise(seed + 11, xs, zs, 0.07, 5)
        fine = fractal_noise(seed + 12, xs, zs, 0.008, 3, 0.7)
        rock = _mix((0.115, 0.105, 0.10), (0.27, 0.245, 0.215), smoothstep(-0.5, 0.6, patches + 0.5 * fine))
        grass = _mix(*stage.light.grass, smoothstep(-0.6, 0.6, patches))
        leaf = np.mean(np.asarray(stage.light.foliage, np.float32), axis=0)
        forest = _mix(leaf * 0.35, leaf * 0.85, smoothstep(-0.7, 0.7, fine + 0.4 * patches))
        albedo = _mix(rock, grass * 0.8, smoothstep(0.55, 0.78, ground.steep + 0.10 * patches - 0.2 * (level - 0.5)))
        albedo = _mix(albedo, forest, smoothstep(woods + 0.09, woods - 0.09, level + 0.22 * patches + 0.06 * fine))
        snow = stage.light.snow
        line = snowline * (1 - 0.82 * snow)
        cover = smoothstep(line - 0.06, line + 0.12, level + 0.16 * patches + 0.06 * fine)
        cover = cover * smoothstep(0.42 - 0.16 * snow, 0.60 - 0.16 * snow, ground.steep + 0.20 * fine)
        albedo = _mix(albedo, (0.86, 0.88, 0.92), cover * np.float32(0.95))
        return _lit(stage, albedo, ground), np.full(level.shape, MOUNTAIN, np.uint8)

    return paint


def hill_height(seed: int, peak: float, depth: float, valley: float, opening: float) -> HeightField:
    """A rolling hill, lower around the column ``valley``."""

    def height(xs: Grid, zs: Grid) -> Array:
        roll = fractal_noise(seed, xs, zs, 0.75, 4, 0.42, aspect=1.3)
        skyline = 0.74 + 0.34 * fractal_noise(seed + 9, xs, np.zeros(1), 0.55, 2)[0]
        dip = 1 - opening * np.exp(-np.square((xs - valley) / 0.42))
        crest = np.sin(np.clip(zs / depth, 0, 1) * np.pi * 0.62).astype(np.float32)[:, None]
        bumps = fractal_noise(seed + 2, xs, zs, 0.05, 4, 0.6)
        swell = peak * (dip * skyline) * crest * (1 + 0.35 * roll)
        return np.asarray(np.maximum(swell + 0.002 * bumps, 0), np.float32)

    return height


def meadow_material(stage: Stage, seed: int, bare: float, depth: float, label: int = GROUND) -> Material:
    """Grass of many greens with streaks, tufts and worn patches; snow where the look has it."""

    def paint(ground: Ground) -> tuple[Array, NDArray[np.uint8]]:
        xs, zs = ground.xs, ground.zs
        broad = fractal_noise(seed + 21, xs, zs, 0.30, 4, 0.55, aspect=1.8)
        tufts = fractal_noise(seed + 22, xs, zs, 0.020, 4, 0.75, aspect=1.2)
        blades = fractal_noise(seed + 23, xs, zs * 0.35, 0.006, 3, 0.8)
        albedo = _mix(*stage.light.grass, smoothstep(-0.75, 0.75, broad + 0.25 * tufts))
        albedo = albedo * (1 + 0.40 * tufts + 0.34 * blades)[..., None]
        earth = _mix((0.13, 0.095, 0.06), (0.24, 0.19, 0.13), smoothstep(-0.6, 0.6, tufts))
        nearness = np.exp(-zs / (0.12 * depth)).astype(np.float32)[:, None]
        worn = smoothstep(0.35, 0.75, 0.55 * broad + 0.3 * tufts + bare * nearness)
        albedo = _mix(albedo, earth, worn)
        snow = stage.light.snow
        drift = smoothstep(0.10, 0.75, 1.25 * snow + 0.35 * broad + 0.40 * tufts + 0.25 * blades - 0.25)
        white = np.asarray((0.84, 0.87, 0.92), np.float32) * (1 + 0.05 * tufts + 0.03 * blades)[..., None]
        albedo = _mix(albedo, white, drift * np.float32(min(1.0, snow)))
        return _lit(stage, np.maximum(albedo, 0.01), ground), np.full(broad.shape, label, np.uint8)

    return paint


def woodland_floor(stage: Stage, seed: int) -> Material:
    """What shows between the trees of a wood: dark undergrowth."""

    def paint(ground: Ground) -> tuple[Array, NDArray[np.uint8]]:
        blotch = fractal_noise(seed + 31, ground.xs, ground.zs, 0.02, 4, 0.7)
        leaf = np.mean(np.asarray(stage.light.foliage, np.float32), axis=0)
        albedo = _mix(leaf * 0.30, leaf * 0.75, smoothstep(-0.6, 0.6, blotch))
        albedo = _mix(albedo, (0.8, 0.83, 0.88), np.float32(0.75 * stage.light.snow) * smoothstep(-0.5, 0.4, blotch))
        return _lit(stage, albedo, ground) * np.float32(0.8), np.full(blotch.shape, VEGETATION, np.uint8)

    return paint
