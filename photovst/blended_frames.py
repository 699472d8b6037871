"""The frames of a clip between keyframes, each with the grid that is blended for it: nothing is optimized any more."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from photovst.highlights import Highlights
from photovst.keyframe_track import KeyframeTrack
from photovst.keyframes import SHOWN
from photovst.media.records import Frame, Picture
from photovst.media.tensors import resized
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.neighbors import Stylized
from photovst.shown import spread
from photovst.stylization import Stylization

Finished = tuple[Frame, Picture, Stylized, Tensor | None]
"""A frame, its picture at the result's size, its result, and its regions where they are at hand."""


def blended_frames(work: Stylization, highlights: Highlights) -> Generator[Finished]:
    """Every frame of a clip whose keyframes are done; regions come with those that a report shows.

    Raises:
        MediaError: a keyframe was removed in use.
    """
    # A grid needs no picture to show itself on another.
    nothing = work.photo.new_empty((1, 3, 0, 0))
    blank = work.start(nothing)
    assert isinstance(blank, BilateralGrid)  # checked on load
    shots = work.overview.shots
    track = KeyframeTrack(work.run.load_state, shots, blank)
    highlights.wanted = {_nearest(track, index) for index in spread(work.overview.count)}
    for frame in work.clip:
        masks = _masks(work, frame.index) if frame.index in highlights.wanted else None
        stylized = Stylized(track.at(frame.index), nothing, {}, 0, 0)
        yield frame, resized(frame.image, work.size), stylized, masks


def _nearest(track: KeyframeTrack, index: int) -> int:
    return min(track.around(index), key=lambda keyframe: abs(keyframe - index))


def _masks(work: Stylization, index: int) -> Tensor | None:
    arrays = work.run.load_state(index, SHOWN)
    return None if arrays is None else torch.from_numpy(arrays["masks"]).float() / 255
