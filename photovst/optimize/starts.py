"""What the optimization of a frame starts from [Ruder2016]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from photovst.guidance.guides import Guides
from photovst.optimize.neighbors import Earlier, Neighbor
from photovst.optimize.parametrization import Parametrization

Start = Callable[[Guides], Parametrization]
"""Makes a result to start from, given the frame and what guides it."""


@dataclass(frozen=True)
class Starts:
    """What frames start from.

    Args:
        first: a shot's first frame.
        later: the frames after it: the result before as it is (``previous``) or carried along the flow (``warped``),
            the result of the shot's ``first`` frame, or no result (``anew``).
        anew: what that is; as ``first`` when not given.
        fill: what a warped start takes where the flow cannot be trusted; ``transform`` its own color transforms on the
            frame, ``warped`` what the flow brings there.
    """

    first: Start
    later: Literal["warped", "previous", "first", "anew"] = "warped"
    anew: Start | None = None
    fill: Start | Literal["transform", "warped"] = "transform"

    def of(self, guides: Guides, neighbors: Mapping[int, Neighbor], earlier: Earlier) -> Parametrization:
        """The start of a frame.

        Raises:
            ValueError: the motion or the first result that it takes is not given.
        """
        if 1 not in neighbors:
            return self.first(guides)
        previous = neighbors[1]
        match self.later:
            case "previous":
                return previous.stylized.parametrization
            case "first":
                if earlier.first is None:
                    raise ValueError("later frames start from the shot's first result; give it in Earlier.first")
                return earlier.first.parametrization
            case "anew":
                return (self.anew or self.first)(guides)
            case "warped":
                if self.fill == "warped":
                    return previous.carried
                fill = _in_former_colors(previous) if self.fill == "transform" else self.fill
                return fill(guides).blended(previous.carried, previous.flow.certainty_to_previous)


def _in_former_colors(previous: Neighbor) -> Start:
    return lambda guides: previous.carried.transferred(guides.frame)
