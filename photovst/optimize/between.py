"""Grids of the frames between two keyframes: carried to each frame from both sides, and blended.

A grid belongs to places of the picture. Where the camera or an object moves, the two keyframes' grids say different
things of one place and the same of one object; so each is first moved along the motion to the frame, and then they are
blended by time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.warp import warp
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.storage import Arrays

Cells = Float[Tensor, "1 2 rows columns"]
"""Motion of the cells of a grid, in cells, x then y: where in the other frame what lies here is found."""


@dataclass(frozen=True, eq=False)
class CellMotion:
    """Motion from a frame to the keyframe before it and to the one after it, both on the frame's own cells."""

    to_former: Cells
    to_later: Cells


@dataclass(frozen=True, eq=False)
class Step:
    """Motion between a frame and the next one: ``back`` on the cells of the later one, ``ahead`` on the earlier's."""

    back: Cells
    ahead: Cells


def onward(motion: Cells, step: Cells) -> Cells:
    """The motion of one frame more: that of ``step``, and from where it leads on along ``motion``."""
    return step + warp(motion, step)


def motions_inside(steps: Sequence[Step]) -> list[CellMotion]:
    """The motion of every frame between two keyframes, given the steps from the one to the other."""
    to_former, to_later = [steps[0].back], [steps[-1].ahead]
    for step in steps[1:-1]:
        to_former.append(onward(to_former[-1], step.back))
    for step in steps[-2:0:-1]:
        to_later.append(onward(to_later[-1], step.ahead))
    return [CellMotion(*both) for both in zip(to_former, reversed(to_later), strict=True)]


def motion_state(motions: Sequence[CellMotion]) -> Arrays:
    """The arrays that the motion of the frames in a gap is stored as: half floats, ``(frames, 2, rows, columns)``."""
    if not motions:
        return {}
    both = {"to_former": [m.to_former for m in motions], "to_later": [m.to_later for m in motions]}
    return {name: torch.cat(cells).cpu().numpy().astype(np.float16) for name, cells in both.items()}


def restored_motion(arrays: Mapping[str, np.ndarray], place: int, like: Tensor) -> CellMotion | None:
    """The motion of the frame at a place of a gap, from 0; None where none is stored."""
    if "to_former" not in arrays:
        return None
    return CellMotion(*(torch.from_numpy(arrays[name][place]).to(like)[None] for name in ("to_former", "to_later")))


def between(former: BilateralGrid, later: BilateralGrid, share: float, motion: CellMotion | None) -> BilateralGrid:
    """The grid of a frame between two keyframes.

    Args:
        former: the grid of the keyframe before it.
        later: that of the keyframe after it.
        share: of the way from the one to the other, in [0, 1].
        motion: of the frame; None blends the grids where they are.
    """
    if motion is not None:
        former, later = former.moved(motion.to_former), later.moved(motion.to_later)
    return former.blended(later, share)
