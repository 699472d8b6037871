"""L-BFGS [LiuNocedal1989] with a line search for the weak Wolfe conditions [LewisOverton2013].

PyTorch has one, but any of its optimizers brings its compiler along, which takes over a second to load: much for a
photo that takes six.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

DECREASE, CURVATURE = 1e-4, 0.9
"""A step must bring this share of the fall its slope promises, and leave at most this share of the slope."""

EVALUATIONS = 8
"""At most so many in a line search."""

SMALLEST_PRODUCT = 1e-10
"""A step whose change of gradient fits it no better than this would spoil what is known of the curvature."""


class Point(NamedTuple):
    """A place, the loss there and its gradient."""

    place: Float[Tensor, " n"]
    loss: float
    gradient: Float[Tensor, " n"]


class Lbfgs:
    """Walks downhill from a start, a step at a time.

    Args:
        evaluate: loss and gradient at a place; not to be changed afterwards.
        start: the first place.
        history: steps remembered.
        line_search: whether a step's length is looked for; else it is that of the quadratic model, one evaluation a
            step, and the loss may rise.
    """

    def __init__(
        self,
        evaluate: Callable[[Tensor], tuple[float, Tensor]],
        start: Float[Tensor, " n"],
        history: int = 10,
        line_search: bool = True,
    ) -> None:
        self._evaluate = evaluate
        self._line_search = line_search
        self.at = self._point(start)
        self._steps: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=history)

    def step(self) -> bool:
        """Go one step; False where no direction leads down any more."""
        direction = self._direction()
        slope = float(direction @ self.at.gradient)
        if slope >= 0 and self._steps:  # what is remembered no longer fits: steepest descent leads down
            self._steps.clear()
            direction, slope = -self.at.gradient, -float(self.at.gradient.square().sum())
        if slope == 0:
            return False
        length = 1.0 if self._steps else min(1.0, 1 / float(self.at.gradient.abs().sum()))
        if self._line_search:
            reached = self._search(direction, slope, length)
        else:
            reached = self._point(self.at.place + length * direction)
        if reached is None:
            return False
        moved, turned = reached.place - self.at.place, reached.gradient - self.at.gradient
        product = moved @ turned
        if float(product) > SMALLEST_PRODUCT * float(turned.square().sum()):
            self._steps.append((moved, turned, 1 / product))
        self.at = reached
        return True

    def _direction(self) -> Tensor:
        """Minus the inverse Hessian, as far as it is known, times the gradient."""
        direction = -self.at.gradient
        shares = []
        for moved, turned, inverse in reversed(self._steps):
            shares.append(inverse * (moved @ direction))
            direction = direction - shares[-1] * turned
        if self._steps:
            _, turned, inverse = self._steps[-1]
            direction = direction / (inverse * turned.square().sum())
        for (moved, turned, inverse), share in zip(self._steps, reversed(shares), strict=True):
            direction = direction + (share - inverse * (turned @ direction)) * moved
        return direction

    def _search(self, direction: Tensor, slope: float, length: float) -> Point | None:
        """A point along the direction that meets both conditions, or the lowest one met on the way."""
        low, high = (0.0, self.at.loss, slope), None
        best: Point | None = None
        for _ in range(EVALUATIONS):
            point = self._point(self.at.place + length * direction)
            here = (length, point.loss, float(direction @ point.gradient))
            if best is None or point.loss < best.loss:
                best = point
            if point.loss > self.at.loss + DECREASE * length * slope:
                high = here
            elif here[2] < CURVATURE * slope:
                low = here
            else:
                return point
            length = _between(low, high) if high else _beyond(low, slope)
        return best if best is not None and best.loss < self.at.loss else None

    def _point(self, place: Tensor) -> Point:
        return Point(place, *self._evaluate(place))


def _between(low: tuple[float, float, float], high: tuple[float, float, float]) -> float:
    """Where the cubic through both ends has its minimum, kept away from the ends."""
    (a, loss_a, slope_a), (b, loss_b, slope_b) = low, high
    bend = slope_a + slope_b - 3 * (loss_a - loss_b) / (a - b)
    inside = bend * bend - slope_a * slope_b
    minimum = (a + b) / 2
    if inside > 0:
        root = math.sqrt(inside)
        divisor = slope_b - slope_a + 2 * root
        if divisor:
            minimum = b - (b - a) * (slope_b + root - bend) / divisor
    margin = 0.1 * (b - a)
    return min(max(minimum, a + margin), b - margin)


def _beyond(low: tuple[float, float, float], first_slope: float) -> float:
    """Where the slope would be gone if it went on changing as it did, at least twice and at most ten times as far."""
    length, _, slope = low
    change = slope - first_slope
    reach = length * first_slope / -change if change > 0 else math.inf
    return min(max(reach, 2 * length), 10 * length)
