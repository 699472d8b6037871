"""Samples from still pictures: frames of a random smooth motion over one picture, whose flow is known exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.media.tensors import to_frame
from photovst.ops.warp import inside
from photovst.training.augmentation import Augmentation
from photovst.training.batch import UNKNOWN_LABEL, Sample
from photovst.training.smooth_motion import MotionRange, Points
from photovst.training.source import farthest_first
from photovst.training.still_pictures import Labels, StillPictures
from photovst.types import Size


@dataclass(frozen=True)
class StillMotion:
    """A random picture under a random motion.

    The current frame is a window of the picture, at a random scale; each earlier frame looks the picture up where the
    motion says that its points are now. Outside the picture it goes on as its mirror image. A picture too small for the
    scale is taken whole, and enlarged where it is smaller than the sample.

    Args:
        pictures: the pictures.
        augmentation: of the window.
        motion: how far the motion goes over the longest distance of a sample.
    """

    pictures: StillPictures
    augmentation: Augmentation = field(default_factory=Augmentation)
    motion: MotionRange = field(default_factory=MotionRange)

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return f"{self.pictures.name} in motion"

    def sample(self, rng: np.random.Generator, size: Size, distances: Sequence[int]) -> Sample:
        """One sample; see `Source`.

        Raises:
            MediaError: the picture cannot be read.
        """
        steps = farthest_first(distances)
        picture, labels = self.pictures.read(int(rng.integers(len(self.pictures))))
        view = self.augmentation.view(rng, (picture.shape[0], picture.shape[1]), size)
        factor = size[0] / view.window[0], size[1] / view.window[1]
        picture, labels, corner = _scaled(picture, labels, factor, (view.top, view.left))
        if view.flipped:
            picture = picture[:, ::-1]
            labels = None if labels is None else labels[:, ::-1]
            corner = (corner[0], picture.shape[1] - size[1] - corner[1])
        picture = np.ascontiguousarray(picture)

        motion = self.motion.drawn(rng, size, steps[0])
        y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
        flow = torch.stack([_flow(motion.earlier((x, y), step), (x, y)) for step in steps])
        places = [motion.current((x, y), step) for step in steps]
        top, left = corner
        now = to_frame(picture[top : top + size[0], left : left + size[1]])[0]
        return Sample(
            torch.stack([*(_looked_up(picture, place, corner) for place in places), now]),
            flow,
            inside(flow).float(),
            torch.stack([_labels(labels, place, corner) for place in (*places, (x, y))]),
        )


def _scaled(
    picture: NDArray[np.uint8], labels: Labels | None, factor: tuple[float, float], corner: tuple[int, int]
) -> tuple[NDArray[np.uint8], Labels | None, tuple[int, int]]:
    """A picture resampled once for all frames, its labels, and a window's corner in it."""
    if factor == (1.0, 1.0):
        return picture, labels, corner
    height, width = (math.ceil(side * by) for side, by in zip(picture.shape[:2], factor, strict=True))
    smaller = height <= picture.shape[0] and width <= picture.shape[1]
    picture = np.asarray(
        cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC), np.uint8
    )
    if labels is not None:
        labels = np.asarray(cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    top, left = (int(place * by) for place, by in zip(corner, factor, strict=True))
    return picture, labels, (top, left)


def _flow(moved: Points, points: Points) -> Tensor:
    return torch.from_numpy(np.stack([moved[0] - points[0], moved[1] - points[1]]))


def _looked_up(picture: NDArray[np.uint8], place: Points, corner: tuple[int, int]) -> Tensor:
    """The picture at places counted from a corner, as a frame.

    Cubic: a linear lookup would blur one frame more than the next. OpenCV before 5 rounds places to 1/32 pixel.
    """
    x, y = place[0] + np.float32(corner[1]), place[1] + np.float32(corner[0])
    return to_frame(cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))[0]


def _labels(labels: Labels | None, place: Points, corner: tuple[int, int]) -> Tensor:
    if labels is None:
        return torch.full(place[0].shape, UNKNOWN_LABEL, dtype=torch.uint8)
    height, width = labels.shape
    column = np.rint(place[0] + corner[1]).astype(np.int64)
    row = np.rint(place[1] + corner[0]).astype(np.int64)
    known = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    found = labels[row.clip(0, height - 1), column.clip(0, width - 1)]
    return torch.from_numpy(np.where(known, found, np.uint8(UNKNOWN_LABEL)))
