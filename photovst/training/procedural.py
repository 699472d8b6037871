"""Samples from procedural scenes: exact flow between any two frames, exact labels, either way in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from photovst.errors import SettingsError
from photovst.training.augmentation import Augmentation, View
from photovst.training.batch import Sample
from photovst.training.painted_scenes import PaintedClip, PaintedScenes
from photovst.training.source import farthest_first
from photovst.types import Size

_TOUCHED = 1e-3
"""Pixels between two rows or columns from which a lookup sees both; less is rounding."""


@dataclass(frozen=True)
class Procedural:
    """A random scene at a random frame, in either order of time, at a random speed.

    Args:
        scenes: the clips.
        augmentation: of the window.
        fastest: frames of the clip to one of the sample at most, as far as the clip is long enough.
    """

    scenes: PaintedScenes
    augmentation: Augmentation = field(default_factory=Augmentation)
    fastest: int = 2

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return "procedural scenes"

    def sample(self, rng: np.random.Generator, size: Size, distances: Sequence[int]) -> Sample:
        """One sample; see `Source`.

        Raises:
            SettingsError: a distance is longer than the clips.
            MediaError: a scene cannot be kept.
        """
        steps, frames = farthest_first(distances), self.scenes.frames
        if steps[0] >= frames:
            raise SettingsError(
                f"{self.name} have {frames} frames, and a distance of {steps[0]} was asked for; give longer ones"
            )
        clip = self.scenes.clip(int(rng.integers(self.scenes.count)))
        speed = int(rng.integers(1, max(min(self.fastest, (frames - 1) // steps[0]), 1) + 1))
        reach = speed * steps[0]
        first = int(rng.integers(frames - reach))
        way = -speed if rng.random() < 0.5 else speed
        current = first if way > 0 else first + reach
        others = [current + way * step for step in steps]
        view = self.augmentation.view(rng, self.scenes.size, size)
        flows, certainties = zip(*(motion(clip, current, other, view) for other in others), strict=True)
        times = (*others, current)
        return Sample(
            torch.stack([view.frame(clip.frames[t]) for t in times]),
            torch.stack(flows),
            torch.stack(certainties),
            torch.stack([view.labels(view.cut(clip.labels[t])) for t in times]),
        )


def motion(clip: PaintedClip, t: int, other: int, view: View) -> tuple[torch.Tensor, torch.Tensor]:
    """Flow ``(2, h, w)`` from frame ``t`` to another in a window, and its certainty ``(1, h, w)``.

    Certain is what the same layer shows in the other frame, in all pixels that a bilinear lookup there sees.
    """
    front = view.cut(clip.front[t])
    moved = clip.steps(t, other)[front]
    known = _seen(front, moved, clip.front[other], (view.top, view.left))
    flow = view.flow(moved)
    return flow, view.certainty(known.astype(np.float32), flow)


def _seen(
    front: NDArray[np.uint8], moved: NDArray[np.float32], other: NDArray[np.uint8], corner: tuple[int, int]
) -> NDArray[np.bool_]:
    """Where a layer of the window shows in the other picture where it moved to."""
    height, width = other.shape
    y = moved[..., 1] + np.arange(corner[0], corner[0] + front.shape[0], dtype=np.float32)[:, None]
    x = moved[..., 0] + np.arange(corner[1], corner[1] + front.shape[1], dtype=np.float32)
    top, left = np.floor(y + _TOUCHED).astype(np.int32), np.floor(x + _TOUCHED).astype(np.int32)
    bottom, right = np.ceil(y - _TOUCHED).astype(np.int32), np.ceil(x - _TOUCHED).astype(np.int32)
    seen = (top >= 0) & (left >= 0) & (bottom < height) & (right < width)
    for row in (top, bottom):
        begin = row.clip(0, height - 1) * width
        for column in (left, right):
            seen &= other.reshape(-1)[begin + column.clip(0, width - 1)] == front
    return np.asarray(seen)
