"""Random smooth motion of a whole picture that can be computed and undone exactly, at any distance in time.

Global motion is the exponential of a projective generator, so that it is as much farther as the distance says, and
undone by its opposite. Local motion is a chain of waves: each moves points along one axis by a sum of sines of the
other coordinate, and is undone by subtracting the same. So the flow between two frames is known up to rounding, however
the motion bends, and no point is hidden: what one frame shows the other shows too, unless it is outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from photovst.types import Size

Points = tuple[NDArray[np.float32], NDArray[np.float32]]
"""x and y of some points, in pixels."""


@dataclass(frozen=True)
class Wave:
    """One bend: a point's place along one axis changes by sines of its place along the other.

    Args:
        along_x: whether it moves points right and left, or else up and down.
        amplitudes: pixels at distance 1, one a sine.
        frequencies: radians per pixel.
        phases: radians.
    """

    along_x: bool
    amplitudes: tuple[float, ...]
    frequencies: tuple[float, ...]
    phases: tuple[float, ...]

    def moved(self, points: Points, distance: float) -> Points:
        """Points moved for so many frames; the opposite undoes it."""
        x, y = points
        place = y if self.along_x else x
        change = np.zeros_like(place)
        for amplitude, frequency, phase in zip(self.amplitudes, self.frequencies, self.phases, strict=True):
            change += np.float32(amplitude * distance) * np.sin(np.float32(frequency) * place + np.float32(phase))
        return (x + change, y) if self.along_x else (x, y + change)


@dataclass(frozen=True)
class SmoothMotion:
    """Where points of the current frame were in earlier frames.

    Args:
        generator: 3x3, of the projective motion of one frame, about the frame's center in units of its longer half.
        waves: bends, in the order in which they apply on the way back in time.
        size: of the frames, ``(height, width)``.
    """

    generator: NDArray[np.float64]
    waves: tuple[Wave, ...]
    size: Size

    def earlier(self, points: Points, distance: float) -> Points:
        """Where points of the current frame were ``distance`` frames before."""
        for wave in self.waves:
            points = wave.moved(points, distance)
        return self._projected(points, distance)

    def current(self, points: Points, distance: float) -> Points:
        """Where points of the frame ``distance`` before are now: undoes `earlier`."""
        points = self._projected(points, -distance)
        for wave in reversed(self.waves):
            points = wave.moved(points, -distance)
        return points

    def _projected(self, points: Points, distance: float) -> Points:
        half = max(self.size) / 2
        center_y, center_x = ((side - 1) / 2 for side in self.size)
        to_units = np.array([[1 / half, 0, -center_x / half], [0, 1 / half, -center_y / half], [0, 0, 1]])
        matrix = np.linalg.inv(to_units) @ scipy.linalg.expm(distance * self.generator) @ to_units
        a = matrix.astype(np.float32)
        x, y = points
        depth = a[2, 0] * x + a[2, 1] * y + a[2, 2]
        return (a[0, 0] * x + a[0, 1] * y + a[0, 2]) / depth, (a[1, 0] * x + a[1, 1] * y + a[1, 2]) / depth


@dataclass(frozen=True)
class MotionRange:
    """How far random motion goes, at most, over the longest distance of a sample; each is drawn between none and that.

    Args:
        shift: of the frame's longer side.
        turn: radians.
        zoom: logarithm of the factor.
        perspective: change of depth from the center to the edge.
        bend: of the frame's longer side, of all waves together.
    """

    shift: float = 0.06
    turn: float = 0.06
    zoom: float = 0.08
    perspective: float = 0.03
    bend: float = 0.012

    def drawn(self, rng: np.random.Generator, size: Size, longest: int) -> SmoothMotion:
        """A random motion of frames of this size, for distances up to ``longest``."""
        angle = rng.uniform(0, 2 * np.pi)
        # Small motions are as frequent as large ones: video mostly moves by less than it could.
        shift = 2 * self.shift * rng.random() ** 2
        zoom, turn = rng.uniform(-1, 1, 2) * (self.zoom, self.turn)
        tilt = rng.uniform(-1, 1, 2) * self.perspective
        generator = np.array(
            [[zoom, -turn, shift * np.cos(angle)], [turn, zoom, shift * np.sin(angle)], [tilt[0], tilt[1], 0.0]]
        )
        return SmoothMotion(generator / longest, self._waves(rng, size, longest), size)

    def _waves(self, rng: np.random.Generator, size: Size, longest: int) -> tuple[Wave, ...]:
        side, count, sines = max(size), 4, 2
        amount = rng.random() ** 2 * self.bend * side / (count * sines) * 2 / longest
        return tuple(
            Wave(
                bool(index % 2),
                tuple(amount * rng.uniform(-1, 1, sines)),
                tuple(2 * np.pi / (side * rng.uniform(0.4, 1.5, sines))),
                tuple(rng.uniform(0, 2 * np.pi, sines)),
            )
            for index in range(count)
        )
