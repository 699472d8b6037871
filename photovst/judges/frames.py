"""A content and a clip made from it, frame by frame, each with the motion from earlier ones; memory stays flat."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.flow import FlowPair
from photovst.guidance.survey import Survey
from photovst.judges.figures import spread
from photovst.judges.motion import JudgedMotion
from photovst.media.records import Clip
from photovst.media.tensors import resized, to_frame
from photovst.types import Size

LONG = 10
"""Frames apart in the long protocol of `e_warp`; 1 in the short one."""

FAR_PAIRS = 50
"""Pairs of the long protocol at most, spread over the clip."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier frame of both clips, and the motion between it and the present one."""

    shown: Float[Tensor, "n 3 h w"]
    pair: FlowPair
    has_back: bool


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame of the content and of the clip to judge: ``shown[0]`` is the content's, ``shown[-1]`` the clip's.

    ``before`` is the frame before it, in the same shot; ``near`` and ``far`` say how things moved since that and since
    ten frames ago, where it is known and wanted.
    """

    index: int
    shown: Float[Tensor, "n 3 h w"]
    before: Float[Tensor, "n 3 h w"] | None
    near: Earlier | None
    far: Earlier | None


def moments(
    source: Clip, result: Clip | None, size: Size, motion: JudgedMotion, overview: Survey, device: torch.device
) -> Iterator[Moment]:
    """Every frame, at the size to judge at; without a result the content is all there is.

    Raises:
        MediaError: one clip ends before the other.
    """
    starts = frozenset(shot.first for shot in overview.shots)
    apart = [now for _, now in overview.pairs((LONG,)) if motion.has(now - LONG, now)]
    wanted = frozenset(apart[place] for place in spread(len(apart), FAR_PAIRS))
    window: deque[tuple[int, Tensor]] = deque(maxlen=LONG + 1)
    for index, shown in enumerate(_side_by_side(source, result, size, device)):
        if index in starts:
            window.clear()
        window.append((index, shown))
        before = window[-2][1] if len(window) > 1 else None
        near = _earlier(motion, window[-2], index, shown) if len(window) > 1 else None
        far = _earlier(motion, window[0], index, shown) if index in wanted else None
        yield Moment(index, shown, before, near, far)


def _earlier(motion: JudgedMotion, former: tuple[int, Tensor], index: int, shown: Tensor) -> Earlier | None:
    before, picture = former
    if not motion.has(before, index):
        return None
    pair = motion.between(picture[:1], shown[:1], (before, index))
    return Earlier(picture, pair, motion.has_back(before, index))


def _side_by_side(source: Clip, result: Clip | None, size: Size, device: torch.device) -> Iterator[Tensor]:
    if result is None:
        for frame in source:
            yield to_frame(resized(frame.image, size), device)
        return
    for index, (first, second) in enumerate(zip_longest(source, result)):
        if first is None or second is None:
            short, long = (source, result) if first is None else (result, source)
            raise MediaError(
                f"{short.path} ends after {index} frames, but {long.path} goes on; judge a clip against its own content"
            )
        yield torch.cat([to_frame(resized(each.image, size), device) for each in (first, second)])
