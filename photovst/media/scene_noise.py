"""Band-limited lattice noise in world coordinates, the texture of every procedural scene.

A lattice point's value is a hash of its integer coordinates, so a texture does not depend on how much of it
is painted; between lattice points a cubic B-spline interpolates, whose smoothness hides the lattice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Samples = NDArray[np.floating[Any]]
"""Coordinates or values of either precision."""


def _scramble(h: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Avalanche: every bit of the input changes half of the output's."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return h ^ (h >> np.uint32(16))


def _hash(ix: NDArray[np.int64], iy: NDArray[np.int64], seed: int) -> Array:
    """Uniform values in [-1, 1) for every pair of lattice coordinates, ``(len(iy), len(ix))``."""
    start = np.array([(seed * 0xC2B2AE3D + 0x27D4EB2F) & 0xFFFFFFFF], np.uint32)
    row = _scramble(_scramble(start) ^ (iy.astype(np.uint32) * np.uint32(0x85EBCA77)))
    h = _scramble(row[:, None] ^ (ix.astype(np.uint32) * np.uint32(0x9E3779B1))[None, :])
    return h.astype(np.float32) * np.float32(2.0**-31) - np.float32(1)


def _bspline(position: Samples) -> tuple[NDArray[np.int64], Array]:
    """First lattice index (n) and the four cubic B-spline weights (n, 4) of each position."""
    index = np.floor(position).astype(np.int64)
    t = position - index
    s = 1 - t
    weights = np.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], 1) / 6
    return index - 1, weights.astype(np.float32)


def value_noise(seed: int, xs: Samples, ys: Samples) -> Array:
    """Smooth noise of about unit range, ``(len(ys), len(xs))``; coordinates in lattice cells."""
    ix, wx = _bspline(xs)
    iy, wy = _bspline(ys)
    left, top = int(ix.min()), int(iy.min())
    lattice = _hash(np.arange(left, int(ix.max()) + 4), np.arange(top, int(iy.max()) + 4), seed)
    across = sum(lattice[:, ix - left + k] * wx[:, k] for k in range(4))
    assert not isinstance(across, int)
    out = np.zeros((len(ys), len(xs)), np.float32)
    for k in range(4):
        out += across[iy - top + k] * wy[:, k, None]
    return out * np.float32(1.9)  # the spline's averaging leaves about half of the lattice's range


def white_noise(seed: int, x0: int, y0: int, height: int, width: int) -> Array:
    """Independent uniform values in [-1, 1) for the pixels of a window at ``(x0, y0)``."""
    return _hash(np.arange(x0, x0 + width), np.arange(y0, y0 + height), seed)


def fractal_noise(
    seed: int,
    xs: Samples,
    ys: Samples,
    cell: float,
    octaves: int,
    gain: float = 0.5,
    aspect: float = 1.0,
) -> Array:
    """Sum of octaves of `value_noise`, each half the size and ``gain`` times the height of the one before.

    ``cell`` is the first octave's size in the units of ``xs``; ``aspect`` stretches it along x. Octaves finer
    than the sampling are left out: they would alias.
    """
    out = np.zeros((len(ys), len(xs)), np.float32)
    step = max(_spacing(xs) / aspect, _spacing(ys))
    amplitude, total = 1.0, 0.0
    for octave in range(octaves):
        size = cell * 0.49**octave
        total += amplitude
        if octave == 0 or size > 1.1 * step:
            shift = 17.31 * octave
            noise = value_noise(seed * 31 + octave, xs / (size * aspect) + shift, ys / size - shift)
            out += np.float32(amplitude) * noise
        amplitude *= gain
    return out / np.float32(total)


def ridged_noise(seed: int, xs: Samples, ys: Samples, cell: float, octaves: int, gain: float = 0.5) -> Array:
    """Ridged multifractal [Musgrave1989]: creases of ``1 - |noise|``, with most detail on the crests."""
    out = np.zeros((len(ys), len(xs)), np.float32)
    weight = np.ones_like(out)
    step = max(_spacing(xs), _spacing(ys))
    amplitude, total = 1.0, 0.0
    for octave in range(octaves):
        size = cell * 0.48**octave
        total += amplitude
        if octave == 0 or size > 1.1 * step:
            shift = 11.7 * octave
            noise = value_noise(seed * 37 + octave, xs / size + shift, ys / size - shift)
            crest = np.square(np.clip(1 - np.abs(noise) * 1.3, 0, 1)) * weight
            weight = np.clip(crest * 1.8, 0, 1)
            out += np.float32(amplitude) * crest
        amplitude *= gain
    return out / np.float32(total)


def smoothstep(low: float, high: float, x: Samples) -> Array:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _spacing(xs: Samples) -> float:
    """The largest distance between neighbouring samples."""
    return float(np.max(np.abs(np.diff(xs)))) if len(xs) > 1 else 0.0
