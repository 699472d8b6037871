"""The sky: gradient, sun or moon with its glow, stars, and a deck of clouds in perspective."""

from __future__ import annotations

import cv2
import numpy as np

from photovst.media.scene_canvas import SKY, Canvas
from photovst.media.scene_noise import Array, Samples, fractal_noise, smoothstep, value_noise, white_noise


def paint_sky(canvas: Canvas) -> None:
    """Fill the canvas with sky; opaque everywhere."""
    rows, columns = canvas.label.shape
    # Painted wider than is kept: how much of the sky is asked for then does not change what is near its edge.
    margin = round(0.1 * canvas.stage.height)
    x0, y0 = canvas.x0 - margin, canvas.y0
    wide = Canvas(canvas.stage, x0, x0 + columns + 2 * margin, y0, y0 + rows)
    _fill(wide)
    canvas.color[:] = wide.color[:, margin : margin + columns]
    canvas.label[:] = SKY


def _fill(canvas: Canvas) -> None:
    """Clouds over the clear sky."""
    stage, light = canvas.stage, canvas.stage.light
    rows, columns = canvas.label.shape
    x = (canvas.x0 + np.arange(columns) + 0.5) / stage.height
    y = (canvas.y0 + np.arange(rows) + 0.5) / stage.height
    radiance = _clear_sky(canvas, x, y)
    cover, bright = _clouds(canvas, x, y)
    near = _glow(canvas, x, y, 1.5)
    lit = np.asarray(light.cloud_light, np.float32) + near[..., None] * np.asarray(light.glow, np.float32)
    shade = np.asarray(light.cloud_shade, np.float32)
    cloud = shade + (lit - shade) * bright[..., None]
    haze = np.exp(-np.maximum(stage.waterline - y, 0) / 0.10).astype(np.float32)[:, None] * np.float32(0.75)
    cloud += (np.asarray(light.horizon, np.float32) + near[..., None] * np.asarray(light.glow, np.float32)
              - cloud) * haze[..., None]  # fmt: skip
    radiance += (cloud - radiance) * cover[..., None]
    canvas.color[..., :3] = np.maximum(radiance, 0)
    canvas.color[..., 3] = 1


def _glow(canvas: Canvas, x: Samples, y: Samples, widen: float = 1.0) -> Array:
    """Brightness of the glow around the sun, 1 at its center."""
    stage = canvas.stage
    distance = np.hypot(x[None, :] - stage.sun[0], (y[:, None] - stage.sun[1]) * 1.15)
    glow: Array = np.exp(-distance / (stage.light.glow_width * widen)).astype(np.float32)
    return glow


def _clear_sky(canvas: Canvas, x: Samples, y: Samples) -> Array:
    """Everything behind the clouds."""
    stage, light = canvas.stage, canvas.stage.light
    haze = value_noise(stage.seed + 71, x / 0.9, y / 0.25) + fractal_noise(stage.seed + 72, x, y, 0.2, 3)
    up = np.clip((stage.waterline - y) / stage.waterline, 0, 1)[:, None] + 0.018 * haze
    share = np.clip(1 - up, 0, 1) ** np.float32(2.1)
    zenith, horizon = (np.asarray(color, np.float32) for color in (light.zenith, light.horizon))
    radiance = zenith + (horizon - zenith) * share[..., None]
    radiance = radiance + _glow(canvas, x, y)[..., None] * np.asarray(light.glow, np.float32)
    if light.stars:
        radiance += _stars(canvas, up)[..., None] * np.float32(light.stars)
    if light.disc:
        distance = np.hypot(x[None, :] - stage.sun[0], y[:, None] - stage.sun[1])
        radius = 0.024
        inside = np.clip((radius - distance) * stage.height + 0.5, 0, 1).astype(np.float32)
        face = 1 - 0.10 * np.square(distance / radius)
        if light.stars:  # the moon has seas
            face = face + 0.24 * fractal_noise(stage.seed + 77, x - stage.sun[0], y - stage.sun[1], 0.014, 3)
        color = np.asarray(light.glow, np.float32) / max(light.glow) + np.float32(0.25)
        bloom = np.exp(-np.square(distance / 0.06)).astype(np.float32) * np.float32(0.06)
        disc = (inside * face.astype(np.float32) + bloom) * np.float32(light.disc)
        radiance = radiance + disc[..., None] * color
    return np.asarray(radiance, np.float32)


def _stars(canvas: Canvas, up: Array) -> Array:
    """A few hundred stars of all brightnesses, none down in the haze; the same ones at every resolution."""
    stage = canvas.stage
    rows, columns = canvas.label.shape
    cell = 0.011
    first, last = (
        int(np.floor(canvas.x0 / stage.height / cell)),
        int((canvas.x0 + columns) / stage.height / cell) + 1,
    )
    deep = int((canvas.y0 + rows) / stage.height / cell) + 1
    top = int(np.floor(canvas.y0 / stage.height / cell))
    grid = [white_noise(stage.seed * 7 + k, first, top, deep - top, last - first) * 0.5 + 0.5 for k in range(3)]
    out = np.zeros((rows, columns), np.float32)
    radius = max(0.0009 * stage.height, 0.55)
    reach = int(np.ceil(3 * radius))
    for j, i in zip(*np.nonzero(grid[0] > 0.86), strict=True):
        px = (first + i + grid[1][j, i]) * cell * stage.height - canvas.x0
        py = (top + j + grid[2][j, i]) * cell * stage.height - canvas.y0
        c, r = int(px), int(py)
        if not (reach <= c < columns - reach and reach <= r < rows - reach):
            continue
        dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        bright = 0.03 + 0.9 * float((grid[0][j, i] - 0.86) / 0.14) ** 6
        spot = np.exp(-(np.square(dx + c - px) + np.square(dy + r - py)) / (2 * radius**2))
        out[r - reach : r + reach + 1, c - reach : c + reach + 1] += (bright * spot).astype(np.float32)
    return out * smoothstep(0.18, 0.55, up)


def _clouds(canvas: Canvas, x: Samples, y: Samples) -> tuple[Array, Array]:
    """Cover and brightness of the clouds: warped noise, flattened at the horizon, lit from the sun's side."""
    stage, light = canvas.stage, canvas.stage.light
    # Rows squeeze toward the horizon as a level deck of clouds does; columns stay put so that drift is rigid.
    deck = np.log1p(np.maximum(stage.waterline + 0.10 - y, 0.004) * 9) * 0.36
    size = 1.0 / (0.35 + 1.4 * np.maximum(stage.waterline + 0.10 - y, 0.0))
    weather = np.random.default_rng([stage.seed, 4])
    scale, more = weather.uniform(0.15, 0.27), weather.uniform(-0.10, 0.07)
    base = fractal_noise(stage.seed + 51, x, deck, scale, 8, 0.55, aspect=1.9)
    wisps = fractal_noise(stage.seed + 52, x, deck * 1.5, 0.22, 7, 0.58, aspect=3.4)
    bend_x = fractal_noise(stage.seed + 53, x, deck, 0.16, 5) * np.float32(0.055 * stage.height)
    bend_y = fractal_noise(stage.seed + 54, x, deck, 0.16, 5) * np.float32(0.030 * stage.height) / size[:, None]
    rows, columns = base.shape
    column, row = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    moved = (column + bend_x, row + bend_y.astype(np.float32))
    warped = cv2.remap(base, *moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    base = np.asarray(warped, np.float32)
    amount = np.float32(0.52 - light.cloud_cover - more)
    dense = base + 0.18 * wisps - amount * 0.9
    heaps = smoothstep(0.02, 0.26, dense)
    veil = smoothstep(0.05, 0.95, wisps + 0.4 * base + 0.25) * np.float32(0.55 * light.cloud_cover)
    cover = 1 - (1 - heaps * np.float32(0.96)) * (1 - veil)
    if light.disc:  # a gap where the sun or moon looks through
        gap = np.hypot(x[None, :] - stage.sun[0], (y[:, None] - stage.sun[1]) * 1.3) / 0.085
        cover = cover * (1 - 0.85 * np.exp(-np.square(gap + 0.35 * wisps))).astype(np.float32)
    step = max(int(0.022 * stage.height), 1)
    side = int(np.sign(float(stage.facing((canvas.x0 + columns / 2) / stage.height)))) or 1
    # What stands between a point and the light: the density a little way up and toward the sun.
    toward = cv2.GaussianBlur(dense, (0, 0), max(0.006 * stage.height, 0.5))
    down = max(light.sun_height, 0.3)
    shift = np.array([[1, 0, side * step * 0.8], [0, 1, -step * down]], np.float32)
    ahead = cv2.warpAffine(toward, shift, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                           borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    bright = 0.62 + 1.9 * (toward - ahead) - 0.55 * np.clip(dense - 0.10, 0, 1) + 0.10 * wisps
    edge = np.square(1 - heaps) * 0.45
    return cover, np.clip(bright + edge, 0, 1.25).astype(np.float32)
