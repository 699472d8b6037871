"""How fast a training goes, and how long it will take."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """Frames a second since it was last asked, and the seconds left at the pace of this session.

    Args:
        step: the step that the session begins at.
        steps: steps in all.
        clock: seconds.
    """

    def __init__(self, step: int, steps: int, clock: Callable[[], float]) -> None:
        self._first, self._steps, self._clock = step, steps, clock
        self._begun = self._asked = clock()
        self._frames = 0

    def add(self, frames: int) -> None:
        """These frames were trained on."""
        self._frames += frames

    def told(self, step: int) -> tuple[float, float, float]:
        """Seconds of this session, frames a second, and seconds left after ``step`` steps."""
        now = self._clock()
        rate = self._frames / max(now - self._asked, 1e-9)
        spent = now - self._begun
        self._asked, self._frames = now, 0
        return spent, rate, spent / max(step - self._first, 1) * (self._steps - step)
