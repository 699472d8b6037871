"""Motion read from files, named as the program of [Ruder2016] names them.

``forward_I_J.flo`` holds the flow from frame I to J on I's grid, ``backward_J_I.flo`` that from J to I on J's grid, for
I < J, counted from 1; ``reliable_I_J.pgm`` the certainty of the flow from I to J, whichever of the two is earlier.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.flow import FlowPair
from photovst.media.certainty_files import read_certainty
from photovst.media.flow_files import read_flow
from photovst.media.flow_names import certainty_name, flow_stem
from photovst.media.kitti_flow import read_kitti_flow
from photovst.ops.certainty import forward_backward_certainty
from photovst.ops.resize import resize
from photovst.ops.warp import resize_flow, warp
from photovst.types import Size

UNKNOWN = 1e9
"""Pixels; in Middlebury's files a longer vector says that there is none [Baker2011]."""

_TOUCHED = 1e-6
"""Share of an unknown vector in a resampled one from which that is unknown too; less is rounding."""


class _Read(NamedTuple):
    """What one file says, at its own size."""

    flow: Float[Tensor, "1 2 h w"]
    unknown: Float[Tensor, "1 1 h w"]
    """1 where there is no vector, else 0; the flow is 0 there."""


@dataclass(frozen=True)
class FlowFiles:
    """Motion from a folder of flow files, .flo or KITTI's .png, of the clip's size.

    Where no file of certainty stands beside a flow, it is held against the flow back. Vectors that are unknown (no
    number, longer than 1e9, or not valid in KITTI's files) become 0 and get no certainty, nor do those resampled from
    one, nor those that land on one in the flow back.

    Args:
        folder: where the files lie.
        size: of the clip, ``(height, width)``.
        certainty: kind of certainty, where it is computed, see `forward_backward_certainty`.

    Raises:
        MediaError: there is no such folder.
    """

    folder: Path
    size: Size
    certainty: Literal["paper", "coded"] = "coded"

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise MediaError(f"there is no folder {self.folder} to read flow from; set flow.folder to one")

    def between(
        self, previous: Float[Tensor, "1 3 h w"], current: Float[Tensor, "1 3 h w"], indices: tuple[int, int]
    ) -> FlowPair:
        """Motion between two frames by their numbers, from 0, resized to the frames' size; any two that have files.

        Raises:
            MediaError: a file is absent, damaged, or not of the clip's size.
        """
        before, now = indices
        size = (current.shape[-2], current.shape[-1])
        back, onward = self._read(now, before), self._read(before, now)
        to_previous, certainty_to_previous = self._at(size, (now, before), back, onward)
        to_next, certainty_to_next = self._at(size, (before, now), onward, back)
        return FlowPair(
            to_previous.to(current),
            certainty_to_previous.to(current),
            to_next.to(current),
            certainty_to_next.to(current),
        )

    def check(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Refuse pairs of frames without files before any work is done; the frames count from 0.

        Raises:
            MediaError: a file is absent.
        """
        for before, now in pairs:
            self._path(before, now)
            self._path(now, before)

    def _at(self, size: Size, way: tuple[int, int], read: _Read, opposite: _Read) -> tuple[Tensor, Tensor]:
        certainty = self._certainty(way, read, opposite) * (1 - read.unknown)
        known = resize(read.unknown, size) < _TOUCHED
        return resize_flow(read.flow, size) * known, resize(certainty, size).clamp(0, 1) * known

    def _certainty(self, way: tuple[int, int], read: _Read, opposite: _Read) -> Float[Tensor, "1 1 h w"]:
        path = self.folder / certainty_name(*way)
        if path.is_file():
            values = read_certainty(path)
            self._check_size(path, values)
            return torch.from_numpy(values)[None, None]
        certainty = forward_backward_certainty(read.flow, opposite.flow, self.certainty)
        return certainty * (warp(opposite.unknown, read.flow) < _TOUCHED)

    def _read(self, start: int, end: int) -> _Read:
        path = self._path(start, end)
        if path.suffix == ".flo":
            values = read_flow(path)
            with np.errstate(invalid="ignore"):
                known = (np.abs(values) <= UNKNOWN).all(axis=-1)  # false for what is not a number
        else:
            values, known = read_kitti_flow(path)
        self._check_size(path, values)
        flow = torch.from_numpy(np.where(known[..., None], values, np.float32(0)))
        return _Read(flow.permute(2, 0, 1)[None].contiguous(), torch.from_numpy(~known).float()[None, None])

    def _path(self, start: int, end: int) -> Path:
        path = self.folder / f"{flow_stem(start, end)}.flo"
        as_kitti = path.with_suffix(".png")
        if path.is_file():
            return path
        if as_kitti.is_file():
            return as_kitti
        raise MediaError(
            f"{path} does not exist, nor {as_kitti.name}: the flow from frame {start + 1} to {end + 1},"
            " counted from 1; add it, or choose another flow.method"
        )

    def _check_size(self, path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
        if values.shape[:2] != self.size:
            (height, width), (due_height, due_width) = values.shape[:2], self.size
            raise MediaError(
                f"{path} is {width}x{height} pixels, but the clip {due_width}x{due_height}; give flow of"
                " the clip's size"
            )
