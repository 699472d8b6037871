"""Houses: walls, roofs, chimneys, doors, and windows that can be lit; shaded face by face."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.media.scene_canvas import BUILDING, Canvas, Stage
from photovst.media.scene_looks import Color
from photovst.media.scene_noise import Array, smoothstep, value_noise

WALLS: tuple[Color, ...] = (
    (0.62, 0.57, 0.48), (0.55, 0.40, 0.26), (0.42, 0.15, 0.10), (0.60, 0.52, 0.36), (0.50, 0.52, 0.52),
    (0.25, 0.17, 0.11),
)  # fmt: skip
ROOFS: tuple[Color, ...] = (
    (0.30, 0.105, 0.060),
    (0.24, 0.12, 0.075),
    (0.13, 0.12, 0.125),
    (0.20, 0.15, 0.11),
)
SNOW: Color = (0.86, 0.88, 0.92)
LAMP: Color = (1.0, 0.60, 0.22)
Points = Sequence[tuple[float, float]]


class _Facade:
    """A drawing of one house in local units (x to the right, y up from the ground), oversampled."""

    def __init__(self, stage: Stage, x: float, width: float, height: float, unit: int) -> None:
        self.stage, self.unit, self.left, self.top = stage, unit, width / 2, height
        self.color = np.zeros((int(height * unit), int(width * unit), 3), np.float32)
        self.opacity = np.zeros(self.color.shape[:2], np.float32)
        self.emission = np.zeros_like(self.color)
        self.side = float(stage.facing(x))

    def lit(self, albedo: Color, normal: tuple[float, float, float]) -> Color:
        """Radiance of a face with normal (x, up, toward the viewer)."""
        light = self.stage.light
        length = (self.side**2 + light.sun_height**2 + light.behind**2 + 0.05) ** 0.5
        direct = normal[0] * self.side + normal[1] * light.sun_height - normal[2] * light.behind
        share, sky = max(direct / length, 0.0), 0.55 + 0.45 * normal[1]
        r, g, b = (a * (s * share + m * sky) for a, s, m in zip(albedo, light.sun, light.ambient, strict=True))
        return (r, g, b)

    def mask(self, points: Points) -> NDArray[np.bool_]:
        """Pixels of a polygon."""
        at = [((x + self.left) * self.unit * 16, (self.top - y) * self.unit * 16) for x, y in points]
        canvas = np.zeros(self.opacity.shape, np.uint8)
        cv2.fillPoly(canvas, [np.round(at).astype(np.int32)], 1, cv2.LINE_8, 4)
        return canvas.astype(bool)

    def fill(self, points: Points, color: Color, texture: Array | None = None) -> None:
        """Fill a polygon with a radiance, times a texture."""
        inside = self.mask(points)
        value = np.asarray(color, np.float32)
        self.color[inside] = value * texture[inside][:, None] if texture is not None else value
        self.opacity[inside] = 1
        self.emission[inside] = 0

    def window(self, x: float, y: float, width: float, height: float, warm: float) -> None:
        """A window with its frame, bars and sill; ``warm`` is the lamp's radiance, 0 when it is dark."""
        light, edge = self.stage.light, 0.16 * width
        white = self.lit((0.70, 0.68, 0.62), (0, 0.1, 1))
        box = [(x - edge, y - edge), (x + width + edge, y - edge), (x + width + edge, y + height + edge),
               (x - edge, y + height + edge)]  # fmt: skip
        self.fill(box, white)
        pane = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        glass = tuple(0.10 * a + 0.05 * z for a, z in zip(light.ambient, light.horizon, strict=True))
        self.fill(pane, (glass[0], glass[1], glass[2]))
        if warm:
            inside = self.mask(pane)
            level = (self.top - np.arange(self.opacity.shape[0]) / self.unit - y) / height
            glowing = (0.70 + 0.45 * np.clip(level, 0, 1)).astype(np.float32)[:, None, None]
            lamp = np.asarray(LAMP, np.float32) * np.float32(warm) * glowing
            self.emission = np.where(inside[..., None], lamp, self.emission)
        bar = 0.09 * width
        self.fill([(x + width / 2 - bar, y), (x + width / 2 + bar, y), (x + width / 2 + bar, y + height),
                   (x + width / 2 - bar, y + height)], white)  # fmt: skip
        low, high = y + height * 0.52, y + height * 0.52 + bar
        self.fill([(x, low), (x + width, low), (x + width, high), (x, high)], white)
        if light.snow:
            sill = y - edge
            self.fill([(x - edge, sill), (x + width + edge, sill), (x + width + edge, sill + edge * 0.8),
                       (x - edge, sill + edge * 0.8)], self.lit(SNOW, (0, 0.8, 0.5)))  # fmt: skip

    def patch(self, reduce: int) -> Array:
        """The drawing with the lamps' light spilling over the walls, reduced; premultiplied RGBA."""
        spill = cv2.GaussianBlur(self.emission, (0, 0), 0.10 * self.unit) * np.float32(0.35)
        color = (self.color + self.emission + spill) * self.opacity[..., None]
        image = np.concatenate([color, self.opacity[..., None]], axis=2)
        size = (max(image.shape[1] // reduce, 1), max(image.shape[0] // reduce, 1))
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def build_house(canvas: Canvas, rng: np.random.Generator, x: float, y: float, tall: float, church: bool) -> None:
    """A house on world point ``(x, y)``, about ``tall`` frame heights tall; churches have steeples."""
    stage, light = canvas.stage, canvas.stage.light
    reduce = 4 if tall * stage.height < 160 else 2
    front, deep = rng.uniform(1.0, 1.5), rng.uniform(0.45, 0.8)
    wall, roof = rng.uniform(0.50, 0.66), rng.uniform(0.42, 0.56)
    storeys = 1 if wall < 0.57 else 2
    extra = 1.1 if church else 0.0
    unit = max(int(tall * stage.height * reduce), 8)
    art = _Facade(stage, x, front + deep + 0.6 + (0.8 if church else 0), wall + roof + 0.25 + extra, unit)
    paint, tile = WALLS[rng.integers(len(WALLS))], ROOFS[rng.integers(len(ROOFS))]
    if church:
        paint, tile = (0.66, 0.63, 0.57), ROOFS[2]
    grid_y, grid_x = (np.arange(n) / unit for n in art.opacity.shape)
    rough = 1 + 0.10 * value_noise(stage.seed + 501, grid_x * 14, grid_y * 9)
    rough *= 1 + 0.08 * value_noise(stage.seed + 502, grid_x * 60, grid_y * 30)
    courses = (np.sin(grid_y * 2 * np.pi / 0.055) * 0.10).astype(np.float32)[:, None]
    tiles = 1 + courses + 0.20 * value_noise(stage.seed + 503, grid_x * 42, grid_y * 20)
    half, turn = front / 2, 1.0 if rng.random() < 0.5 else -1.0
    x0, x1 = -half - turn * deep / 2, half - turn * deep / 2
    near, far = (x1, x1 + deep) if turn > 0 else (x0, x0 - deep)
    lift = 0.06
    gable = (near + far) / 2
    stone = 1 + 0.25 * value_noise(stage.seed + 504, grid_x * 30, grid_y * 30)
    art.fill([(near, 0), (far, lift), (far, wall + lift), (gable, wall + roof), (near, wall)],
             art.lit(paint, (turn * 0.9, 0.05, 0.35)), rough)  # fmt: skip
    art.fill([(x0, 0), (x1, 0), (x1, wall), (x0, wall)], art.lit(paint, (0, 0.05, 1)), rough)
    art.fill([(x0, 0), (x1, 0), (x1, 0.07), (x0, 0.07)], art.lit((0.24, 0.22, 0.20), (0, 0, 1)), stone)
    other = x0 if turn > 0 else x1
    top_other, out = other + (gable - near), 0.09
    eaves = [(near + turn * out * 0.5, wall - 0.05), (gable + turn * out, wall + roof),
             (top_other - turn * out * 0.3, wall + roof), (other - turn * out, wall - 0.05)]  # fmt: skip
    chimney = top_other + turn * rng.uniform(0.25, 0.7) * front
    brick = art.lit((0.28, 0.14, 0.10), (turn * 0.3, 0.1, 0.9))
    if not church:
        foot, head = wall + roof * 0.7, wall + roof + 0.16
        stack = [(chimney, foot), (chimney + 0.13, foot), (chimney + 0.13, head), (chimney, head)]
        art.fill(stack, brick, stone)
    snowy = np.asarray(1 - 0.06 * np.abs(rough - 1) * 8, np.float32)
    covered = light.snow > 0.5
    art.fill(eaves, art.lit(SNOW if covered else tile, (0, 0.75, 0.62)), snowy if covered else tiles)
    gutter = [eaves[0], (eaves[0][0], eaves[0][1] - 0.025), (eaves[3][0], eaves[3][1] - 0.025), eaves[3]]
    art.fill(gutter, art.lit((0.16, 0.13, 0.11), (0, 0, 1)))
    shade = art.mask([(x0, wall - 0.16), (x1, wall - 0.16), (x1, wall - 0.075), (x0, wall - 0.075)])
    art.color[shade] *= np.float32(0.62)
    _openings(art, rng, x0, front, wall, storeys)
    if church:
        _steeple(art, near + turn * deep * 0.5, wall + roof, tile, paint, rough)
    patch = art.patch(reduce)
    fade = smoothstep(0.0, 0.10, np.arange(patch.shape[0], dtype=np.float32)[::-1] / max(unit / reduce, 1))
    patch[..., :3] *= (0.72 + 0.28 * fade)[:, None, None]
    left = round(x * stage.height - art.left * unit / reduce)
    canvas.blend(patch, BUILDING, left, round(y * stage.height) - patch.shape[0])


def _openings(art: _Facade, rng: np.random.Generator, x0: float, front: float, wall: float, storeys: int) -> None:
    """Door and windows of the front."""
    light = art.stage.light
    count = 3 if front < 1.25 else 4
    door = int(rng.integers(count))
    pitch = front / count
    for storey in range(storeys):
        level = 0.13 + storey * wall * 0.48
        for index in range(count):
            left = x0 + (index + 0.28) * pitch
            lamp = rng.uniform(0.55, 1.25) * light.window if rng.random() < light.lit else 0.0
            if storey == 0 and index == door:
                art.fill([(left, 0.0), (left + 0.19, 0.0), (left + 0.19, 0.34), (left, 0.34)],
                         art.lit((0.16, 0.085, 0.045), (0, 0.05, 1)))  # fmt: skip
            else:
                art.window(left, level, pitch * 0.42, wall * (0.27 if storeys == 2 else 0.42), lamp)


def _steeple(art: _Facade, x: float, base: float, tile: Color, paint: Color, rough: Array) -> None:
    """A tower with a pointed roof."""
    side, top = 0.20, base + 0.28
    art.fill(
        [(x - side, 0), (x + side, 0), (x + side, top), (x - side, top)],
        art.lit(paint, (0.15, 0.05, 0.9)),
        rough,
    )
    for left, right, lean in ((-side * 1.15, 0.0, -0.6), (0.0, side * 1.15, 0.6)):
        art.fill([(x + left, top), (x + right, top), (x, top + 0.85)], art.lit(tile, (lean, 0.4, 0.6)), rough)
    lamp = art.stage.light.window * 0.8 if art.stage.light.lit > 0.2 else 0.0
    art.window(x - 0.06, base - 0.06, 0.12, 0.20, lamp)
