"""Finished frames of a run with a trained network, stored without loss, as far as that costs next to nothing.

A network has no state but its result, and frames at full size take long to store: longer than to compute them again,
where a GPU does that. So storing may take a tenth of the time that has passed. Where a network is slow, as on a CPU,
that stores every frame; where it is fast, few or none, and a run that goes on computes the others again in less time
than it would take to read them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from photovst.media.images import encode_picture
from photovst.media.records import Picture
from photovst.results import FINAL
from photovst.run import RunFolder

SHARE = 0.1
"""Of the time that has passed, at most so much goes into storing."""

NAME = "png"


class StoredFrames:
    """The finished frames in a run folder.

    Args:
        run: the folder.
        share: see `SHARE`.
        clock: seconds.
    """

    def __init__(self, run: RunFolder, share: float = SHARE, clock: Callable[[], float] = time.perf_counter) -> None:
        self._run, self._share, self._clock = run, share, clock
        self._began, self._spent = clock(), 0.0

    def load(self, index: int) -> Picture | None:
        """A frame as it was stored; None where it was not."""
        arrays = self._run.load_state(index, FINAL)
        if arrays is None:
            return None
        return np.asarray(cv2.imdecode(arrays[NAME], cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH))

    def store(self, index: int, picture: Picture) -> None:
        """Store a frame, if there is time for it."""
        began = self._clock()
        if self._spent > self._share * (began - self._began):
            return
        self._run.save_state(index, {NAME: np.frombuffer(encode_picture(Path("frame.png"), picture, None), np.uint8)})
        self._spent += self._clock() - began

    def count(self) -> int:
        """How many there are."""
        return sum(1 for _ in (self._run.path / FINAL).glob("[0-9]*.npz"))

    def drop(self) -> None:
        """Remove them: the result holds them."""
        self._run.drop(FINAL)
