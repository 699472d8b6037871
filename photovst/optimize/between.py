"""Grids of the frames between two keyframes: carried to each frame from both sides, and blended.

A grid belongs to places of the picture. Where the camera or an object moves, the two keyframes' grids say different
things of one place and the same of one object; so each is first moved by its part of the motion between the two, as if
that were even, and then they are blended by time. No flow but that between the keyframes is needed, which their
temporal term has asked for already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.ops.cell_motion import cell_motion
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.storage import Arrays


@dataclass(frozen=True, eq=False)
class CellMotion:
    """Motion between a keyframe and the former one of its shot, in cells of their grids, x then y.

    ``to_former`` lives on the cells of the later keyframe, ``to_here`` on those of the former.
    """

    to_former: Float[Tensor, "1 2 rows columns"]
    to_here: Float[Tensor, "1 2 rows columns"]

    @classmethod
    def of(cls, motion: FlowPair, rows: int, columns: int) -> CellMotion:
        """That of a grid of so many cells, given the flow."""
        return cls(
            cell_motion(motion.to_previous, motion.certainty_to_previous, (rows, columns)),
            cell_motion(motion.to_next, motion.certainty_to_next, (rows, columns)),
        )

    def state(self) -> Arrays:
        """The arrays it is stored as, float32, without the leading axis."""
        pair = {"to_former": self.to_former, "to_here": self.to_here}
        return {name: cells[0].cpu().numpy().astype(np.float32) for name, cells in pair.items()}

    @classmethod
    def restored(cls, arrays: Mapping[str, np.ndarray], like: Tensor) -> CellMotion | None:
        """What such arrays hold; None where they hold none."""
        if "to_former" not in arrays:
            return None
        return cls(*(torch.from_numpy(arrays[name]).to(like)[None] for name in ("to_former", "to_here")))


def between(former: BilateralGrid, later: BilateralGrid, share: float, motion: CellMotion | None) -> BilateralGrid:
    """The grid of a frame between two keyframes.

    Args:
        former: the grid of the keyframe before it.
        later: that of the keyframe after it.
        share: of the way from the one to the other, in [0, 1]; at the ends it is their own grid.
        motion: between them; None blends the grids where they are.
    """
    if share == 0 or share == 1:
        return later if share else former
    if motion is not None:
        former, later = former.moved(share * motion.to_former), later.moved((1 - share) * motion.to_here)
    return former.blended(later, share)
