"""Where the next keyframe of a shot goes: so many frames on, or as far as the last one tells of the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from photovst.media.records import Picture
from photovst.media.tensors import resized, to_frame
from photovst.ops.color_change import color_change, color_histograms
from photovst.ops.resize import limit_long_side
from photovst.ops.warp import positions, warp
from photovst.types import Size

ABRUPT = 0.4
"""Share of the picture that has other colors after one frame, from which on that is a jump, such as into a flash."""

COLORS_SIDE = 80
"""Longer side, in pixels, at which colors are counted."""

OTHER = 0.25
"""Difference of a cell's mean color, in red, green or blue, that makes it wholly another; half makes a quarter."""

BEND = 0.03
"""How far a frame's mean color may be, in red, green or blue, from the straight way between two keyframes' colors.

What is between them is blended in even steps: where a fade ends in a gap, its light would go on to change.
"""


@dataclass(frozen=True, eq=False)
class Look:
    """A frame that may become a keyframe, at the working size; ``time`` in seconds."""

    index: int
    picture: Picture
    time: float
    device: torch.device

    @property
    def frame(self) -> Float[Tensor, "1 3 h w"]:
        """The frame; not kept, as many wait for one that is chosen."""
        return to_frame(self.picture, self.device)

    @cached_property
    def colors(self) -> Float[Tensor, "3 bins"]:
        """Its `color_histograms`, taken small: of places, not of noise."""
        height, width = self.picture.shape[:2]
        return color_histograms(self._at(limit_long_side((height, width), COLORS_SIDE)))

    def cells(self, size: Size) -> Float[Tensor, "1 3 rows columns"]:
        """The mean color of the cells of a grid."""
        return self._at(size)

    def _at(self, size: Size) -> Tensor:
        return to_frame(resized(self.picture, size), self.device)


Back = Callable[[Look], Float[Tensor, "1 2 rows columns"]]
"""Gives the motion from a frame to the one before it, in cells of a grid."""


class Placement(Protocol):
    """Chooses the next keyframe."""

    reach: int
    """How many frames after a keyframe the next one may be."""

    def next(self, last: Look, coming: Sequence[Look], back: Back) -> int:
        """The place in ``coming`` of the next keyframe; these are the frames after the last one, as far as it goes."""
        ...


class EveryNth:
    """Every so manyth frame, and the last one of a shot."""

    def __init__(self, every: int) -> None:
        self.reach = every

    def next(self, last: Look, coming: Sequence[Look], back: Back) -> int:
        """The last of them."""
        return len(coming) - 1


class Adaptive:
    """The farthest frame of which at most a share is new, or of another color, since the last keyframe.

    Cells of a grid are followed along the motion: one is new where it comes from outside the picture, or to the degree
    that its mean color is another one. So leaves and waves may move as they like, and what enters, uncovers, dissolves
    or changes its light counts by its area.

    Args:
        longest: frames from one keyframe to the next at most.
        change: the share, in [0, 1].
    """

    def __init__(self, longest: int, change: float) -> None:
        self.reach, self._change = longest, change

    def next(self, last: Look, coming: Sequence[Look], back: Back) -> int:
        """Its place among those coming."""
        former, motion = last, None
        changes: list[Tensor] = []
        for look in coming:
            # Nothing is blended over a jump: there is a keyframe right before it and one right after it.
            if color_change(former.colors, look.colors) > ABRUPT:
                break
            step = back(look)
            motion = step if motion is None else step + warp(motion, step)
            cells = (motion.shape[-2], motion.shape[-1])
            known, now = last.cells(cells), look.cells(cells)
            if new_share(known, now, motion) > self._change:
                break
            changes.append(light_change(known, now, motion))
            former = look
        place = len(changes) - 1
        while place > 0 and (bend := bent_at(torch.stack(changes[: place + 1]))) is not None:
            place = bend
        return max(place, 0)


def bent_at(changes: Float[Tensor, "frames 3"]) -> int | None:
    """The frame whose change is farthest from an even share of the last one's; None where none is by `BEND`.

    Args:
        changes: mean color of each frame, in even steps of time, less that of a keyframe right before the first.
    """
    count = changes.shape[0]
    shares = torch.arange(1, count + 1).to(changes)[:, None] / count
    apart = (changes - shares * changes[-1]).abs().amax(dim=1)
    return int(apart.argmax()) if float(apart.max()) > BEND else None


def light_change(
    former: Float[Tensor, "1 3 rows columns"],
    now: Float[Tensor, "1 3 rows columns"],
    motion: Float[Tensor, "1 2 rows columns"],
) -> Float[Tensor, " 3"]:
    """Mean change of color, in RGB, of what two frames both show; none where that is nothing.

    Args:
        former: mean color of the earlier frame's cells, RGB in [0, 1].
        now: that of the frame's.
        motion: from its cells to the earlier frame's, in cells.
    """
    both = ~_outside(motion)
    change = (now - warp(former, motion)) * both
    return change.sum(dim=(0, 2, 3)) / both.sum().clamp(min=1)


def new_share(
    former: Float[Tensor, "1 3 rows columns"],
    now: Float[Tensor, "1 3 rows columns"],
    motion: Float[Tensor, "1 2 rows columns"],
) -> float:
    """Share of a frame's cells, in [0, 1], that an earlier frame does not show: outside of it, or of another color.

    Args:
        former: mean color of the earlier frame's cells, RGB in [0, 1].
        now: that of the frame's.
        motion: from its cells to the earlier frame's, in cells.
    """
    other = (warp(former, motion) - now).abs().amax(dim=1, keepdim=True) / OTHER
    return float(torch.where(_outside(motion), 1.0, other.clamp(max=1).square()).mean())


def _outside(motion: Float[Tensor, "1 2 rows columns"]) -> Bool[Tensor, "1 1 rows columns"]:
    """The cells that come from outside of the picture."""
    last = motion.new_tensor([motion.shape[-1] - 1, motion.shape[-2] - 1])[None, :, None, None]
    # A cell reaches half its width beyond its center, which lies on the border for the outermost.
    return ((positions(motion) - last / 2).abs() > last / 2 + 0.5).any(dim=1, keepdim=True)
