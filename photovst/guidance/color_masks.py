"""Region masks painted in nine flat colors, as published with [Luan2017]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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

Labels = NDArray[np.int64]


def snap(picture: NDArray[np.uint8], colors: Sequence[tuple[int, int, int]] = tuple(COLORS.values())) -> Labels:
    """Label of the nearest of some colors at each pixel, ``(H, W, 3)`` to ``(H, W)``: an index into them.

    The published masks hold thousands of colors (compression and antialiasing), so an exact match would lose most
    of the picture.
    """
    red, green, blue = np.moveaxis(picture.astype(np.int32), 2, 0)
    codes, inverse = np.unique((red << 16) + (green << 8) + blue, return_inverse=True)  # one number sorts fast
    flat = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    distance = ((flat[:, None] - np.array(colors, np.int32)[None]) ** 2).sum(axis=2)
    labels: Labels = distance.argmin(axis=1)[inverse.reshape(-1)].reshape(picture.shape[:2])
    return labels


def near(
    picture: NDArray[np.uint8],
    labels: Labels,
    colors: Sequence[tuple[int, int, int]] = tuple(COLORS.values()),
    distance: float = 60,
) -> NDArray[np.bool_]:
    """Which pixels lie within this distance of the color they were taken for: about all of a mask, few of a photo."""
    squares = ((picture.astype(np.int32) - np.array(colors, np.int32)[labels]) ** 2).sum(axis=2)
    return np.asarray(squares <= distance**2)


def without(labels: Labels, gone: set[int]) -> Labels:
    """Give the pixels of some labels to the label that is nearest in the picture."""
    missing = np.isin(labels, list(gone))
    if not missing.any() or missing.all():
        return labels
    from scipy.ndimage import distance_transform_edt  # slow to load, and only masks from files come here

    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: Labels = labels[tuple(nearest)]
    return filled
