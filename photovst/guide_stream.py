"""The frames of a clip in order, each with what guides it: its regions and its motion from earlier frames.

Nothing here depends on a result, so a worker may make the next frame's guides while the present one is optimized.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from photovst.build_optimizer import build_scales, persists
from photovst.build_regions import RegionsOf, build_mask_track
from photovst.config import Settings
from photovst.guidance.flow import FlowPair, MotionSource
from photovst.guidance.guides import Guides
from photovst.guidance.mask_track import MaskTrack
from photovst.guidance.regions import Regions
from photovst.guidance.survey import Survey
from photovst.media.clip import Frame
from photovst.media.records import Clip, Picture
from photovst.media.shots import Shot
from photovst.media.tensors import resized, to_frame
from photovst.metrics.masks import mask_flicker
from photovst.ops.resize import limit_long_side
from photovst.storage import Arrays
from photovst.types import Size

TRUSTED = 0.5
"""Mean certainty of the flow below which a frame is segmented out of turn."""


@dataclass(frozen=True, eq=False)
class Step:
    """One frame on its way.

    ``image`` has the result's size, ``small`` the working size; ``seconds`` is what the guides took, ``segmenting`` the
    part of it for regions. ``begins`` says that the frame is the first of its shot. ``carry`` is what the regions of
    the next frame go on from, ``flicker`` the `mask_flicker` since the frame before, where that is of the same shot.
    """

    frame: Frame
    image: Picture
    small: Picture
    guides: Guides
    regions: Regions
    begins: bool
    seconds: float
    segmenting: float
    carry: Arrays
    flicker: float | None

    @property
    def index(self) -> int:
        """The frame's number, from 0."""
        return self.frame.index


@dataclass(frozen=True, eq=False)
class GuideStream:
    """Decodes a clip and makes the guides of each frame.

    Args:
        clip: what is decoded.
        overview: its shots.
        regions_of: makes the regions of a shot, given one of its frames.
        motion: where flow comes from; none where no distance is wanted.
        distances: how many frames back those are whose motion is wanted.
        track: steadies regions and draws them to edges.
        every: every so manyth frame of a shot is segmented; in between regions are carried along the flow.
        carries: whether regions are carried along the flow at all.
        size: of the result.
        long_side: of the working size; frames that are smaller stay as they are.
        device: where guides are to be.
        done: so many frames are done: they come with no motion but what their regions go by.
        carried: what the regions of the next go on from, where it is of the same shot as the last of them.
        smalls: frames decoded small, by number, where the working size is to be made from these.
    """

    clip: Clip
    overview: Survey
    regions_of: Callable[[Shot, Tensor], Regions]
    motion: MotionSource | None
    distances: tuple[int, ...]
    track: MaskTrack
    every: int
    carries: bool
    size: Size
    long_side: int
    device: torch.device
    done: int = 0
    carried: Arrays | None = None
    smalls: Mapping[int, Picture] | None = None

    def __iter__(self) -> Iterator[Step]:
        """Every frame of the clip."""
        earlier: OrderedDict[int, Picture] = OrderedDict()
        former: Tensor | None = None
        regions: Regions | None = None
        for frame in self.clip:
            index, began = frame.index, time.perf_counter()
            shot = self.overview.shot_of(index)
            image = resized(frame.image, self.size)
            decoded = frame.image if self.smalls is None else self.smalls[index]
            small = resized(decoded, working_size(self.clip.info.size, self.size, self.long_side))
            content = to_frame(small, self.device)
            begins, finding = index == shot.first, time.perf_counter()
            if begins or regions is None:
                regions, former = self.regions_of(shot, content), None
                self.track.begin()
                earlier.clear()
            finding = time.perf_counter() - finding
            if index == self.done and self.carried:
                self.track.restore(self.carried)
            # Regions go along with the motion; that of frames which are done serves nothing else.
            wanted = self.distances if index >= self.done else (1,) if self.carries else ()
            motions = self._motions(earlier, content, index, wanted)
            motion, segmenting = motions.get(1) if self.carries else None, time.perf_counter()
            due = motion is None or (index - shot.first) % self.every == 0 or _lost(motion)
            masks = self.track.step(content, regions.probabilities(index, content) if due else None, motion)
            segmenting = finding + time.perf_counter() - segmenting
            earlier[index] = small
            while len(earlier) > max(self.distances, default=0):
                earlier.popitem(last=False)
            yield Step(
                frame=frame,
                image=image,
                small=small,
                guides=Guides(content, masks, motions, index, float(frame.time)),
                regions=regions,
                begins=begins,
                seconds=time.perf_counter() - began,
                segmenting=segmenting,
                carry=(self.track.state() if self.carries else None) or {},
                flicker=_flicker(masks, former, motions.get(1)),
            )
            former = masks

    def _motions(
        self, earlier: OrderedDict[int, Picture], content: Tensor, index: int, wanted: tuple[int, ...]
    ) -> dict[int, FlowPair]:
        motions: dict[int, FlowPair] = {}
        if self.motion is None:
            return motions
        for distance in wanted:
            if index - distance in earlier:
                former = to_frame(earlier[index - distance], content.device)
                motions[distance] = self.motion.between(former, content, (index - distance, index))
        return motions


def build_guide_stream(
    settings: Settings,
    clip: Clip,
    overview: Survey,
    find: RegionsOf,
    motion: MotionSource | None,
    distances: tuple[int, ...],
    size: Size,
    device: torch.device,
    done: int = 0,
    carried: Arrays | None = None,
    long_side: int | None = None,
    smalls: Mapping[int, Picture] | None = None,
) -> GuideStream:
    """The guides of a clip as settings have them; see `GuideStream`, and `shot_regions` for ``find``.

    The working size is the last of the optimizer's, where ``long_side`` is not given.
    """
    return GuideStream(
        clip=clip,
        overview=overview,
        regions_of=partial(shot_regions, find, overview),
        motion=motion,
        distances=distances,
        track=build_mask_track(settings),
        every=settings.segmentation.every,
        carries=persists(settings),
        size=size,
        long_side=long_side or build_scales(settings, overview.count == 1)[-1].long_side,
        device=device,
        done=done,
        carried=carried,
        smalls=smalls,
    )


def working_size(clip: Size, result: Size, long_side: int) -> Size:
    """The size that frames are worked on at: of the clip's shape, whatever size the result has, unless that is smaller.

    >>> working_size((1080, 1920), (720, 1280), 320)
    (180, 320)
    """
    return result if max(result) <= long_side else limit_long_side(clip, long_side)


def shot_regions(find: RegionsOf, overview: Survey, shot: Shot, content: Tensor) -> Regions:
    """The regions of a shot; ``content`` is a frame of it, for shots too short to have left samples."""
    samples = [to_frame(picture, content.device) for picture in overview.samples(shot)] or [content]
    return find(samples, range(shot.first, shot.stop))


def _lost(motion: FlowPair) -> bool:
    """Whether too little of a frame is known from the one before: a cut too soon to be a shot, or a whip pan."""
    return float(motion.certainty_to_previous.mean()) < TRUSTED


def _flicker(masks: Tensor, former: Tensor | None, motion: FlowPair | None) -> float | None:
    if former is None or motion is None or masks.shape[1] == 1:
        return None
    value = float(mask_flicker(masks, former, motion.to_previous, motion.certainty_to_previous))
    return value if math.isfinite(value) else None
