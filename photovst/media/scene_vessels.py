"""What moves by itself: a sail boat and its reflection, a hot-air balloon, birds. Each is one rigid layer."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from photovst.media.scene_canvas import MOVING, Canvas, Stage
from photovst.media.scene_looks import Color
from photovst.media.scene_noise import Array, value_noise

LAMP: Color = (1.0, 0.62, 0.24)
OVERSAMPLE = 4


class _Drawing:
    """An oversampled drawing around the world point ``(x, y)``, in units of ``size`` (y up)."""

    def __init__(self, stage: Stage, x: float, y: float, size: float, reach: tuple[float, float, float]) -> None:
        self.stage, self.x, self.y = stage, x, y
        self.unit = size * stage.height * OVERSAMPLE
        self.left, self.top = reach[0], reach[1]
        rows, columns = (
            int(np.ceil(v * self.unit / OVERSAMPLE)) * OVERSAMPLE for v in (reach[1] + reach[2], 2 * reach[0])
        )
        self.color = np.zeros((rows, columns, 3), np.float32)
        self.opacity = np.zeros((rows, columns), np.float32)
        self.px = ((np.arange(columns, dtype=np.float32) + 0.5) / self.unit - self.left)[None, :]
        self.py = (self.top - (np.arange(rows, dtype=np.float32) + 0.5) / self.unit)[:, None]

    def lit(self, albedo: Sequence[float], normal: Sequence[Array | float], through: float = 0.0) -> Array:
        """Radiance of a surface by its normal (x, up, toward us); ``through`` lets light through cloth."""
        light = self.stage.light
        side = float(self.stage.facing(self.x))
        length = (side**2 + light.sun_height**2 + light.behind**2 + 0.05) ** 0.5
        direct = np.asarray(normal[0] * side + normal[1] * light.sun_height - normal[2] * light.behind, np.float32)
        share = np.maximum(direct / np.float32(length), 0) + np.float32(through * max(light.behind, 0.15) * 1.6)
        sky = np.asarray(0.62 + 0.38 * np.asarray(normal[1], np.float32), np.float32)
        direct_light = share[..., None] * np.asarray(light.sun, np.float32)
        sky_light = sky[..., None] * np.asarray(light.ambient, np.float32)
        return np.asarray(np.asarray(albedo, np.float32) * (direct_light + sky_light), np.float32)

    def fill(self, points: Sequence[tuple[float, float]], radiance: Array) -> None:
        """Fill a polygon with a radiance, one color or a map of the drawing."""
        at = [((x + self.left) * self.unit * 16, (self.top - y) * self.unit * 16) for x, y in points]
        mask = np.zeros(self.opacity.shape, np.uint8)
        cv2.fillPoly(mask, [np.round(at).astype(np.int32)], 1, cv2.LINE_8, 4)
        self.paint(mask.astype(np.float32), radiance)

    def paint(self, mask: Array, radiance: Array) -> None:
        """Paint where a mask is 1."""
        inside = mask > 0.5
        self.color[inside] = np.broadcast_to(radiance, self.color.shape)[inside]
        self.opacity[inside] = 1

    def canvas(self, opacity: Array | None = None) -> Canvas:
        """The drawing reduced to the picture's resolution on a canvas of its own."""
        alpha = self.opacity if opacity is None else opacity
        image = np.concatenate([self.color * alpha[..., None], alpha[..., None]], axis=2)
        size = (image.shape[1] // OVERSAMPLE, image.shape[0] // OVERSAMPLE)
        patch = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        x0 = round((self.x - self.left * self.unit / self.stage.height / OVERSAMPLE) * self.stage.height)
        y0 = round((self.y - self.top * self.unit / self.stage.height / OVERSAMPLE) * self.stage.height)
        result = Canvas(self.stage, x0 - 2, x0 + size[0] + 2, y0 - 2, y0 + size[1] + 2)
        result.blend(patch, MOVING, x0, y0)
        return result


def sail_boat(stage: Stage, x: float, y: float, size: float) -> Canvas:
    """A sloop, its hull's waterline at ``(x, y)``, ``size`` tall, with its rippled reflection below."""
    art = _Drawing(stage, x, y, size, (0.62, 1.06, 0.62))
    weave = 1 + 0.05 * value_noise(stage.seed + 601, art.px[0].astype(float) * 9, art.py[:, 0].astype(float) * 9)
    seams = 1 - 0.10 * (np.abs((art.py * 9 + art.px * 2) % 1.0 - 0.5) < 0.06)
    steps = np.linspace(0, 1, 14)
    belly = np.sin(steps * np.pi)
    main = [
        (0.03, 0.17),
        *zip(0.05 - 0.40 * (1 - steps) - 0.07 * belly, 0.19 + 0.79 * steps, strict=True),
        (0.03, 0.98),
    ]
    jib = [
        (0.075, 0.16),
        *zip(0.46 - 0.39 * steps + 0.045 * belly, 0.15 + 0.72 * steps, strict=True),
        (0.06, 0.87),
    ]
    swell = art.px * 1.2 + 0.25
    for sail, tilt in ((main, swell), (jib, swell - 0.55)):
        cloth = art.lit((0.82, 0.79, 0.72), (tilt, 0.25, 0.85), through=0.9)
        art.fill(sail, cloth * (weave * seams)[..., None])
    wood = art.lit((0.30, 0.20, 0.11), (0.3, 0.2, 0.8))
    art.fill([(0.033, 0.1), (0.055, 0.1), (0.052, 1.03), (0.036, 1.03)], wood)
    art.fill([(-0.42, 0.155), (0.04, 0.165), (0.04, 0.18), (-0.42, 0.172)], wood)
    art.fill(
        [(-0.26, 0.08), (0.20, 0.08), (0.15, 0.145), (-0.22, 0.145)],
        art.lit((0.62, 0.60, 0.55), (0, 0.5, 0.8)),
    )
    lamp = np.asarray(LAMP, np.float32) * np.float32(stage.light.window)
    glass = lamp if stage.light.lit > 0.2 else art.lit((0.06, 0.07, 0.08), (0, 0.3, 0.9))
    for left in (-0.19, -0.10, -0.01, 0.08):
        art.fill([(left, 0.098), (left + 0.05, 0.098), (left + 0.05, 0.128), (left, 0.128)], glass)
    hull = [
        (-0.47, 0.105),
        (-0.1, 0.082),
        (0.25, 0.088),
        (0.56, 0.13),
        (0.47, 0.045),
        (0.38, -0.005),
        (-0.40, -0.005),
    ]
    art.fill(hull, art.lit((0.30, 0.055, 0.045), (0.25, 0.1 + art.py * 3, 0.8 + 0 * art.px)))
    rail = [(-0.475, 0.112), (-0.1, 0.088), (0.25, 0.094), (0.57, 0.138), (0.55, 0.118), (0.25, 0.078)]
    rail += [(-0.1, 0.072), (-0.465, 0.095)]
    art.fill(rail, art.lit((0.75, 0.73, 0.68), (0.1, 0.3, 0.9)))
    return art.canvas(_mirrored(art))


def _mirrored(art: _Drawing) -> Array:
    """Draw the boat's reflection below its waterline; returns the opacity with the reflection fading out."""
    depth = np.maximum(-art.py, 0)
    wave = value_noise(art.stage.seed + 611, art.px[0].astype(float) * 3, art.py[:, 0].astype(float) * 26)
    column = (art.px + wave * (0.012 + 0.16 * depth) + art.left) * np.float32(art.unit)
    row = (art.top - depth / 1.05 - np.abs(wave) * 0.05 * depth) * np.float32(art.unit) + 0 * column
    image = np.dstack([art.color, art.opacity])
    below = cv2.remap(image, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR)
    under = (art.py < -0.004) & (art.opacity < 0.5)
    water = np.asarray(art.stage.light.water, np.float32)
    fade = np.clip(0.93 - 0.75 * depth, 0, 1)
    art.color = np.where(under[..., None], below[..., :3] * 0.68 + water * 0.4, art.color)
    return np.where(under, below[..., 3] * fade, art.opacity).astype(np.float32)


def balloon(stage: Stage, x: float, y: float, size: float, rng: np.random.Generator) -> Canvas:
    """A striped hot-air balloon, its basket at ``(x, y)``; at night the burner lights it from within."""
    art = _Drawing(stage, x, y, size, (0.40, 1.03, 0.03))
    up = (art.py - 0.62) / 0.38
    waist = np.where(art.py > 0.62, np.sqrt(np.clip(1 - up**2, 0, 1)), np.clip((art.py - 0.19) / 0.43, 0, 1) ** 0.72)
    radius = np.maximum(0.355 * np.where(art.py > 0.62, waist, 0.13 + 0.87 * np.sin(waist * np.pi / 2)), 1e-3)
    nx = np.clip(art.px / radius, -1, 1)
    front = np.sqrt(1 - nx**2)
    rise = np.clip(up, -0.55, 1) + 0 * art.px
    gore = np.floor((np.arcsin(nx) / np.pi + 0.5) * 12)
    palettes = (((0.55, 0.06, 0.05), (0.75, 0.62, 0.40)), ((0.75, 0.30, 0.03), (0.06, 0.10, 0.30)),
                ((0.70, 0.50, 0.06), (0.45, 0.05, 0.06)), ((0.1, 0.28, 0.42), (0.78, 0.74, 0.6)))  # fmt: skip
    first, second = (np.asarray(c, np.float32) for c in palettes[int(rng.integers(len(palettes)))])
    band = np.abs(art.py - 0.60) < 0.045
    albedo = np.where(((gore % 2 == 0) ^ band)[..., None], first, second)
    crease = 0.82 + 0.18 * np.sqrt(np.abs(np.sin((np.arcsin(nx) / np.pi + 0.5) * 12 * np.pi)))
    cloth = art.lit((1, 1, 1), (nx, rise, front * 0.8), through=0.5) * albedo * crease[..., None]
    if stage.light.lit > 0.2:
        glow = np.exp(-np.hypot(art.px, (art.py - 0.38) * 0.8) / 0.22) * stage.light.window * 0.9
        cloth = cloth + (albedo * glow[..., None] * np.asarray(LAMP, np.float32)).astype(np.float32)
    cloth = cloth.astype(np.float32)
    inside = (np.abs(art.px) <= radius) & (art.py > 0.19) & (art.py < 1.0)
    dark = art.lit((0.10, 0.08, 0.06), (0, 0, 1))
    for foot, head in ((-0.035, -0.045), (0.035, 0.045), (-0.012, -0.02), (0.012, 0.02)):
        art.fill([(foot - 0.003, 0.06), (foot + 0.003, 0.06), (head + 0.003, 0.2), (head - 0.003, 0.2)], dark)
    art.paint(inside.astype(np.float32), cloth)
    art.fill(
        [(-0.042, 0.075), (0.042, 0.075), (0.035, 0.0), (-0.035, 0.0)],
        art.lit((0.28, 0.17, 0.08), (0, 0.1, 1)),
    )
    return art.canvas()


def birds(stage: Stage, x: float, y: float, size: float, rng: np.random.Generator) -> Canvas:
    """A loose skein of gliding birds, ``size`` from end to end."""
    art = _Drawing(stage, x, y, size, (0.6, 0.4, 0.4))
    dark = art.lit((0.05, 0.05, 0.055), (0, 0.2, 1))
    for index in range(7):
        rank = (index + 1) // 2 * (1 if index % 2 else -1)
        cx, cy = 0.14 * abs(rank) - 0.25 + rng.normal(0, 0.018), 0.085 * rank + rng.normal(0, 0.015)
        span, lift = rng.uniform(0.055, 0.072), rng.uniform(0.25, 0.7)
        for side in (-1, 1):
            tip = (cx + side * span, cy + span * lift * 0.55)
            elbow = (cx + side * span * 0.45, cy + span * lift * 0.75)
            art.fill([(cx, cy + 0.006), elbow, tip, (elbow[0], elbow[1] - 0.014), (cx, cy - 0.008)], dark)
        art.fill([(cx - 0.02, cy), (cx, cy + 0.009), (cx + 0.024, cy + 0.002), (cx, cy - 0.009)], dark)
    return art.canvas()
