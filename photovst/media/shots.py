"""The shots of a clip, counted in frames: variable rate counts right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from photovst.errors import MediaError
from photovst.media.cuts import CutDetector
from photovst.media.records import Clip, Frame

_THUMBNAIL = 320


@dataclass(frozen=True)
class Shot:
    """Frames ``first`` up to, not including, ``stop``."""

    first: int
    stop: int

    @property
    def last(self) -> int:
        """The last frame of the shot."""
        return self.stop - 1

    def __len__(self) -> int:
        return self.stop - self.first


def detect_shots(
    clip: Clip,
    threshold: float | None = 27.0,
    shortest: int = 15,
    on_frame: Callable[[Frame], None] | None = None,
) -> list[Shot]:
    """The shots of a clip, in order and without gaps.

    A cut is where hue, saturation and value (0..255) change by ``threshold`` or more on average; cuts
    closer than ``shortest`` frames are merged: see `CutDetector`. The clip is decoded once, scaled down to at most
    320 pixels on the longer side. ``on_frame`` is called with each small frame once it has been looked at. A threshold
    of None takes the clip as one shot.

    Raises:
        MediaError: the clip has no frames.
    """
    detector = None if threshold is None else CutDetector(threshold, shortest)
    starts = {0}
    count = 0
    for frame in clip.thumbnails(_THUMBNAIL):
        if detector is not None:
            start = detector.look(frame.index, frame.image)
            if start is not None:
                starts.add(start)
        count = frame.index + 1
        if on_frame is not None:
            on_frame(frame)
    if not count:
        raise MediaError(f"{clip.path} has no frames to look for cuts in")
    bounds = [*sorted(starts), count]
    return [Shot(first, stop) for first, stop in pairwise(bounds)]
