"""Cuts by PySceneDetect's ContentDetector, fed with our own frames by index: variable rate counts right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scenedetect.common import FrameTimecode
from scenedetect.detectors.content_detector import ContentDetector

from photovst.errors import MediaError
from photovst.media.records import Clip, Frame

_THUMBNAIL = 320
_ANY_RATE = Fraction(25)  # asked for and never used: lengths are counted in frames


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

    A cut is where hue, saturation and value (0..255) change by more than ``threshold`` on average; cuts
    closer than ``shortest`` frames are merged. The clip is decoded once, scaled down to at most 320 pixels on
    the longer side. ``on_frame`` is called with each small frame once it has been looked at. A threshold of None
    takes the clip as one shot.

    Raises:
        MediaError: the clip has no frames.
    """
    detector = None if threshold is None else ContentDetector(threshold=threshold, min_scene_len=shortest)
    starts = {0}
    position = FrameTimecode(0, _ANY_RATE)
    count = 0
    for frame in clip.thumbnails(_THUMBNAIL):
        if detector is not None:
            position = FrameTimecode(frame.index, _ANY_RATE)
            cuts = detector.process_frame(position, np.ascontiguousarray(frame.image[..., ::-1]))
            starts.update(cut.frame_num for cut in cuts)
        count = frame.index + 1
        if on_frame is not None:
            on_frame(frame)
    if not count:
        raise MediaError(f"{clip.path} has no frames to look for cuts in")
    if detector is not None:
        starts.update(cut.frame_num for cut in detector.post_process(position))
    bounds = [*sorted(starts), count]
    return [Shot(first, stop) for first, stop in pairwise(bounds)]
