"""What guides one frame: its regions and, after the first of a shot, its motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from photovst.guidance.flow import FlowPair


@dataclass(frozen=True)
class Guides:
    """Guides of one frame at the working size."""

    frame: Float[Tensor, "1 3 h w"]
    """The frame at the working size, RGB in [0, 1]."""
    masks: Float[Tensor, "1 k h w"]
    motions: Mapping[int, FlowPair] = field(default_factory=dict)
    """By distance: motion between the frame so many before ("previous") and this one; none for a shot's first."""
    index: int = 0
    """The frame's number in its clip."""
    time: float = 0.0
    """When it is shown, in seconds."""
