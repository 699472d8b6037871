"""Where the next keyframe of a shot goes: so many frames on, or as far as the last one tells of the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.media.records import Picture
from photovst.media.tensors import to_frame
from photovst.ops.color_change import color_change, color_histograms

ABRUPT = 0.5
"""Share of the allowed change that makes one frame's step a jump, such as into a flash: nothing is blended over it."""


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
        """Its `color_histograms`."""
        return color_histograms(self.frame)


Motion = Callable[[Look, Look], FlowPair]
"""Gives the motion between two frames of a shot, the earlier first."""


class Placement(Protocol):
    """Chooses the next keyframe."""

    reach: int
    """How many frames after a keyframe the next one may be."""

    def next(self, last: Look, coming: Sequence[Look], motion: Motion) -> int:
        """The place in ``coming`` of the next keyframe; these are the frames after the last one, as far as it goes."""
        ...


class EveryNth:
    """Every so manyth frame, and the last one of a shot."""

    def __init__(self, every: int) -> None:
        self.reach = every

    def next(self, last: Look, coming: Sequence[Look], motion: Motion) -> int:
        """The last of them."""
        return len(coming) - 1


class Adaptive:
    """The farthest frame of which at most a share is new, or of another brightness or color, since the last keyframe.

    A frame is new where the flow between it and the keyframe cannot be trusted: what comes into view, dissolves, or
    moves too fast. It is looked for from twice the last distance on, by halves, as flow is what costs.

    Args:
        longest: frames from one keyframe to the next at most.
        change: the share, in [0, 1].
    """

    def __init__(self, longest: int, change: float) -> None:
        self.reach, self._change, self._latest = longest, change, longest

    def next(self, last: Look, coming: Sequence[Look], motion: Motion) -> int:
        """Its place among those coming."""
        farthest = self._before_jump(last, coming)
        place = min(farthest, max(2 * self._latest, 2) - 1)
        while place > 0 and self._changed(last, coming[place], motion) > self._change:
            place = (place + 1) // 2 - 1
        self._latest = place + 1
        return place

    def _before_jump(self, last: Look, coming: Sequence[Look]) -> int:
        """The last place that no jump lies before; the first one where the jump is right there."""
        former = last
        for place, look in enumerate(coming):
            if color_change(former.colors, look.colors) > ABRUPT * self._change:
                return max(place - 1, 0)
            former = look
        return len(coming) - 1

    def _changed(self, last: Look, look: Look, motion: Motion) -> float:
        colors = color_change(last.colors, look.colors)
        if colors > self._change:
            return colors
        pair = motion(last, look)
        known = (pair.certainty_to_previous.mean() + pair.certainty_to_next.mean()) / 2
        return max(colors, 1 - float(known))
