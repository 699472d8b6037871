"""Trees, grass, reeds and flowers as relightable sprites: thousands of leaves, shaded one by one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.media.scene_canvas import VEGETATION, Canvas, Stage
from photovst.media.scene_looks import Color
from photovst.media.scene_noise import Array

Generator = np.random.Generator

SUN_LEFT, SUN_RIGHT, SKY_LIGHT, SNOW, WOOD, OPACITY = range(6)
BARK: Color = (0.085, 0.065, 0.050)
FROST: Color = (0.80, 0.84, 0.90)


@dataclass(frozen=True, eq=False)
class Sprite:
    """How much light reaches each part of a plant, whatever its color: channels as above, premultiplied."""

    levels: tuple[Array, ...]
    """The plant at full, half, quarter... size."""
    foot: float
    """Where it stands: column of the stem's foot as a share of the width."""

    def painted(self, stage: Stage, leaf: Color, x: float, height: int) -> Array:
        """The plant in the stage's light at column ``x``, ``height`` pixels tall; premultiplied RGBA."""
        level = next((one for one in reversed(self.levels) if one.shape[0] >= height), self.levels[0])
        rows, columns = level.shape[:2]
        size = (max(round(columns * height / rows), 1), max(height, 1))
        part = _resized(level, size, cv2.INTER_AREA if height <= rows else cv2.INTER_LINEAR)
        opacity = part[..., OPACITY:]
        right = float(stage.facing(x)) * 0.5 + 0.5
        direct = part[..., SUN_LEFT] * (1 - right) + part[..., SUN_RIGHT] * right
        light = stage.light
        snow = np.clip(part[..., SNOW] * 1.25, 0, 1)[..., None] * np.float32(light.snow)
        wood = part[..., WOOD][..., None]
        albedo = np.asarray(leaf, np.float32) * np.maximum(opacity - wood, 0) + np.asarray(BARK, np.float32) * wood
        albedo = albedo / np.maximum(opacity, 1e-3)
        albedo = albedo + (np.asarray(FROST, np.float32) - albedo) * np.minimum(snow / np.maximum(opacity, 1e-3), 1)
        # Leaves let light through: seen against the sun a crown glows instead of turning black.
        behind = max(light.behind, 0.0)
        direct = direct[..., None] * (1 - 1.5 * behind) + 0.16 * behind * opacity
        sun = np.asarray(light.sun, np.float32) * direct
        sky = np.asarray(light.ambient, np.float32) * part[..., SKY_LIGHT][..., None]
        return np.concatenate([albedo * (sun + sky), opacity], axis=2).astype(np.float32)


def _resized(channels: Array, size: tuple[int, int], way: int) -> Array:
    """Six channels at another ``(width, height)``, in two parts: OpenCV resizes four channels at most."""
    parts = [cv2.resize(np.ascontiguousarray(channels[..., k : k + 3]), size, interpolation=way) for k in (0, 3)]
    return np.concatenate(parts, axis=2).astype(np.float32, copy=False)


def plant(canvas: Canvas, sprite: Sprite, leaf: Color, x: float, y: float, tall: float) -> None:
    """Stand a sprite on the world point ``(x, y)``, ``tall`` frame heights high."""
    height = max(round(tall * canvas.stage.height), 1)
    patch = sprite.painted(canvas.stage, leaf, x, height)
    left = round(x * canvas.stage.height - sprite.foot * patch.shape[1])
    canvas.blend(patch, VEGETATION, left, round(y * canvas.stage.height) - patch.shape[0])


class _Easel:
    """Draws numbered strokes and looks their attributes up at the end: any number of channels in one go."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.index = np.zeros((height, width), np.float32)
        self.rows: list[tuple[float, ...]] = [(0.0,) * 6]

    def ink(self, left: float, right: float, sky: float, snow: float, wood: float = 0.0) -> float:
        """A new stroke's number, for the given light from the left, the right and the sky."""
        self.rows.append((left, right, sky, snow, wood, 1.0))
        return float(len(self.rows) - 1)

    def sprite(self, foot: float, reduce: int) -> Sprite:
        """Look the attributes up and average ``reduce`` x ``reduce`` pixels, to smooth the strokes' edges."""
        table = np.asarray(self.rows, np.float32)
        channels = table[self.index.astype(np.intp)]
        size = (self.width // reduce, self.height // reduce)
        levels = [_resized(channels, size, cv2.INTER_AREA)]
        while min(levels[-1].shape[:2]) >= 16:
            rows, columns = levels[-1].shape[:2]
            levels.append(_resized(levels[-1], (columns // 2, rows // 2), cv2.INTER_AREA))
        return Sprite(tuple(levels), foot)


def _shade(normal: Array, exposed: float) -> tuple[float, float, float, float]:
    """Light from left, right and sky, and snow, on a surface facing ``normal`` (x, up, toward us)."""
    x, up, front = (float(v) for v in normal)
    right = max(0.0, 0.62 * x + 0.50 * up + 0.50 * front + 0.16) * exposed
    left = max(0.0, -0.62 * x + 0.50 * up + 0.50 * front + 0.16) * exposed
    return (
        left,
        right,
        (0.42 + 0.38 * max(up, -0.4)) * (0.42 + 0.58 * exposed),
        float(np.clip(0.55 + 0.7 * up, 0, 1)),
    )


def broadleaf(rng: Generator, height: int, leaves: int, slender: float = 1.0, bare: float = 0.2) -> Sprite:
    """A leafy tree: trunk (``bare`` of the height leafless), boughs, clusters of leaves sorted by depth."""
    reduce = 2
    tall, wide = height * reduce, int(height * reduce * 0.95 / slender)
    easel = _Easel(tall, wide)
    foot = np.array([wide / 2, tall - 1.0])
    crown = np.array([wide * 0.5, tall * (0.5 - 0.46 * bare)])
    spread = np.array([wide * 0.41, tall * (0.455 - 0.42 * bare)])
    count = int(rng.integers(34, 46))
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    center = direction * rng.uniform(0.12, 0.92, (count, 1)) ** 0.6
    center[:, 1] = np.where(center[:, 1] < -0.6, center[:, 1] * 0.75, center[:, 1])
    radius = rng.uniform(0.20, 0.34, count)
    _boughs(easel, rng, foot, crown + center[:, :2] * spread * [1, -1], tall)
    which = rng.integers(0, count, leaves)
    offset = rng.normal(size=(leaves, 3))
    offset /= np.linalg.norm(offset, axis=1, keepdims=True)
    reach = rng.uniform(0.35, 1.0, (leaves, 1)) ** 0.5
    place = center[which] + offset * reach * radius[which, None]
    order = np.argsort(place[:, 2])
    normal = 0.62 * offset + 0.62 * place + rng.normal(0, 0.16, place.shape)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    exposed = np.clip(0.18 + 0.62 * np.linalg.norm(place, axis=1) * reach[:, 0] + 0.25 * place[:, 1], 0.12, 1)
    exposed *= rng.uniform(0.72, 1.2, leaves)
    size = tall * 0.56 / np.sqrt(leaves)
    for leaf in order:
        at = crown + place[leaf, :2] * spread * [1, -1]
        axes = (max(int(size * rng.uniform(0.7, 1.3) * 4), 4), max(int(size * rng.uniform(0.4, 0.8) * 4), 3))
        number = easel.ink(*_shade(normal[leaf], float(exposed[leaf])))
        spot = (int(at[0] * 4), int(at[1] * 4))
        cv2.ellipse(easel.index, spot, axes, float(rng.uniform(0, 180)), 0, 360, number, -1, cv2.LINE_8, 2)
    return easel.sprite(0.5, reduce)


def _boughs(easel: _Easel, rng: Generator, foot: NDArray[np.float64], tips: NDArray[np.float64], tall: int) -> None:
    """A tapering trunk with a bent bough to every cluster of leaves."""
    fork = foot + np.array([rng.normal(0, 0.012), -0.34]) * tall
    girth = tall * rng.uniform(0.016, 0.024)
    side = np.array([1.0, 0.0])
    trunk = [foot - side * girth * 1.5, foot - np.array([girth, 0.05 * tall]), fork - side * girth * 0.6]
    trunk += [fork + side * girth * 0.6, foot + np.array([girth, -0.05 * tall]), foot + side * girth * 1.5]
    leader = np.array([fork[0], fork[1] - 0.36 * tall])
    wood = easel.ink(0.3, 0.3, 0.36, 0.1, 1.0)
    stem = np.array([fork, leader]).round().astype(np.int32)
    cv2.polylines(easel.index, [stem], False, wood, max(int(girth * 1.2), 1))
    for index, tip in enumerate(tips):
        start = fork + (leader - fork) * rng.uniform(0, 0.9)
        if index % 2 or tip[1] > start[1] - 0.06 * tall:
            continue  # boughs rise, and there are fewer of them than clusters of leaves
        bend = start * 0.5 + tip * 0.5 + [0, 0.03 * tall]
        way = np.array([start, bend, tip], np.float64).round().astype(np.int32)
        dark = easel.ink(0.25, 0.25, 0.3, 0.3, 1.0)
        cv2.polylines(easel.index, [way], False, dark, max(int(girth * rng.uniform(0.4, 0.8)), 1))
    cv2.fillPoly(easel.index, [np.round(trunk).astype(np.int32)], easel.ink(0.35, 0.35, 0.42, 0.1, 1.0))
    cv2.fillPoly(easel.index, [np.round(np.asarray(trunk)[[0, 1, 2]] + [girth, 0]).astype(np.int32)],
                 easel.ink(0.6, 0.2, 0.5, 0.2, 1.0))  # fmt: skip


def conifer(rng: Generator, height: int, slender: float = 1.0) -> Sprite:
    """A spruce: whorls of drooping boughs hung with needles, sorted by depth."""
    reduce = 2
    tall, wide = height * reduce, int(height * reduce * 0.46 / slender)
    easel = _Easel(tall, wide)
    middle = wide / 2
    wood = easel.ink(0.3, 0.3, 0.35, 0, 1)
    cv2.line(easel.index, (int(middle), tall - 1), (int(middle), int(tall * 0.06)), wood, max(tall // 60, 1))
    strokes: list[tuple[float, NDArray[np.float64], Array, float]] = []
    levels = int(rng.integers(26, 34) * (1 if height < 300 else 1.5))
    for level in range(levels):
        down = (level + rng.uniform(-0.35, 0.35)) / levels
        reach = wide * 0.49 * (0.05 + 0.95 * max(down, 0.0) ** 0.82) * rng.uniform(0.78, 1.04)
        boughs = 5 + int(9 * down)
        for turn in rng.uniform(0, 2 * np.pi, boughs):
            length = reach * rng.uniform(0.72, 1.06)
            out, toward = np.cos(turn), np.sin(turn)
            droop = tall * 0.030 * (0.4 + down) * rng.uniform(0.6, 1.5)
            for along in np.linspace(0.25, 1, 6):
                x = middle + out * length * along
                y = tall * (0.025 + 0.93 * down) + droop * along**1.6 + toward * tall * 0.012
                normal = np.array([out * 0.75, 0.52 + 0.3 * rng.normal(), toward * 0.7 + 0.15], np.float32)
                exposed = float(np.clip(0.22 + 0.75 * along * (0.65 + 0.35 * toward), 0.1, 1) * rng.uniform(0.6, 1.2))
                spot = np.array([x, y, out * (0.5 + 0.5 * along)])
                strokes.append((toward * along + rng.uniform(-0.1, 0.1), spot, normal, exposed))
    strokes.sort(key=lambda stroke: stroke[0])
    needle = tall * 0.020
    for _, (x, y, out), normal, exposed in strokes:
        number = easel.ink(*_shade(normal, exposed))
        end = (
            int(x + out * needle * 0.9 + rng.normal(0, needle * 0.35)),
            int(y + needle * rng.uniform(0.35, 1.1)),
        )
        cv2.line(easel.index, (int(x - out * needle * 0.5), int(y)), end, number, max(int(tall / 130), 1))
    return easel.sprite(0.5, reduce)


def grass_tuft(rng: Generator, height: int, blades: int, reed: bool = False) -> Sprite:
    """A tuft of bent blades, dark at the root, bright at the tip; reeds are stiffer and carry seed heads."""
    reduce = 2
    tall, wide = height * reduce, int(height * reduce * (0.7 if reed else 1.5))
    easel = _Easel(tall, wide)
    for _ in range(blades):
        root = wide * (0.5 + rng.normal(0, 0.10))
        length = tall * rng.uniform(0.35, 0.97)
        lean = rng.normal(0, 0.10 if reed else 0.30) * wide
        bright = rng.uniform(0.35, 1.0)
        steps = np.linspace(0, 1, 7)
        xs, ys = root + lean * steps**1.8, tall - 1 - length * steps * (1 - 0.06 * steps)
        for low in range(6):
            part = np.array([[xs[low], ys[low]], [xs[low + 1], ys[low + 1]]]).round().astype(np.int32)
            lift = 0.25 + 0.75 * steps[low + 1]
            number = easel.ink(bright * lift, bright * lift, 0.62 * lift, 0.25 + 0.45 * steps[low])
            thick = max(int(tall / (42 if reed else 55) * (1.15 - steps[low + 1])), 1)
            cv2.polylines(easel.index, [part], False, number, thick)
        if reed and rng.random() < 0.45:
            top = (int(xs[-1]), int(ys[-1] + tall * 0.03))
            number = easel.ink(0.4, 0.4, 0.35, 0.6, 0.8)
            cv2.ellipse(easel.index, top, (max(tall // 90, 1), max(tall // 24, 1)), 0, 0, 360, number, -1)
    return easel.sprite(0.5, reduce)


def flower(rng: Generator, height: int) -> Sprite:
    """A few blossoms without their stems, standing a little above the ground."""
    reduce = 2
    side = height * reduce
    easel = _Easel(side, side)
    for _ in range(3):
        spot = rng.uniform(0.2, 0.8, 2) * [side, side * 0.6]
        bright = rng.uniform(0.7, 1.0)
        for petal in range(5):
            turn = 72 * petal + rng.uniform(-12, 12)
            at = spot + 0.06 * side * np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn)) * 0.6])
            number = easel.ink(bright, bright, 0.9, 0.3)
            cv2.circle(easel.index, (int(at[0]), int(at[1])), max(side // 18, 1), number, -1)
    return easel.sprite(0.5, reduce)
