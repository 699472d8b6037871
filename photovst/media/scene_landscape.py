"""The composition: which layers make a landscape, where they stand, how far away, and how they move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photovst.media.scene_canvas import Canvas, Stage
from photovst.media.scene_foreground import paint_bank
from photovst.media.scene_layers import Layer
from photovst.media.scene_looks import LIGHTS, Look
from photovst.media.scene_motion import Motion
from photovst.media.scene_relief import mountain_material, ridge_height
from photovst.media.scene_settlement import paint_field, paint_shore, paint_woods
from photovst.media.scene_sky import paint_sky
from photovst.media.scene_terrain import Relief, paint_relief
from photovst.media.scene_vessels import balloon, birds, sail_boat
from photovst.media.scene_water import reflection
from photovst.types import Size

Placed = tuple[Layer, Motion]
PAD = 0.03
"""Frame heights painted beyond what is ever in view, for the sampling filter and the ripples' reach."""


@dataclass(frozen=True)
class Staging:
    """What moves, and how fast, in frame heights per frame; how far the camera and the clouds ever get."""

    pan: float
    pan_reach: float
    drift: float
    drift_reach: float
    objects: float
    with_objects: bool
    with_water: bool


class _Builder:
    """Paints layers, farthest first, each as wide as the camera will ever see it."""

    def __init__(self, stage: Stage, width: int, staging: Staging) -> None:
        self.stage, self.width, self.staging = stage, width, staging
        self.layers: list[Placed] = []

    def motion(self, parallax: float, drift: float = 0.0) -> Motion:
        """Motion of a layer that the camera's pan carries along."""
        plan = self.staging
        reach = plan.drift_reach if drift else 0.0
        return Motion(parallax, plan.pan, plan.pan_reach, drift, reach)

    def canvas(self, motion: Motion, top: float, bottom: float) -> Canvas:
        """A canvas between two world heights, as wide as a layer of that motion needs."""
        height, pad = self.stage.height, 12 + round(PAD * self.stage.height)
        reach = int(np.ceil((motion.pan_reach * motion.parallax + motion.drift_reach) * height)) + pad
        rows = round(top * height), round(bottom * height) + pad
        return Canvas(self.stage, -reach, self.width + reach, *rows)

    def add(self, canvas: Canvas, name: str, depth: float, motion: Motion) -> None:
        """Finish a canvas as the nearest layer so far."""
        self.layers.append((canvas.finished(name, depth, self.stage.seed * 101 + 7 * len(self.layers)), motion))

    def crossing(self, canvas: Canvas, name: str, depth: float, parallax: float, speed: float, bob: float) -> None:
        """Add something that crosses the picture again and again, coming back on the far side."""
        plan = self.staging
        own = canvas.label.shape[1] / self.stage.height
        wide = self.stage.aspect + 2 * plan.pan_reach * parallax
        wrap = wide + own + 4 * abs(speed) + 0.1
        leftmost = -plan.pan_reach * parallax - own - 2 * abs(speed) - 0.05
        left = round(leftmost * self.stage.height)
        start = (canvas.x0 - left) / self.stage.height
        layer = canvas.finished(name, depth, self.stage.seed * 101 + 7 * len(self.layers))
        layer = Layer(layer.name, layer.rgba, layer.label, left, layer.y0)
        motion = Motion(parallax, plan.pan, plan.pan_reach, speed, 0.0, wrap, start, bob)
        self.layers.append((layer, motion))


def build(look: Look, seed: int, size: Size, staging: Staging) -> tuple[Placed, ...]:
    """All layers of a landscape with their motions, farthest first."""
    height, width = size
    rng = np.random.default_rng([seed, 1])
    aspect = width / height
    valley = aspect * (0.5 + rng.choice([-1, 1]) * rng.uniform(0.08, 0.20))
    waterline = rng.uniform(0.600, 0.635)
    sun = (valley + rng.normal(0, 0.02), waterline - rng.uniform(0.150, 0.165))
    if look is Look.night:
        sun = (sun[0], waterline - rng.uniform(0.44, 0.48))
    elif look in (Look.day, Look.winter, Look.autumn):
        sun = (aspect * (1.25 if valley > aspect / 2 else -0.25), -0.15)
    elif look is Look.fog:
        sun = (sun[0], waterline - 0.36)
    stage = Stage(height, aspect, seed, LIGHTS[look], (float(sun[0]), float(sun[1])), float(waterline))
    builder = _Builder(stage, width, staging)
    sky = builder.motion(0.02, staging.drift)
    canvas = builder.canvas(sky, 0, waterline + 0.12)
    paint_sky(canvas)
    builder.add(canvas, "sky", 0, sky)
    _ridges(builder, valley)
    if staging.with_objects:
        flyer = np.random.default_rng([seed, 2])
        size_of = flyer.uniform(0.10, 0.13)
        place = valley + flyer.uniform(-0.25, 0.25), flyer.uniform(0.30, 0.38)
        builder.crossing(balloon(stage, *place, size_of, flyer), "balloon", 1.6, 0.15, 0.6 * staging.objects, 0.006)
    _wooded_hills(builder, valley)
    shore = builder.motion(0.40)
    canvas = builder.canvas(shore, waterline - 0.34, waterline + (0.0 if staging.with_water else 0.2))
    paint_shore(canvas, valley, staging.with_water)
    builder.add(canvas, "shore", 2.0, shore)
    if staging.with_water:
        _water(builder)
    else:
        _fields(builder)
    if staging.with_objects:
        sailor = np.random.default_rng([seed, 3])
        if staging.with_water:
            near = sailor.random()
            place = aspect * sailor.uniform(0.34, 0.66), waterline + 0.035 + 0.055 * near
            boat = sail_boat(stage, *place, 0.11 + 0.075 * near)
            builder.crossing(boat, "sail boat", 1.0, 0.52, staging.objects, 0.0)
        place = aspect * sailor.uniform(0.42, 0.58), sailor.uniform(0.13, 0.20)
        builder.crossing(birds(stage, *place, 0.16, sailor), "birds", 1.2, 0.15, 1.7 * staging.objects, 0.004)
    bank = builder.motion(0.80)
    canvas = builder.canvas(bank, -0.06, 1.0)
    paint_bank(canvas, valley, staging.with_water)
    builder.add(canvas, "bank", 0.25, bank)
    return tuple(builder.layers)


def _ridges(builder: _Builder, valley: float) -> None:
    """Three mountain ranges, paler the farther they are."""
    stage, line = builder.stage, builder.stage.waterline
    plans = ((0.05, 24.0, 0.47, 0.85, 0.42, 0.80, 0.50), (0.10, 14.0, 0.36, 0.75, 0.30, 0.86, 0.66),
             (0.15, 8.5, 0.27, 0.60, 0.24, 0.92, 0.95))  # fmt: skip
    for index, (parallax, depth, peak, deep, cell, opening, snowline) in enumerate(plans):
        seed = stage.seed * 1009 + 31 * index + 3
        motion = builder.motion(parallax)
        canvas = builder.canvas(motion, 0.02 + 0.06 * index, line + 0.005)
        center = valley + (0.0, 0.10, -0.12)[index]
        field = ridge_height(seed, peak, deep, cell, center, opening)
        material = mountain_material(stage, seed, peak, snowline, (0.22, 0.36, 0.60)[index])
        paint_relief(canvas, Relief(field, material, line + 0.015, deep, 0.10))
        builder.add(canvas, f"ridge {index + 1}", depth, motion)


def _wooded_hills(builder: _Builder, valley: float) -> None:
    """Two hills covered with woods."""
    line = builder.stage.waterline
    for index, (parallax, depth, peak) in enumerate(((0.20, 5.0, 0.14), (0.30, 3.2, 0.090))):
        motion = builder.motion(parallax)
        canvas = builder.canvas(motion, line - 0.30, line + 0.005)
        paint_woods(canvas, valley + (0.15, -0.2)[index], peak, index)
        builder.add(canvas, f"woods {index + 1}", depth, motion)


def _water(builder: _Builder) -> None:
    """The lake: a mirror image of every layer behind it but what crosses, each moving with its original."""
    height, line = builder.stage.height, builder.stage.waterline
    for layer, motion in list(builder.layers):
        if motion.wrap == 0:
            reach = 1.0 if layer.name == "sky" else min(line + 1.2 * (line - layer.y0 / height), 1.0)
            bottom = round((reach + PAD) * height) + 12
            builder.layers.append((reflection(builder.stage, layer, bottom, layer.name == "sky"), motion))


def _fields(builder: _Builder) -> None:
    """Instead of a lake, meadows that roll toward us."""
    line = builder.stage.waterline
    for index, (parallax, depth) in enumerate(((0.50, 1.2), (0.65, 0.6))):
        motion = builder.motion(parallax)
        canvas = builder.canvas(motion, line - 0.12 + 0.10 * index, line + 0.26 + 0.2 * index)
        paint_field(canvas, index)
        builder.add(canvas, f"field {index + 1}", depth, motion)
