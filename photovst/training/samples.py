"""Samples of what a network does while it is trained: a short clip, and its first frame beside the original."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.records import ClipInfo, ColorTags, Picture, as_depth
from photovst.media.scenes import Look, Scene
from photovst.media.tensors import resized, to_frame, to_picture
from photovst.media.video_writer import ClipWriter
from photovst.ops.resize import limit_long_side

FRAMES, LONG_SIDE = 16, 480
"""Of a sample at most: enough to see flicker, and quickly made."""


class Samples:
    """Renders the same few frames again and again.

    Args:
        folder: where ``step_000100.mp4`` and ``step_000100.png`` go.
        clip: what is shown; a procedural scene when not given.
        device: of the network.
        style: a style picture, for networks of any style.

    Raises:
        MediaError: there is no such clip.
    """

    def __init__(self, folder: Path, clip: str | None, device: torch.device, style: Picture | None = None) -> None:
        self.folder, self.device = folder, device
        self.more = () if style is None else (to_frame(style, device),)
        self.frames = _procedural() if clip is None else _beginning(clip)

    def __call__(self, step: int, module: nn.Module) -> NDArray[np.uint8]:
        """Write a sample and return its first frame, the original above the result.

        Raises:
            MediaError: it cannot be written.
        """
        height, width = self.frames[0].shape[:2]
        results: list[Picture] = []
        with torch.inference_mode():
            for frame in self.frames:
                outputs, _ = module(to_frame(frame, self.device), *self.more)
                results.append(to_picture(outputs))
        rate = Fraction(24)
        info = ClipInfo(
            (height, width), "frames", rate, len(results), None, "rgb24", 8, False, False, ColorTags(), 1 / rate
        )
        with ClipWriter(self.folder / f"step_{step:06d}.mp4", info, (height, width)) as writer:
            for index, picture in enumerate(results):
                writer.write(picture, index / rate)
        both = np.asarray(np.concatenate([self.frames[0], results[0]], axis=0), dtype=np.uint8)
        write_image(self.folder / f"step_{step:06d}.png", both)
        return both


def _procedural() -> Sequence[Picture]:
    scene = Scene(3, Look.day, (270, LONG_SIDE), FRAMES)
    return [scene.frame(t) for t in range(FRAMES)]


def _beginning(path: str) -> Sequence[Picture]:
    clip = open_clip(path)
    size = limit_long_side(clip.info.size, LONG_SIDE)
    even = size[0] - size[0] % 2, size[1] - size[1] % 2
    return [resized(as_depth(frame.image, np.uint8), even) for frame in islice(clip, FRAMES)]
