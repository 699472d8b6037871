"""The looks of a procedural scene: its light, air, sky, snow and lamps. Colors are linear radiance, RGB."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from photovst.media.scene_noise import Array, Samples

Color = tuple[float, float, float]


class Look(Enum):
    """Time of day, season or weather; the geometry of a scene does not depend on it."""

    day = "day"
    sunset = "sunset"
    night = "night"
    winter = "winter"
    fog = "fog"
    autumn = "autumn"


@dataclass(frozen=True)
class Light:
    """What a look changes."""

    sun: Color
    """Radiance of the direct light."""
    sun_height: float
    """Tangent of its elevation as it falls on the ground."""
    behind: float
    """Its direction in depth: 1 behind the scene (backlight), -1 behind the viewer."""
    ambient: Color
    """Radiance of the light from the whole sky."""
    zenith: Color
    horizon: Color
    glow: Color
    """Added to sky and air around the sun."""
    glow_width: float
    """How far the glow reaches, in frame heights."""
    air: Color
    """What distance fades to."""
    extinction: float
    """How quickly it fades, per unit of depth."""
    mist: float
    """Extra fading low over the water and in the valleys."""
    cloud_light: Color
    cloud_shade: Color
    cloud_cover: float
    """0 clear to 1 overcast."""
    water: Color
    """The color of the water's body, seen where it does not reflect."""
    foliage: tuple[Color, ...]
    """Albedos of leaves; each tree draws one."""
    grass: tuple[Color, Color]
    """Albedos of meadows: the two ends of their variation."""
    window: float
    """Radiance of a lit window."""
    lit: float
    """Share of the windows that are lit."""
    exposure: float = 1.0
    snow: float = 0.0
    """0 bare to 1 deep snow."""
    disc: float = 0.0
    """Radiance of the sun's or moon's disc; 0 when it is not in the picture."""
    stars: float = 0.0


_GREENS: tuple[Color, ...] = (
    (0.115, 0.185, 0.035), (0.085, 0.150, 0.040), (0.150, 0.200, 0.035), (0.070, 0.130, 0.045),
)  # fmt: skip
_GOLDS: tuple[Color, ...] = (
    (0.52, 0.20, 0.03), (0.60, 0.34, 0.04), (0.38, 0.10, 0.03), (0.22, 0.20, 0.05), (0.55, 0.26, 0.03),
)  # fmt: skip
_MEADOW: tuple[Color, Color] = ((0.070, 0.130, 0.026), (0.190, 0.205, 0.060))

LIGHTS: dict[Look, Light] = {
    Look.day: Light(
        sun=(3.3, 3.0, 2.5), sun_height=0.75, behind=-0.35, ambient=(0.55, 0.74, 1.05),
        zenith=(0.085, 0.21, 0.56), horizon=(0.58, 0.76, 0.95), glow=(0.10, 0.09, 0.06), glow_width=0.9,
        air=(0.46, 0.62, 0.86), extinction=0.028, mist=0.07,
        cloud_light=(1.75, 1.70, 1.62), cloud_shade=(0.46, 0.54, 0.68), cloud_cover=0.46,
        water=(0.025, 0.075, 0.085), foliage=_GREENS, grass=_MEADOW, window=0.0, lit=0.0, exposure=0.92,
    ),
    Look.sunset: Light(
        sun=(2.3, 0.95, 0.30), sun_height=0.16, behind=0.34, ambient=(0.30, 0.235, 0.33),
        zenith=(0.050, 0.085, 0.235), horizon=(0.80, 0.30, 0.16), glow=(1.55, 0.50, 0.07), glow_width=0.27,
        air=(0.40, 0.185, 0.17), extinction=0.040, mist=0.16,
        cloud_light=(0.80, 0.25, 0.18), cloud_shade=(0.135, 0.085, 0.155), cloud_cover=0.48,
        water=(0.025, 0.020, 0.035), foliage=_GREENS, grass=_MEADOW, window=1.5, lit=0.40, disc=11.0,
        exposure=1.05,
    ),
    Look.night: Light(
        sun=(0.135, 0.18, 0.265), sun_height=0.70, behind=0.15, ambient=(0.066, 0.094, 0.160),
        zenith=(0.006, 0.013, 0.036), horizon=(0.034, 0.060, 0.112), glow=(0.075, 0.1, 0.14), glow_width=0.26,
        air=(0.030, 0.050, 0.092), extinction=0.032, mist=0.14,
        cloud_light=(0.115, 0.140, 0.185), cloud_shade=(0.014, 0.021, 0.038), cloud_cover=0.40,
        water=(0.003, 0.006, 0.012), foliage=_GREENS, grass=_MEADOW, window=1.25, lit=0.72, exposure=1.40,
        disc=1.0, stars=1.0,
    ),
    Look.winter: Light(
        sun=(1.95, 1.68, 1.36), sun_height=0.42, behind=-0.15, ambient=(0.44, 0.56, 0.80),
        zenith=(0.19, 0.32, 0.57), horizon=(0.78, 0.82, 0.88), glow=(0.24, 0.17, 0.09), glow_width=0.8,
        air=(0.58, 0.66, 0.79), extinction=0.038, mist=0.20,
        cloud_light=(1.15, 1.10, 1.04), cloud_shade=(0.48, 0.54, 0.64), cloud_cover=0.54,
        water=(0.030, 0.055, 0.075), foliage=_GREENS, grass=_MEADOW, window=1.3, lit=0.25, exposure=0.80,
        snow=1.0,
    ),
    Look.fog: Light(
        sun=(0.34, 0.33, 0.31), sun_height=1.2, behind=0.0, ambient=(0.62, 0.65, 0.68),
        zenith=(0.48, 0.51, 0.54), horizon=(0.62, 0.64, 0.65), glow=(0.26, 0.23, 0.17), glow_width=0.42,
        air=(0.60, 0.62, 0.635), extinction=0.17, mist=0.45,
        cloud_light=(0.74, 0.75, 0.76), cloud_shade=(0.46, 0.48, 0.50), cloud_cover=0.70,
        water=(0.080, 0.095, 0.100), foliage=_GREENS, grass=_MEADOW, window=1.3, lit=0.35, exposure=0.90,
    ),
    Look.autumn: Light(
        sun=(3.1, 2.35, 1.45), sun_height=0.50, behind=-0.25, ambient=(0.52, 0.60, 0.78),
        zenith=(0.11, 0.24, 0.52), horizon=(0.76, 0.76, 0.74), glow=(0.34, 0.22, 0.08), glow_width=0.8,
        air=(0.56, 0.60, 0.67), extinction=0.034, mist=0.14,
        cloud_light=(1.55, 1.38, 1.18), cloud_shade=(0.48, 0.49, 0.56), cloud_cover=0.45,
        water=(0.035, 0.055, 0.060), foliage=_GOLDS, grass=((0.15, 0.145, 0.035), (0.30, 0.22, 0.07)),
        window=0.9, lit=0.12, exposure=0.90,
    ),
}  # fmt: skip


def tone(radiance: Samples) -> Array:
    """Linear radiance to display-referred sRGB in [0, 1], through a film-like curve [Narkowicz2016]."""
    x = np.maximum(radiance, 0) * np.float32(0.66)
    film = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    return np.where(
        film <= 0.0031308, 12.92 * film, 1.055 * np.power(np.maximum(film, 1e-6), np.float32(1 / 2.4)) - 0.055
    ).astype(np.float32)
