"""Thresholds for rounding that spread a level's step over an area: blue noise by void and cluster [Ulichney1993]."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Pixels after which the pattern repeats; a power of two."""

_SPREAD = 1.5
_FIRST = 10


@cache
def blue_noise(side: int = SIDE) -> NDArray[np.float32]:
    """Thresholds ``(side, side)`` in (0, 1), each value once, neighbors as unlike as can be; tiles without a seam.

    The same at each call: a picture is dithered alike wherever and whenever it is made.
    """
    energy = _energies(side)
    pixels = side * side
    start = np.zeros(pixels, bool)
    start[np.random.default_rng(0).permutation(pixels)[: pixels // _FIRST]] = True
    field = energy[start].sum(0)
    # Points move from the densest place to the emptiest, until the densest is the one just filled.
    while True:
        cluster = int(np.where(start, field, -np.inf).argmax())
        start[cluster] = False
        field -= energy[cluster]
        void = int(np.where(start, np.inf, field).argmin())
        start[void] = True
        field += energy[void]
        if void == cluster:
            break
    order = np.empty(pixels, int)
    left, remaining = start.copy(), field.copy()
    for rank in reversed(range(int(start.sum()))):
        cluster = int(np.where(left, remaining, -np.inf).argmax())
        left[cluster] = False
        remaining -= energy[cluster]
        order[cluster] = rank
    for rank in range(int(start.sum()), pixels):
        void = int(np.where(start, np.inf, field).argmin())
        start[void] = True
        field += energy[void]
        order[void] = rank
    return ((order + 0.5) / pixels).reshape(side, side).astype(np.float32)


def _energies(side: int) -> NDArray[np.float32]:
    """How much each pixel crowds each other, on a picture whose opposite edges meet."""
    along = np.arange(side)
    apart = np.minimum(along, side - along)
    single = np.exp(-(apart[:, None] ** 2 + apart**2) / (2 * _SPREAD**2)).astype(np.float32)
    shifted = [np.roll(single, (y, x), (0, 1)).ravel() for y in range(side) for x in range(side)]
    return np.stack(shifted)
