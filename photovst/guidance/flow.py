"""Where motion between two frames of a clip comes from: the seams, and a pair of flows held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from photovst.ops.certainty import forward_backward_certainty


@dataclass(frozen=True)
class FlowPair:
    """Motion between two frames of a shot, both ways, each with its certainty in [0, 1].

    They are called previous and current, as neighbours are; they may be further apart, and in either order of time.
    """

    to_previous: Float[Tensor, "b 2 h w"]
    """From the current frame to the previous one, on the current frame's grid."""
    certainty_to_previous: Float[Tensor, "b 1 h w"]
    to_next: Float[Tensor, "b 2 h w"]
    """From the previous frame to the current one, on the previous frame's grid."""
    certainty_to_next: Float[Tensor, "b 1 h w"]


@runtime_checkable
class FlowEstimator(Protocol):
    """Computes optical flow."""

    @property
    def name(self) -> str:
        """Method, parameters and version: flow of one name from the same frames is the same flow."""
        ...

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow ``(B, 2, H, W)`` in pixels from ``first`` to ``second``, ``(B, 3, H, W)`` RGB, on ``first``'s grid."""
        ...


@runtime_checkable
class MotionSource(Protocol):
    """Gives the motion between any two frames of a clip, estimated or read."""

    def between(self, previous: Tensor, current: Tensor, indices: tuple[int, int]) -> FlowPair:
        """Motion at the size of the frames; ``indices`` are their numbers in the clip, previous first, from 0."""
        ...


def flow_pair(
    estimator: FlowEstimator,
    previous: Float[Tensor, "b 3 h w"],
    current: Float[Tensor, "b 3 h w"],
    certainty: Literal["paper", "coded"] = "coded",
) -> FlowPair:
    """Flow between two frames both ways, each held against the other for its certainty.

    Args:
        estimator: what computes it.
        previous: RGB in [0, 1].
        current: RGB in [0, 1], the same size.
        certainty: kind of certainty, see `forward_backward_certainty`.

    Raises:
        MediaError: the frames differ in size, or hold values that are not numbers.
        SettingsError: the kind of certainty is unknown.
    """
    to_previous, to_next = estimator(current, previous), estimator(previous, current)
    return FlowPair(
        to_previous,
        forward_backward_certainty(to_previous, to_next, certainty),
        to_next,
        forward_backward_certainty(to_next, to_previous, certainty),
    )
