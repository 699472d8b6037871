"""Region masks painted in nine flat colors, as published with [Luan2017]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

COLORS = {
    "blue": (0, 0, 255),
    "green": (0, 255, 0),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "yellow": (255, 255, 0),
    "grey": (128, 128, 128),
    "lightblue": (0, 255, 255),
    "purple": (255, 0, 255),
}
"""The nine colors, in the order of the published masks; a label is an index into them."""

_PALETTE = np.array(list(COLORS.values()), dtype=np.int32)


def snap(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label of the nearest of the nine colors at each pixel: ``(H, W, 3)`` to ``(H, W)``.

    The published masks hold thousands of colors (compression and antialiasing), so an exact match would lose most
    of the picture.
    """
    flat, inverse = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    distance = ((flat.astype(np.int32)[:, None] - _PALETTE[None]) ** 2).sum(axis=2)
    labels: NDArray[np.uint8] = distance.argmin(axis=1).astype(np.uint8)
    return labels[inverse.reshape(-1)].reshape(picture.shape[:2])


def nearness(picture: NDArray[np.uint8], labels: NDArray[np.uint8], distance: float = 60) -> float:
    """Share of pixels within this distance of the color they were taken for: about 1 for a mask, less for a photo."""
    squares = ((picture.astype(np.int32) - _PALETTE[labels]) ** 2).sum(axis=2)
    return float((squares <= distance**2).mean())


def without(labels: NDArray[np.uint8], gone: set[int]) -> NDArray[np.uint8]:
    """Give the pixels of some labels to the label that is nearest in the picture."""
    missing = np.isin(labels, list(gone))
    if not missing.any() or missing.all():
        return labels
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: NDArray[np.uint8] = labels[tuple(nearest)]
    return filled
