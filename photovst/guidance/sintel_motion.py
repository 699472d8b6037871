"""The true motion of MPI-Sintel's clips [Butler2012], from its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.datasets.sintel import NAME, FrameTruth
from photovst.errors import MediaError
from photovst.guidance.flow import FlowPair
from photovst.guidance.flow_folder import UNKNOWN
from photovst.media.flow_files import read_flow
from photovst.media.images import read_image
from photovst.ops.resize import resize
from photovst.ops.warp import inside, resize_flow
from photovst.types import Size

_TOUCHED = 1e-6
"""Share of an unknown vector in a resampled one from which that is unknown too; less is rounding."""


@dataclass(frozen=True)
class SintelMotion:
    """Ground truth from each frame to the next, certain where it is known and what it shows is seen in both.

    The way back is not published. It is not made up: its flow is 0, and its certainty is 0 everywhere.

    Args:
        truths: the files, by the number in the name of the frame that they start from.
        frames: the number in the name of each frame of the clip, in the clip's order.
        size: of the clip, ``(height, width)``.
    """

    truths: Mapping[int, FrameTruth]
    frames: tuple[int, ...]
    size: Size

    @property
    def name(self) -> str:
        """Whose motion this is."""
        return NAME

    @property
    def note(self) -> str:
        """How much of the clip it is known for."""
        pairs = len(self.frames) - 1
        known = sum(self.has(index, index + 1) for index in range(pairs))
        return f"ground truth of {NAME} for {known} of {pairs} pairs of neighboring frames, forward in time only"

    def has(self, before: int, now: int) -> bool:
        """Whether there is flow from one frame of the clip to another, counted from 0, on the grid of the former."""
        return self._truth(before, now) is not None

    def has_back(self, before: int, now: int) -> bool:
        """Whether there is flow back, on the grid of the latter: only where that is the earlier one."""
        return self.has(now, before)

    def between(
        self, previous: Float[Tensor, "1 3 h w"], current: Float[Tensor, "1 3 h w"], indices: tuple[int, int]
    ) -> FlowPair:
        """Motion between two frames by their numbers, from 0, resized to the frames' size.

        Raises:
            MediaError: there is none, or a file is damaged or not of the clip's size.
        """
        before, now = indices
        if not (self.has(before, now) or self.has_back(before, now)):
            raise MediaError(f"{NAME} has no flow between frames {before + 1} and {now + 1} of the clip; use another")
        return FlowPair(*self._way(now, before, like=current), *self._way(before, now, like=previous))

    def _truth(self, start: int, end: int) -> FrameTruth | None:
        if not (0 <= start < len(self.frames) and 0 <= end < len(self.frames)):
            return None
        first, second = self.frames[start], self.frames[end]
        return self.truths.get(first) if second == first + 1 else None

    def _way(self, start: int, end: int, like: Tensor) -> tuple[Tensor, Tensor]:
        size, truth = (like.shape[-2], like.shape[-1]), self._truth(start, end)
        if truth is None:
            return like.new_zeros(1, 2, *size), like.new_zeros(1, 1, *size)
        values = read_flow(truth.flow)
        self._check_size(truth.flow, values.shape[:2])
        with np.errstate(invalid="ignore"):
            unknown = ~(np.abs(values) <= UNKNOWN).all(axis=-1)  # also where it is not a number
        flow = torch.from_numpy(np.where(unknown[..., None], np.float32(0), values)).permute(2, 0, 1)[None]
        unknown |= self._marked(truth.invalid)
        seen = inside(flow) & torch.from_numpy(~self._marked(truth.occlusion) & ~unknown)
        known = resize(torch.from_numpy(unknown)[None, None].float(), size) < _TOUCHED
        certainty = resize(seen.float(), size).clamp(0, 1) * known
        return (resize_flow(flow.contiguous(), size) * known).to(like), certainty.to(like)

    def _marked(self, path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        picture = read_image(path)
        self._check_size(path, picture.shape[:2])
        return np.asarray(picture[..., 0] > 0)

    def _check_size(self, path: Path, size: tuple[int, ...]) -> None:
        if size != self.size:
            raise MediaError(
                f"{path} is {size[1]}x{size[0]} pixels, but the clip {self.size[1]}x{self.size[0]}; give the frames"
                f" of {NAME} as they are published"
            )
