"""Rigid layers: what a frame shows, what covers what, and where its points went, exact by construction.

A layer is a painted texture that only ever translates. All that a frame shows, and all its ground truth,
comes from the textures and their offsets: a pixel belongs to the nearest layer whose opacity there is at
least one half, its flow is the change of that layer's offset, and it is occluded when a nearer layer's
opacity reaches one half at the place it moves to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.types import Size

Offset = tuple[float, float]
"""A layer's displacement ``(x, y)`` in pixels."""

TAPS = np.arange(-2, 4)


@dataclass(frozen=True, eq=False)
class Layer:
    """One rigid texture: premultiplied RGBA and labels, its top left at ``(x0, y0)`` before it moves."""

    name: str
    rgba: NDArray[np.uint8]
    label: NDArray[np.uint8]
    x0: int
    y0: int


def fractional_taps(fraction: float) -> NDArray[np.float32]:
    """The six Lanczos weights that sample a row at ``fraction`` (0 to 1) beyond a pixel; they sum to 1."""
    distance = TAPS - fraction
    weights = np.sinc(distance) * np.sinc(distance / 3) * (np.abs(distance) < 3)
    return np.asarray(weights / weights.sum(), np.float32)


def _cut(image: NDArray[np.uint8], top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """A window of an image, zero where it lies outside."""
    inside = image[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if inside.shape[:2] == (height, width):
        return inside
    out = np.zeros((height, width, *image.shape[2:]), np.uint8)
    r, c = max(-top, 0), max(-left, 0)
    out[r : r + inside.shape[0], c : c + inside.shape[1]] = inside
    return out


def _bounds(layer: Layer, offset: Offset, size: Size) -> tuple[int, int, int, int] | None:
    """Frame rows and columns ``(top, bottom, left, right)`` a layer can reach; None when out of view."""
    rows, columns = layer.label.shape
    top = max(int(np.floor(layer.y0 + offset[1])) - 3, 0)
    left = max(int(np.floor(layer.x0 + offset[0])) - 3, 0)
    bottom = min(int(np.ceil(layer.y0 + offset[1])) + rows + 3, size[0])
    right = min(int(np.ceil(layer.x0 + offset[0])) + columns + 3, size[1])
    return (top, bottom, left, right) if top < bottom and left < right else None


def sample(
    image: NDArray[np.uint8], layer: Layer, offset: Offset, box: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """One of a layer's images (same grid as its label) at a sub-pixel offset, within a box of the frame."""
    top, bottom, left, right = box
    # Rounding removes the dust of adding and subtracting offsets, so that equal motions sample equal values.
    x = round(left - layer.x0 - offset[0], 6)
    y = round(top - layer.y0 - offset[1], 6)
    column, row = int(np.floor(x)), int(np.floor(y))
    window = _cut(image, row - 2, column - 2, bottom - top + 5, right - left + 5)
    if x == column and y == row:
        return window[2:-3, 2:-3].astype(np.float32)
    filtered = cv2.sepFilter2D(
        np.ascontiguousarray(window),
        cv2.CV_32F,
        fractional_taps(x - column),
        fractional_taps(y - row),
        anchor=(2, 2),
    )
    return np.asarray(filtered[2:-3, 2:-3], np.float32)


def composite(layers: Sequence[Layer], offsets: Sequence[Offset], size: Size) -> NDArray[np.uint8]:
    """The frame ``(H, W, 3)``: layers, farthest first, each over the ones before it."""
    frame = np.zeros((*size, 3), np.float32)
    for layer, offset in zip(layers, offsets, strict=True):
        box = _bounds(layer, offset, size)
        if box is None:
            continue
        top, bottom, left, right = box
        patch = sample(layer.rgba, layer, offset, box)
        view = frame[top:bottom, left:right]
        view *= 1 - np.clip(patch[..., 3:] * np.float32(1 / 255), 0, 1)
        view += patch[..., :3]
    return np.asarray(np.clip(frame + np.float32(0.5), 0, 255), np.uint8)


def _opaque(layer: Layer, offset: Offset, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """Where in a box of the frame the layer's opacity is at least one half."""
    return sample(layer.rgba[..., 3], layer, offset, box) >= 127.5


def front_layer(layers: Sequence[Layer], offsets: Sequence[Offset], size: Size) -> NDArray[np.int16]:
    """Index of the nearest layer that is at least half opaque, at every pixel."""
    front = np.zeros(size, np.int16)
    for index, (layer, offset) in enumerate(zip(layers, offsets, strict=True)):
        box = _bounds(layer, offset, size)
        if box is not None and index:
            front[box[0] : box[1], box[2] : box[3]][_opaque(layer, offset, box)] = index
    return front


def front_labels(layers: Sequence[Layer], offsets: Sequence[Offset], front: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The label of the front layer's nearest texture pixel, at every pixel."""
    labels = np.zeros(front.shape, np.uint8)
    for index, (layer, offset) in enumerate(zip(layers, offsets, strict=True)):
        mine = front == index
        if mine.any():
            left = int(np.floor(round(-layer.x0 - offset[0], 6) + 0.5))
            top = int(np.floor(round(-layer.y0 - offset[1], 6) + 0.5))
            labels[mine] = _cut(layer.label, top, left, *front.shape)[mine]
    return labels


def displacement(front: NDArray[np.int16], offsets: Sequence[Offset], others: Sequence[Offset]) -> NDArray[np.float32]:
    """Flow ``(H, W, 2)`` in pixels: how far each pixel's layer moves from ``offsets`` to ``others``."""
    table = np.asarray(others, np.float64) - np.asarray(offsets, np.float64)
    return table.astype(np.float32)[front]


def occluded(
    layers: Sequence[Layer], offsets: Sequence[Offset], others: Sequence[Offset], front: NDArray[np.int16]
) -> NDArray[np.bool_]:
    """Pixels without a counterpart at ``others``: they leave the frame, or a nearer layer covers them there.

    The nearer layer is looked up at exactly the place the pixel moves to, between pixels where need be.
    """
    height, width = front.shape
    result = np.zeros(front.shape, np.bool_)
    rows, columns = np.arange(height), np.arange(width)
    for index in np.unique(front):
        dx, dy = (b - a for a, b in zip(offsets[index], others[index], strict=True))
        mine = front == index
        x, y = np.round(columns + dx, 6), np.round(rows + dy, 6)
        gone = ((y < 0) | (y > height - 1))[:, None] | ((x < 0) | (x > width - 1))[None, :]
        for nearer in range(int(index) + 1, len(layers)):
            # As the moving pixel sees it, the nearer layer stands at its offset less the pixel's own motion.
            relative = (others[nearer][0] - dx, others[nearer][1] - dy)
            if np.allclose(relative, offsets[nearer], rtol=0, atol=1e-6):
                continue  # moves along with us: what it does not cover now it will not cover then
            box = _bounds(layers[nearer], relative, (height, width))
            if box is not None and mine[box[0] : box[1], box[2] : box[3]].any():
                gone[box[0] : box[1], box[2] : box[3]] |= _opaque(layers[nearer], relative, box)
        result |= mine & gone
    return result
