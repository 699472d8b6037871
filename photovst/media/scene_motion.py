"""How layers move: a camera that pans to and fro, drifting clouds, and things that cross the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from photovst.media.scene_layers import Offset


def to_and_fro(travel: float, reach: float) -> float:
    """Fold an endless path into ``[-reach, reach]`` and back again: a triangle wave of slope 1 through 0."""
    if reach <= 0:
        return 0.0
    phase = math.fmod(abs(travel), 4 * reach)
    if phase > 3 * reach:
        phase -= 4 * reach
    elif phase > reach:
        phase = 2 * reach - phase
    return math.copysign(phase, travel) if phase >= 0 else -math.copysign(-phase, travel)


@dataclass(frozen=True)
class Motion:
    """A layer's path over time; all lengths in frame heights, all speeds in frame heights per frame."""

    parallax: float = 0.0
    """Share of the camera's pan that moves the layer: 0 infinitely far, 1 near."""
    pan: float = 0.0
    """Speed of the camera to the right."""
    pan_reach: float = 0.0
    """Where the camera turns around."""
    drift: float = 0.0
    """The layer's own speed to the right."""
    drift_reach: float = 0.0
    """Where it turns around; with ``wrap``, unused."""
    wrap: float = 0.0
    """After how far something comes back on the other side, having left the picture; 0 for never."""
    start: float = 0.0
    """Where on that width it starts."""
    bob: float = 0.0
    """Amplitude of a slow rise and fall."""
    period: float = 96.0
    """Frames per rise and fall."""

    def offset(self, t: int, height: int) -> Offset:
        """Displacement ``(x, y)`` in pixels at frame ``t``."""
        x = -to_and_fro(self.pan * t, self.pan_reach) * self.parallax
        if self.wrap > 0:
            x += (self.start + self.drift * t) % self.wrap
        else:
            x += to_and_fro(self.drift * t, self.drift_reach)
        y = self.bob * math.sin(2 * math.pi * t / self.period) if self.bob else 0.0
        return x * height, y * height
