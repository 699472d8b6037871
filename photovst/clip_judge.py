"""How good a whole clip is: style, steadiness, what is kept of the content, and what fades or drifts along it.

The clip and its content are read side by side, frame by frame, with a window of the last frames: memory does not grow
with the length of the clip. Figures have the names of the protocols in docs/method.md.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.cache import GuideCache
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow import FlowPair
from photovst.guidance.survey import Survey, survey
from photovst.judge import Judges
from photovst.media.clip import open_clip
from photovst.media.records import Clip
from photovst.media.tensors import resized, to_frame
from photovst.metrics.fidelity import ssim_content, ssim_edge
from photovst.metrics.sharpness import mean_color, sharpness
from photovst.metrics.ssim_adjacent import ssim_adjacent
from photovst.metrics.style import style_gram
from photovst.metrics.temporal import e_warp_detail, local_detail, stability_error, warp_error
from photovst.ops.masks import resize_masks
from photovst.ops.resize import fit_long_side, limit_long_side, resize
from photovst.types import Size

SIZE = 320
"""Longer side clips are judged at, in pixels; a smaller clip is judged as it is."""

LONG = 10
"""Frames apart in the long protocol of `e_warp`; 1 in the short one."""

STYLED = 8
"""Frames whose style is measured, at most, spread over the clip."""

PATCH = 100
"""Side of the patches of `ssim_adjacent`, in pixels."""

CUT_THRESHOLD = 27.0

Motion = Callable[[Tensor, Tensor, tuple[int, int]], FlowPair]
"""``motion(previous, current, (i, j))``: between frames i and j of the content, both ways, at the frames' size."""

MasksOf = Callable[[int, Tensor], Tensor]
"""``masks_of(index, frame)``: the regions of a content frame, ``(1, K, H, W)``."""


@dataclass(frozen=True)
class ClipFigures:
    """What is measured of one clip; NaN where there is nothing to measure, as in a clip too short for a protocol.

    ``style`` is `style_gram` by judge; ``e_warp_short`` and ``e_warp_long`` are `e_warp` of frames 1 and 10 apart;
    ``e_warp_detail`` is of the short ones; ``ssim_edge`` has the content's largest gradient for range;
    ``ssim_adjacent`` is NaN where frames are smaller than its patches. ``sharpness`` and ``color`` (RGB) are of each
    frame.
    """

    frames: int
    style: dict[str, float]
    e_stab: float
    e_warp_short: float
    e_warp_long: float
    e_warp_detail: float
    ssim_content: float
    ssim_edge: float
    ssim_adjacent: float
    sharpness: list[float]
    color: list[tuple[float, float, float]]

    @property
    def sharpness_kept(self) -> float:
        """Sharpness of the last tenth of the clip over that of the first: below 1 the clip fades."""
        part = max(1, self.frames // 10)
        start, end = sum(self.sharpness[:part]), sum(self.sharpness[-part:])
        return end / start if start > 0 else math.nan


def content_motion(cache: GuideCache | None = None, certainty: Literal["paper", "coded"] = "paper") -> Motion:
    """DIS flow of the content itself, through the cache where there is one, with the paper's binary certainty."""
    return EstimatedMotion(Dis(), cache, certainty).between


@torch.no_grad()
def judge_clip(
    content: str | Path,
    result: str | Path,
    photo: Float[Tensor, "1 3 photo_h photo_w"],
    masks_of: MasksOf,
    photo_masks: Float[Tensor, "1 k _h _w"],
    judges: Judges,
    motion: Motion | None = None,
    size: int = SIZE,
    overview: Survey | None = None,
) -> ClipFigures:
    """The figures of a clip made from a content and a photograph; of the content itself they are the floor.

    Pairs of frames across a cut are left out.

    Args:
        content: the clip it was made from: anything `open_clip` opens.
        result: the clip to judge; as many frames, at any size.
        photo: the photograph, RGB in [0, 1]; everything is measured on its device.
        masks_of: regions of a content frame.
        photo_masks: regions of the photograph, at any size.
        judges: encoders by name; never the one that a result was optimized with.
        motion: of the content; `content_motion` when not given.
        size: longer side to judge at, in pixels.
        overview: cuts and length of the content, where they are known already.

    Raises:
        MediaError: a clip cannot be read, or the two differ in length.
    """
    source, shown = open_clip(content), open_clip(result)
    overview = overview or survey(source, CUT_THRESHOLD)
    working = limit_long_side(source.info.size, size)
    pairs = _Pairs(motion or content_motion(), overview)
    style = _Style(judges, photo, photo_masks, masks_of, max(working), overview.count)
    content_kept, edges_kept, sharp = [], [], []
    color: list[tuple[float, float, float]] = []
    for index, (frame, output) in enumerate(_side_by_side(source, shown, working, photo.device)):
        pairs.add(index, frame, output)
        style.add(index, frame, output)
        content_kept.append(float(ssim_content(output, frame)))
        edges_kept.append(float(ssim_edge(output, frame, None)))
        sharp.append(float(sharpness(output)))
        red, green, blue = mean_color(output)[0].tolist()
        color.append((red, green, blue))
    return ClipFigures(
        frames=len(sharp),
        style={name: mean(values) for name, values in style.values.items()},
        e_stab=math.sqrt(mean(pairs.stability)),
        e_warp_short=mean(pairs.output),
        e_warp_long=mean(pairs.far),
        e_warp_detail=pairs.detail(),
        ssim_content=mean(content_kept),
        ssim_edge=mean(edges_kept),
        ssim_adjacent=mean(pairs.alike),
        sharpness=sharp,
        color=color,
    )


def spread(count: int, most: int) -> list[int]:
    """At most so many indices of ``count``, evenly spread from the first to the last.

    >>> spread(24, 5), spread(3, 5), spread(9, 1)
    ([0, 6, 12, 17, 23], [0, 1, 2], [0])
    """
    if count <= most:
        return list(range(count))
    return [int(i * (count - 1) / max(most - 1, 1) + 0.5) for i in range(most)]


def mean(values: Iterable[float]) -> float:
    """The mean of the values that are numbers; NaN when there are none."""
    numbers = [value for value in values if not math.isnan(value)]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


class _Style:
    """`style_gram` of a few frames spread over the clip, by every judge."""

    def __init__(
        self, judges: Judges, photo: Tensor, photo_masks: Tensor, masks_of: MasksOf, long_side: int, count: int
    ) -> None:
        # The photograph at the clip's scale: a judge sees textures at the size they are drawn.
        small = resize(photo, fit_long_side((photo.shape[-2], photo.shape[-1]), long_side))
        self._photo_masks = resize_masks(photo_masks, (small.shape[-2], small.shape[-1]))
        self._wanted = {name: encoder(small) for name, encoder in judges.items()}
        self._judges, self._masks_of, self._chosen = judges, masks_of, frozenset(spread(count, STYLED))
        self.values: dict[str, list[float]] = {name: [] for name in judges}

    def add(self, index: int, frame: Tensor, output: Tensor) -> None:
        if index not in self._chosen or not self._judges:
            return
        masks = self._masks_of(index, frame)
        for name, encoder in self._judges.items():
            distance = style_gram(encoder(output), self._wanted[name], masks, self._photo_masks)
            self.values[name].append(float(distance))


@dataclass
class _Pairs:
    """Errors along the motion of the content, between neighboring frames and frames ten apart, inside shots."""

    motion: Motion
    overview: Survey
    stability: list[float] = field(default_factory=list)
    output: list[float] = field(default_factory=list)
    input: list[float] = field(default_factory=list)
    far: list[float] = field(default_factory=list)
    alike: list[float] = field(default_factory=list)
    output_detail: list[float] = field(default_factory=list)
    input_detail: list[float] = field(default_factory=list)
    _window: deque[tuple[int, Tensor, Tensor]] = field(default_factory=lambda: deque(maxlen=LONG + 1))

    def add(self, index: int, frame: Tensor, output: Tensor) -> None:
        self.output_detail.append(float(local_detail(output)))
        self.input_detail.append(float(local_detail(frame)))
        if index in (shot.first for shot in self.overview.shots):
            self._window.clear()
        self._window.append((index, frame, output))
        if len(self._window) > 1:
            before, former, shown = self._window[-2]
            pair = self.motion(former, frame, (before, index))
            self.stability.append(float(stability_error(output, shown, pair.to_previous, pair.certainty_to_previous)))
            self.output.append(float(warp_error(shown, output, pair.to_next, pair.certainty_to_next)))
            if min(frame.shape[-2:]) >= PATCH:
                self.alike.append(float(ssim_adjacent(output, shown, PATCH)))
            self.input.append(float(warp_error(former, frame, pair.to_next, pair.certainty_to_next)))
        if len(self._window) > LONG:
            before, former, shown = self._window[0]
            pair = self.motion(former, frame, (before, index))
            self.far.append(float(warp_error(shown, output, pair.to_next, pair.certainty_to_next)))

    def detail(self) -> float:
        parts = (self.output, self.output_detail, self.input, self.input_detail)
        output, output_detail, source, source_detail = (torch.tensor(mean(part), dtype=torch.float64) for part in parts)
        return float(e_warp_detail(output, output_detail, source, source_detail))


def _side_by_side(source: Clip, shown: Clip, size: Size, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Frames of both clips at one size.

    Raises:
        MediaError: one ends before the other.
    """
    for index, (first, second) in enumerate(zip_longest(source, shown)):
        if first is None or second is None:
            short, long = (source, shown) if first is None else (shown, source)
            raise MediaError(
                f"{short.path} ends after {index} frames, but {long.path} goes on; judge a clip against its own content"
            )
        yield to_frame(resized(first.image, size), device), to_frame(resized(second.image, size), device)
