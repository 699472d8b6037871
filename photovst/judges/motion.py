"""The motion that clips are judged along: estimated on the content, or known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from photovst.guidance.cache import GuideCache
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow import FlowPair, flow_pair

Motion = Callable[[Tensor, Tensor, tuple[int, int]], FlowPair]
"""``motion(previous, current, (i, j))``: between frames i and j of the content, both ways, at the frames' size."""


def _always(before: int, now: int) -> bool:
    return True


@dataclass(frozen=True)
class JudgedMotion:
    """Motion of a content, its name for the record, and between which frames it is known.

    ``has(before, now)`` says whether it is known from a frame to a later one, ``has_back`` whether back as well.
    """

    name: str
    between: Motion
    has: Callable[[int, int], bool] = _always
    has_back: Callable[[int, int], bool] = _always


def content_motion(
    cache: GuideCache | None = None, certainty: Literal["paper", "coded"] = "paper", finest_scale: int = 0
) -> JudgedMotion:
    """DIS flow of the content itself, through the cache where there is one, with the paper's binary certainty."""
    estimator = Dis(finest_scale)
    name = estimator.name.split(",")[0]
    if cache is not None:
        return JudgedMotion(name, EstimatedMotion(estimator, cache, certainty).between)
    # Not rounded as what goes into a cache is: that takes a twelfth of the time.
    return JudgedMotion(name, lambda previous, current, _: flow_pair(estimator, previous, current, certainty))
