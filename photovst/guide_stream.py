"""The frames of a clip in order, each with what guides it: its regions and its motion from earlier frames.

Nothing here depends on a result, so a worker may make the next frame's guides while the present one is optimized.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from photovst.build import Regions
from photovst.guidance.flow import FlowPair, MotionSource
from photovst.guidance.guides import Guides, steady_masks
from photovst.guidance.survey import Survey
from photovst.media.clip import Frame
from photovst.media.records import Clip, Picture
from photovst.media.shots import Shot
from photovst.media.tensors import resized, to_frame
from photovst.ops.resize import limit_long_side
from photovst.types import Size


@dataclass(frozen=True, eq=False)
class Step:
    """One frame on its way.

    ``image`` has the result's size, ``small`` the working size; ``seconds`` is what the guides took. ``begins`` says
    that the frame is the first of its shot.
    """

    frame: Frame
    image: Picture
    small: Picture
    guides: Guides
    regions: Regions
    begins: bool
    seconds: float

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
        persistence: share of a region carried over from the last frame along the flow.
        size: of the result.
        long_side: of the working size; frames that are smaller stay as they are.
        device: where guides are to be.
        done: so many frames are done: they come with no motion but what their regions go by.
        carried: regions of the last of them, where the next is of the same shot.
    """

    clip: Clip
    overview: Survey
    regions_of: Callable[[Shot, Tensor], Regions]
    motion: MotionSource | None
    distances: tuple[int, ...]
    persistence: float
    size: Size
    long_side: int
    device: torch.device
    done: int = 0
    carried: Tensor | None = None

    def __iter__(self) -> Iterator[Step]:
        """Every frame of the clip."""
        earlier: OrderedDict[int, Picture] = OrderedDict()
        masks: Tensor | None = None
        regions: Regions | None = None
        for frame in self.clip:
            index, began = frame.index, time.perf_counter()
            shot = self.overview.shot_of(index)
            image = resized(frame.image, self.size)
            small = resized(image, limit_long_side(self.size, self.long_side))
            content = to_frame(small, self.device)
            begins = index == shot.first
            if begins or regions is None:
                regions, masks = self.regions_of(shot, content), None
                earlier.clear()
            if index == self.done and self.carried is not None:
                masks = self.carried.to(content)
            own = regions.of(index, content)
            # Regions go along with the motion; that of frames which are done serves nothing else.
            wanted = self.distances if index >= self.done else (1,) if self.persistence else ()
            motions = self._motions(earlier, content, index, wanted)
            if masks is not None and 1 in motions:
                own = steady_masks(own, masks, motions[1], self.persistence)
            # Stored as half floats, so also used as such: a resumed run goes on from the very same numbers.
            masks = own.half().to(content)
            earlier[index] = small
            while len(earlier) > max(self.distances, default=0):
                earlier.popitem(last=False)
            guides = Guides(content, masks, motions, index)
            yield Step(frame, image, small, guides, regions, begins, time.perf_counter() - began)

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
