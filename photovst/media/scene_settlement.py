"""The far shore: wooded hills, and a village among trees at the water's edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from photovst.media.scene_canvas import GROUND, Canvas
from photovst.media.scene_houses import build_house
from photovst.media.scene_relief import hill_height, meadow_material, woodland_floor
from photovst.media.scene_terrain import Relief, paint_relief
from photovst.media.scene_trees import Sprite, broadleaf, conifer, plant

Item = tuple[float, Callable[[], None]]


@lru_cache(maxsize=4)
def tree_bank(seed: int) -> tuple[tuple[Sprite, ...], tuple[Sprite, ...]]:
    """Broadleaf trees and conifers to plant woods with; each is drawn once and planted many times."""
    rng = np.random.default_rng([seed, 11])
    leafy = tuple(broadleaf(rng, 128, 1500, slender, 0.12) for slender in (0.85, 1.0, 1.1, 1.25, 0.95, 1.7))
    return leafy, tuple(conifer(rng, 128, slender) for slender in (1.0, 1.15, 1.3, 0.95, 1.5))


def skyline(canvas: Canvas) -> NDArray[np.int64]:
    """Top row of what is painted, for every column of the canvas; its height where nothing is."""
    solid = canvas.color[..., 3] > 0.5
    return np.where(solid.any(axis=0), solid.argmax(axis=0), canvas.label.shape[0])


def paint_all(items: Sequence[Item]) -> None:
    """Draw from the back to the front: higher feet first."""
    for _, draw in sorted(items, key=lambda item: item[0]):
        draw()


def cells(canvas: Canvas, size: float, margin: float) -> range:
    """Indices of the world's columns of width ``size`` that may show on the canvas."""
    height = canvas.stage.height
    first = int(np.floor((canvas.x0 / height - margin) / size))
    return range(first, int(np.ceil(((canvas.x0 + canvas.label.shape[1]) / height + margin) / size)))


def _foot(canvas: Canvas, top: NDArray[np.int64], x: float, share: float, bottom: float) -> float:
    """World y of a foot on the visible ground at column ``x``: 0 on the skyline, 1 at ``bottom``."""
    column = int(np.clip(x * canvas.stage.height - canvas.x0, 0, len(top) - 1))
    high = (canvas.y0 + float(top[column])) / canvas.stage.height
    return high + share * max(bottom - high, 0.0)


def _tree(
    canvas: Canvas, rng: np.random.Generator, seed: int, x: float, y: float, tall: float, evergreen: float
) -> Item:
    """A tree of the bank with its own size and its own green."""
    leafy, needles = tree_bank(seed)
    fir = rng.random() < evergreen
    sprite = needles[rng.integers(len(needles))] if fir else leafy[rng.integers(len(leafy))]
    palette = canvas.stage.light.foliage
    pick, tone = rng.integers(20), rng.uniform(0.7, 1.2)
    leaf = np.asarray((0.050, 0.085, 0.038) if fir else palette[pick % len(palette)]) * tone
    color = (float(leaf[0]), float(leaf[1]), float(leaf[2]))
    height = tall * rng.uniform(0.7, 1.25) * (1.15 if fir else 1.0)
    return y, lambda: plant(canvas, sprite, color, x, y, height)


def paint_woods(canvas: Canvas, valley: float, peak: float, index: int) -> None:
    """A hill under trees, smaller ones higher up."""
    stage = canvas.stage
    seed = stage.seed * 1009 + 101 + 17 * index
    field = hill_height(seed, peak, 0.5, valley, 0.45)
    paint_relief(canvas, Relief(field, woodland_floor(stage, seed), stage.waterline + 0.01, 0.5, 0.05))
    top = skyline(canvas)
    items: list[Item] = []
    size, tall = (0.0075, 0.026) if index == 0 else (0.010, 0.036)
    for cell in cells(canvas, size, 0.04):
        rng = np.random.default_rng([seed, cell + 100_000])
        stand = 0.5 + 0.5 * np.sin(cell * size * 5.0 + seed % 7)
        for _ in range(9 if index == 0 else 7):
            x = (cell + rng.random()) * size
            share = rng.random() ** 1.2
            y = _foot(canvas, top, x, share, stage.waterline + 0.01)
            items.append(_tree(canvas, rng, stage.seed, x, y, tall * (0.85 + 0.3 * share), 0.30 + 0.5 * stand))
    paint_all(items)


def paint_shore(canvas: Canvas, valley: float, with_water: bool) -> None:
    """Meadows with a village, groves and single trees, down to the waterline."""
    stage = canvas.stage
    seed, line = stage.seed * 1009 + 151, stage.waterline
    field = hill_height(seed, 0.040, 0.30, valley - 0.3, 0.5)
    paint_relief(canvas, Relief(field, meadow_material(stage, seed, 0.45, 0.30), line, 0.30, 0.10))
    if with_water:
        below = round(line * stage.height) - canvas.y0
        canvas.color[below:], canvas.label[below:] = 0, GROUND
    top = skyline(canvas)
    items: list[Item] = []
    plan = np.random.default_rng([seed, 5])
    middle = stage.aspect * (0.5 + (0.20 if valley > stage.aspect / 2 else -0.20))
    taken: list[tuple[float, float]] = []
    spots = [middle + (k - 3.5) * 0.092 + plan.normal(0, 0.018) for k in range(8)]
    spots += [valley + plan.normal(0, 0.1), middle + 0.75, middle - 0.75]
    for index, x in enumerate(spots):
        share, tall = plan.uniform(0.25, 0.9), plan.uniform(0.045, 0.058)
        rng = np.random.default_rng([seed, 6, index])
        y = _foot(canvas, top, x, share, line - 0.004)
        church = index == 3
        taken.append((x, 0.05))
        items.append((y, _house(canvas, rng, x, y, tall * (1.1 if church else 1.0) * (0.85 + 0.3 * share), church)))
    for cell in cells(canvas, 0.02, 0.08):
        rng = np.random.default_rng([seed, 7, cell + 100_000])
        grove = np.sin(cell * 0.02 * 6.1 + seed % 5) + 0.6 * np.sin(cell * 0.02 * 14.3 + seed % 3)
        for _ in range(5 if grove > 0.25 else 1):
            x, share = (cell + rng.random()) * 0.02, rng.random()
            free = all(abs(x - spot) > wide for spot, wide in taken)
            y = _foot(canvas, top, x, share if free else share * 0.2, line - 0.003)
            tall = 0.060 * (0.75 + 0.4 * share) if free else 0.045
            if free or rng.random() < 0.55:
                items.append(_tree(canvas, rng, stage.seed, x, y, tall, 0.22))
        scrub = np.sin(cell * 0.02 * 9.7 + seed % 4) + rng.normal(0, 0.3)
        for _ in range(7 if scrub > 0 else 2):  # hides the line where land meets water
            x, tall = (cell + rng.random()) * 0.02, rng.uniform(0.006, 0.020 if scrub > 0 else 0.010)
            items.append(_tree(canvas, rng, stage.seed, x, line - rng.uniform(-0.004, 0.004), tall, 0.0))
    paint_all(items)
    if with_water:
        canvas.color[below:], canvas.label[below:] = 0, GROUND


def paint_field(canvas: Canvas, index: int) -> None:
    """A rolling meadow with a hedge along its crest and trees standing about in it."""
    stage = canvas.stage
    seed = stage.seed * 1009 + 211 + index
    field = hill_height(seed, 0.07, 0.5, stage.aspect * (0.25 + 0.5 * index), 0.55)
    base = stage.waterline + 0.20 + 0.14 * index
    paint_relief(canvas, Relief(field, meadow_material(stage, seed, 0.0, 0.5), base, 0.5, 0.30))
    top = skyline(canvas)
    items: list[Item] = []
    tall = 0.060 + 0.035 * index
    for cell in cells(canvas, 0.03, 0.15):
        rng = np.random.default_rng([seed, 9, cell + 100_000])
        hedge = np.sin(cell * 0.03 * 4.3 + seed % 5) + 0.5 * np.sin(cell * 0.03 * 12.1 + seed % 3)
        for _ in range(int(5 + 3 * hedge) if hedge > -0.4 else 0):
            x, share = (cell + rng.random()) * 0.03, rng.uniform(0, 0.04)
            y = _foot(canvas, top, x, share, base)
            size = tall * (0.35 if rng.random() < 0.7 else 0.9) * rng.uniform(0.7, 1.3)
            items.append(_tree(canvas, rng, stage.seed, x, y, size, 0.15))
        if rng.random() < 0.30:
            x, share = (cell + rng.random()) * 0.03, rng.uniform(0.1, 0.6)
            items.append(_tree(canvas, rng, stage.seed, x, _foot(canvas, top, x, share, base), tall, 0.1))
    paint_all(items)


def _house(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, tall: float, church: bool
) -> Callable[[], None]:
    return lambda: build_house(canvas, rng, x, y, tall, church)
