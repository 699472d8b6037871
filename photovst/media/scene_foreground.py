"""The near bank: grass, flowers, reeds, bushes, and trees that frame the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from photovst.media.scene_canvas import Canvas
from photovst.media.scene_looks import Color
from photovst.media.scene_noise import Array, fractal_noise, smoothstep
from photovst.media.scene_relief import meadow_material
from photovst.media.scene_settlement import Item, cells, paint_all, skyline
from photovst.media.scene_terrain import Grid, Relief, paint_relief
from photovst.media.scene_trees import Sprite, broadleaf, conifer, flower, grass_tuft, plant

PETALS: tuple[Color, ...] = ((0.75, 0.72, 0.66), (0.72, 0.50, 0.05), (0.60, 0.06, 0.05), (0.32, 0.16, 0.50))

_Foot = Callable[[float, float], float]
"""World y on the visible ground at a column: share 0 on its skyline, 1 at the picture's lower edge."""


@dataclass(frozen=True, eq=False)
class _Plants:
    """What grows on the bank; each is drawn once and planted many times."""

    tufts: tuple[Sprite, ...]
    reeds: tuple[Sprite, ...]
    bushes: tuple[Sprite, ...]
    flowers: tuple[Sprite, ...]


@lru_cache(maxsize=4)
def _plants(seed: int) -> _Plants:
    rng = np.random.default_rng([seed, 12])
    return _Plants(
        tuple(grass_tuft(rng, 72, blades) for blades in (40, 60, 80, 55, 70)),
        tuple(grass_tuft(rng, 160, blades, reed=True) for blades in (26, 34, 40)),
        tuple(broadleaf(rng, 160, 2600, 0.7, 0.0) for _ in range(3)),
        tuple(flower(rng, 24) for _ in range(4)),
    )


@lru_cache(maxsize=2)
def _framing_trees(seed: int, height: int, leafy: bool) -> tuple[Sprite, ...]:
    """The large trees: enough leaves that each stays a leaf at this resolution."""
    height = min(max(height, 96), 1400)
    rng = np.random.default_rng([seed, 13])
    if leafy:
        return (broadleaf(rng, height, int(min(5000 + 34 * height, 34000)), 0.85, 0.30),)
    return tuple(conifer(rng, height, slender) for slender in (0.95, 1.15, 1.05))


def paint_bank(canvas: Canvas, valley: float, reedy: bool) -> None:
    """The bank rises on the side away from the valley; there the trees stand; ``reedy`` on a lake."""
    stage = canvas.stage
    seed, aspect = stage.seed * 1009 + 307, stage.aspect
    plan = np.random.default_rng([seed, 8])
    side = -1.0 if valley > aspect / 2 else 1.0
    trunk = aspect * 0.5 + side * (aspect * 0.5 - plan.uniform(0.14, 0.24))
    leafy = plan.random() < 0.6
    tall = plan.uniform(0.80, 0.88) if leafy else plan.uniform(0.74, 0.86)

    def height(xs: Grid, zs: Grid) -> Array:
        toward = np.clip((xs - aspect / 2) * side / aspect + 0.5, 0.0, 1.3)
        rise = 0.035 + 0.085 * toward**1.8 + 0.016 * np.sin(xs * 3.1 + seed % 11)
        rough = 0.012 * fractal_noise(seed, xs, zs, 0.16, 5, 0.5)
        return (rise[None, :] * np.clip(0.35 + zs[:, None] * 3.2, 0, 1)).astype(np.float32) + rough

    paint_relief(canvas, Relief(height, meadow_material(stage, seed, 0.0, 0.26), 1.02, 0.26, 0.34))
    top = skyline(canvas)

    def foot(x: float, share: float) -> float:
        column = int(np.clip(x * stage.height - canvas.x0, 0, len(top) - 1))
        high = (canvas.y0 + float(top[column])) / stage.height
        return high + share * (1.05 - high)

    items = _undergrowth(canvas, seed, foot, reedy)
    palette = stage.light.foliage
    sprites = _framing_trees(stage.seed, round(tall * stage.height), leafy)
    for index, sprite in enumerate(sprites):
        x = trunk + (0.0, -0.17 * side, 0.15 * side)[index]
        size = tall * (1.0, 0.62, 0.80)[index]
        leaf = palette[stage.seed % len(palette)] if leafy else (0.046, 0.078, 0.036)
        y = foot(x, (0.20, 0.10, 0.34)[index])
        items.append(_item(canvas, sprite, leaf, x, y, size))
        _cast_on_grass(canvas, seed + index, x, y, size * (0.42 if leafy else 0.24))
    paint_all(items)
    deep = smoothstep(0.80, 1.02, (canvas.y0 + np.arange(canvas.label.shape[0], dtype=np.float32)) / stage.height)
    canvas.color[..., :3] *= (1 - 0.35 * deep)[:, None, None]  # leads the eye from the corner into the picture


def _item(canvas: Canvas, sprite: Sprite, leaf: Color, x: float, y: float, tall: float) -> Item:
    return y, lambda: plant(canvas, sprite, leaf, x, y, tall)


def _cast_on_grass(canvas: Canvas, seed: int, x: float, y: float, reach: float) -> None:
    """The dappled shadow of a tree standing at ``(x, y)``, falling away from the sun."""
    height, light = canvas.stage.height, canvas.stage.light
    away = -float(canvas.stage.facing(x))
    xs = (canvas.x0 + np.arange(canvas.label.shape[1]) + 0.5) / height
    first = max(round((y - 0.2) * height) - canvas.y0, 0)
    ys = (canvas.y0 + first + np.arange(canvas.label.shape[0] - first) + 0.5) / height
    long = reach * (1 + 0.5 * min(1 / max(light.sun_height, 0.3), 2))
    across = (xs[None, :] - x - away * long * 0.45) / long
    along = (ys[:, None] - y - 0.02) / (0.16 * reach / 0.4)
    dapple = fractal_noise(seed + 41, xs, ys * 2.5, 0.05, 4, 0.7)
    dark = smoothstep(1.0, 0.35, (np.hypot(across, along) + 0.35 * dapple).astype(np.float32))
    strength = np.mean(light.sun) / (np.mean(light.sun) + 1.5 * np.mean(light.ambient))
    canvas.color[first:, :, :3] *= (1 - dark * np.float32(0.75 * strength))[..., None]


def _undergrowth(canvas: Canvas, seed: int, foot: _Foot, reedy: bool) -> list[Item]:
    """Grass everywhere, flowers in patches, reeds where there is water, bushes here and there."""
    stage, plants = canvas.stage, _plants(canvas.stage.seed)
    items: list[Item] = []
    for cell in cells(canvas, 0.02, 0.1):
        rng = np.random.default_rng([seed, cell + 100_000])
        bloom = np.sin(cell * 0.02 * 3.3 + seed % 7) + 0.7 * np.sin(cell * 0.02 * 8.9 + seed % 3)
        for _ in range(34):
            x, share = (cell + rng.random()) * 0.02, rng.random()
            tint = rng.uniform(0, 1) ** 1.5
            blend = [(a + (b - a) * tint) * rng.uniform(0.6, 1.2) for a, b in zip(*stage.light.grass, strict=True)]
            sprite, tall = plants.tufts[rng.integers(len(plants.tufts))], 0.026 * (0.7 + 1.1 * share)
            y = foot(x, share) + 0.004
            items.append(_item(canvas, sprite, (blend[0], blend[1], blend[2]), x, y, tall))
            if rng.random() < 0.16 * max(bloom, 0):
                petals = PETALS[int(rng.integers(2)) + (2 if bloom > 0.9 else 0)]
                items.append(
                    _item(canvas, plants.flowers[rng.integers(4)], petals, x, y - 0.006, 0.012 + 0.012 * share)
                )
        thicket = np.sin(cell * 0.02 * 4.7 + seed % 9) + 0.5 * np.sin(cell * 0.02 * 11.9) + rng.normal(0, 0.15)
        if thicket > 0.5 and reedy:
            for _ in range(int(1 + 2 * thicket)):
                x, tall = (cell + rng.random()) * 0.02, rng.uniform(0.05, 0.10) + 0.03 * thicket
                straw = (0.17 * rng.uniform(0.8, 1.2), 0.18, 0.055)
                sprite = plants.reeds[rng.integers(len(plants.reeds))]
                items.append(_item(canvas, sprite, straw, x, foot(x, rng.uniform(0, 0.05)), tall))
        elif thicket < -0.6 and rng.random() < 0.45:
            x = (cell + rng.random()) * 0.02
            leaf = stage.light.foliage[int(rng.integers(20)) % len(stage.light.foliage)]
            tall = rng.uniform(0.05, 0.12)
            items.append(_item(canvas, plants.bushes[rng.integers(3)], leaf, x, foot(x, 0.10) + 0.015, tall))
    return items
