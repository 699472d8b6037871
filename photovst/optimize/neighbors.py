"""Stylized frames and their neighbors in time: what a frame starts from and is held to [Ruder2016]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.guidance.guides import Guides
from photovst.ops.warp import warp
from photovst.optimize.parametrization import Parametrization


@dataclass(frozen=True)
class Stylized:
    """A stylized frame: what was optimized, the frame at the working size, and what it took."""

    parametrization: Parametrization
    frame: Float[Tensor, "1 3 h w"]
    losses: dict[str, float]
    iterations: int
    evaluations: int


@dataclass(frozen=True)
class Earlier:
    """The results of a shot that a frame may start from and be held to.

    ``neighbors`` are by distance in frames; 1 is the one just done. ``first`` is the shot's first frame.
    """

    neighbors: Mapping[int, Stylized] = field(default_factory=dict)
    first: Stylized | None = None


@dataclass(frozen=True, eq=False)
class Neighbor:
    """A stylized frame as the frame to be done sees it.

    Args:
        stylized: the neighbor.
        motion: from it ("previous") to the frame to be done ("current"); None where nothing asks for flow.
    """

    stylized: Stylized
    motion: FlowPair | None

    @property
    def flow(self) -> FlowPair:
        """The motion.

        Raises:
            ValueError: there is none, though something asks for it.
        """
        if self.motion is None:
            raise ValueError("a neighbor without motion cannot be warped; give its motion in Guides.motions")
        return self.motion

    @cached_property
    def carried(self) -> Parametrization:
        """The result, carried along the flow to the frame to be done."""
        return self.stylized.parametrization.propagated(self.flow.to_previous)

    @cached_property
    def output(self) -> Float[Tensor, "1 3 h w"]:
        """The stylized picture at the size of its frame."""
        return self.stylized.parametrization.lift(self.stylized.frame)

    @cached_property
    @torch.no_grad()
    def warped(self) -> Float[Tensor, "1 3 h w"]:
        """The stylized picture, warped along the flow."""
        return warp(self.output, self.flow.to_previous)


def neighbors_of(guides: Guides, earlier: Earlier) -> dict[int, Neighbor]:
    """The neighbors of a frame by distance, nearest first."""
    stylized = earlier.neighbors
    return {distance: Neighbor(stylized[distance], guides.motions.get(distance)) for distance in sorted(stylized)}
