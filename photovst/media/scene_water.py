"""Still water: every layer behind it is mirrored into it, rippled, and moves exactly as what it reflects."""

from __future__ import annotations

import cv2
import numpy as np

from photovst.media.scene_canvas import WATER, Stage
from photovst.media.scene_layers import Layer
from photovst.media.scene_looks import tone
from photovst.media.scene_noise import Array, Samples, fractal_noise, smoothstep, value_noise

STRETCH = 1.12
"""How much taller than the thing its reflection is: waves tilted toward us draw it out."""


def ripples(stage: Stage, x0: int, columns: int, rows: int) -> tuple[Array, Array]:
    """Slopes of the water along and across the view, on rows below the waterline; larger waves nearer."""
    x = (x0 + np.arange(columns) + 0.5) / stage.height
    d = (np.arange(rows) + 0.5) / stage.height
    along = np.zeros((rows, columns), np.float32)
    across = np.zeros((rows, columns), np.float32)
    for octave in range(6):
        size = 0.0028 * 1.85**octave
        # Each size of wave shows at the distance where it spans a few rows; perspective sizes the next.
        center = np.log(0.004 * 2.15**octave)
        share = np.exp(-np.square((np.log(d + 0.002) - center) / 0.95)).astype(np.float32)[:, None]
        if size * stage.height < 0.6:
            continue
        cells = x / (size * 9), d / size
        along += share * fractal_noise(stage.seed * 3 + 401 + octave, *cells, 1.0, 2, 0.6)
        across += share * value_noise(stage.seed * 3 + 431 + octave, cells[0] * 1.3, cells[1] * 0.8)
    return along, across


def reflection(stage: Stage, layer: Layer, bottom: int, endless: bool) -> Layer:
    """A layer's mirror image in the water, down to row ``bottom``; ``endless`` for the sky: no upper edge."""
    light, height = stage.light, stage.height
    line = round(stage.waterline * height)
    columns, rows = layer.label.shape[1], max(bottom - line, 1)
    along, across = ripples(stage, layer.x0, columns, rows)
    d = ((np.arange(rows, dtype=np.float32) + 0.5) / height)[:, None]
    calm = value_noise(stage.seed + 461, (layer.x0 + np.arange(columns)) / height / 0.7, d[:, 0].astype(float) / 0.045)
    rough = 0.55 + 0.75 * smoothstep(-0.3, 0.8, calm)
    column = np.arange(columns, dtype=np.float32)[None, :]
    reach = rough * np.float32(height) * (0.0025 + 0.11 * d)
    image = np.zeros((rows, columns, 4), np.float32)
    taps = (-0.9, -0.3, 0.3, 0.9)
    source = cv2.copyMakeBorder(layer.rgba, 0, 0, 0, 0, cv2.BORDER_CONSTANT).astype(np.float32)
    for tap in taps:
        up = line - layer.y0 - 0.5 - (d * np.float32(height)) / np.float32(STRETCH) + reach * (along + 0.45 * tap)
        up = np.minimum(up, line - layer.y0 - 0.5).astype(np.float32)
        if endless:
            up = np.maximum(up, 0)  # the sky goes on above the picture
        side = (column + across * reach * 0.35).astype(np.float32)
        image += cv2.remap(source, side, up, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) / len(taps)
    if endless:
        image[..., 3] = 255
    opacity = image[..., 3:] / 255
    # Fresnel: a mirror far off, clearer water nearer; the front of each wave shows the water's body.
    mirror = 0.93 - 1.05 * d + along * (0.05 + 0.55 * d) * rough
    mirror = np.clip(mirror, 0.30, 0.97)[..., None]
    body = tone(np.asarray(light.water, np.float32) * np.float32(light.exposure))
    color = image[..., :3] * mirror + body * 255 * (1 - mirror) * opacity
    if light.disc:
        spark = tone(np.asarray(light.glow, np.float32) * np.float32(8 * light.exposure) + np.float32(0.02))
        share = _sun_path(stage, layer.x0, along, d)[..., None]
        color += (spark * 255 * opacity - color) * share
    rgba = np.concatenate([np.minimum(color, image[..., 3:]), image[..., 3:]], axis=2)
    label = np.where(opacity[..., 0] >= 0.5, WATER, 0).astype(np.uint8)
    return Layer(f"{layer.name} in the water", np.round(np.clip(rgba, 0, 255)).astype(np.uint8), label, layer.x0, line)


def _sun_path(stage: Stage, x0: int, along: Array, d: Samples) -> Array:
    """Glints below the sun: where a wave's slope happens to mirror it, more of them toward the middle."""
    x = ((x0 + np.arange(along.shape[1], dtype=np.float32) + 0.5) / stage.height)[None, :] - stage.sun[0]
    core = np.exp(-np.abs(x) / (0.020 + 0.16 * d))
    facets = smoothstep(0.10, 0.75, along + 1.15 * core - 0.50)
    return np.asarray(np.clip(core * 1.2, 0, 1) * facets * 0.9, np.float32)
