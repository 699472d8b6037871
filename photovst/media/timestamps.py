"""Timestamps that always run forwards: missing and backward ones are filled in from the frame rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class FrameClock:
    """Turns decoded timestamps, in ticks, into strictly increasing ones.

    ``step`` is the frame distance in ticks. A frame without a timestamp, or with one not after its
    predecessor's, follows the predecessor by one step; ``filled`` counts them.
    ``longest`` is the longest distance so far.
    """

    step: int
    start: int = 0
    last: int | None = None
    longest: int = 0
    filled: int = 0

    def tick(self, stamp: int | None) -> int:
        """The tick of the next frame in display order.

        >>> clock = FrameClock(step=10)
        >>> [clock.tick(stamp) for stamp in (0, 10, None, 15, 40)]
        [0, 10, 20, 30, 40]
        """
        if stamp is None or (self.last is not None and stamp <= self.last):
            self.filled += 1
            stamp = self.start if self.last is None else self.last + self.step
        self.longest = max(self.longest, self.step if self.last is None else stamp - self.last)
        self.last = stamp
        return stamp


def frame_step(frame_rate: Fraction | None, time_base: Fraction) -> int:
    """One frame's distance in ticks of ``time_base``, at least one.

    >>> frame_step(Fraction(30000, 1001), Fraction(1, 30000))
    1001
    """
    return max(1, round(1 / ((frame_rate or Fraction(25)) * time_base)))
