"""A first look over the whole clip: its length, its shots, and a few small frames of each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from photovst.media.records import Clip, Frame, Picture
from photovst.media.shots import Shot, detect_shots

KEPT = 192
"""At most so many small frames are kept, however long the clip is: below 60 MB."""

SAMPLES = 5


@dataclass(frozen=True)
class Survey:
    """What a first look at a clip found."""

    shots: tuple[Shot, ...]
    thumbnails: dict[int, Picture]

    @property
    def count(self) -> int:
        """Frames in the clip."""
        return self.shots[-1].stop

    def shot_of(self, index: int) -> Shot:
        """The shot that a frame belongs to."""
        return self.shots[bisect_right(self.shots, index, key=lambda shot: shot.stop)]

    def pairs(self, distances: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Every two frames of one shot that are so many frames apart, the earlier first."""
        for shot in self.shots:
            for distance in distances:
                yield from ((index - distance, index) for index in range(shot.first + distance, shot.stop))

    def samples(self, shot: Shot) -> list[Picture]:
        """A few small frames spread over a shot; none where the shot is too short to have left any."""
        inside = [index for index in sorted(self.thumbnails) if shot.first <= index < shot.stop]
        if len(inside) > SAMPLES:
            inside = [inside[round(i * (len(inside) - 1) / (SAMPLES - 1))] for i in range(SAMPLES)]
        return [self.thumbnails[index] for index in inside]


def survey(clip: Clip, threshold: float | None, on_frame: Callable[[int], None] | None = None) -> Survey:
    """Decode the clip once, small; ``threshold`` of None takes it as one shot.

    Raises:
        MediaError: the clip has no frames.
    """
    thumbnails: dict[int, Picture] = {}
    stride = 1

    def look(frame: Frame) -> None:
        nonlocal stride
        if frame.index % stride == 0:
            thumbnails[frame.index] = frame.image
        if len(thumbnails) > KEPT:
            stride *= 2
            for index in [index for index in thumbnails if index % stride]:
                del thumbnails[index]
        if on_frame is not None:
            on_frame(frame.index)

    shots = detect_shots(clip, threshold, on_frame=look)
    return Survey(tuple(shots), thumbnails)
