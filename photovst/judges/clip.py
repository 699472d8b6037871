"""How good a whole clip is: style, steadiness, what is kept of the content, and what fades or drifts along it.

The clip and its content are read side by side, frame by frame, with a window of the last frames: memory does not grow
with the length of the clip but by a few numbers a frame. Figures have the names of the protocols in docs/method.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch

from photovst.ahead import ahead, in_turn
from photovst.guidance.survey import Survey
from photovst.judges.figures import ClipFigures, mean, spread
from photovst.judges.frames import Moment, moments
from photovst.judges.likeness import Likeness, Look, Perceptual
from photovst.judges.motion import JudgedMotion
from photovst.judges.steadiness import Steadiness, Values, column
from photovst.media.clip import open_clip
from photovst.metrics.fidelity import ssim_content, ssim_edge
from photovst.metrics.sharpness import mean_color, sharpness
from photovst.ops.resize import limit_long_side
from photovst.threads import threads

STYLED = 8
"""Frames whose likeness is measured, at most, spread over the clip."""

CUT_THRESHOLD = 27.0

CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Bench:
    """By what clips of one content are judged.

    Args:
        motion: of the content.
        overview: cuts and length of the content.
        look: the photograph's, where there is one.
        size: longer side to judge at, in pixels.
        perceptual: LPIPS, where its weights are here.
        device: where everything is measured.
    """

    motion: JudgedMotion
    overview: Survey
    look: Look | None
    size: int
    perceptual: Perceptual | None = None
    device: torch.device = CPU


class Judged(NamedTuple):
    """Figures of a clip, and those of its content: the floor."""

    result: ClipFigures
    floor: ClipFigures


@torch.no_grad()
def judge_clip(
    content: str | Path,
    result: str | Path | None,
    bench: Bench,
    watch: Callable[[Moment, Steadiness], None] | None = None,
) -> Judged:
    """The figures of a clip made from a content, and the content's own; without a result, the content's twice.

    Pairs of frames across a cut are left out.

    Args:
        content: the clip it was made from: anything `open_clip` opens.
        result: the clip to judge; as many frames, at any size.
        bench: by what.
        watch: called with each frame after it is measured, and what was measured so far.

    Raises:
        MediaError: a clip cannot be read, or the two differ in length.
    """
    source = open_clip(content)
    shown = None if result is None else open_clip(result)
    size = limit_long_side(source.info.size, bench.size)
    count = 1 if shown is None else 2
    steadiness, likeness = Steadiness(count), Likeness(bench.look, bench.perceptual)
    chosen = frozenset(spread(bench.overview.count, STYLED))
    frames = _Frames()
    # Flow, sums over small pictures and judges' networks beside each other, with a thread each: pictures are
    # too small for several threads at one of them, and figures do not depend on how many cores there are.
    beside = torch.get_num_threads() > 1
    stream = moments(source, shown, size, bench.motion, bench.overview, bench.device)
    with threads(1), closing((ahead if beside else in_turn)(stream)) as upcoming, ThreadPoolExecutor(2) as aside:
        measured = []
        for moment in upcoming:
            if moment.index in chosen and beside:
                measured.append(aside.submit(likeness.add, moment))
            elif moment.index in chosen:
                likeness.add(moment)
            steadiness.add(moment)
            frames.add(moment)
            if watch is not None:
                watch(moment, steadiness)
        for each in measured:
            each.result()
    figures = [_figures(which, steadiness, likeness, frames) for which in (-1, 0)]
    return Judged(*figures)


@dataclass
class _Frames:
    """What each frame keeps of the content's, and its sharpness and color; of the content and of the clip."""

    kept: Values = field(default_factory=list)
    edges: Values = field(default_factory=list)
    sharp: Values = field(default_factory=list)
    color: list[list[list[float]]] = field(default_factory=list)

    def add(self, moment: Moment) -> None:
        shown, frame = moment.shown, moment.shown[:1]
        kept, edges = [1.0], [1.0]  # of the content itself: SSIM of equal pictures is 1, exactly
        if len(shown) > 1:
            kept += ssim_content(shown[1:], frame).tolist()
            edges += ssim_edge(shown[1:], frame, None).tolist()
        self.kept.append(kept)
        self.edges.append(edges)
        self.sharp.append(sharpness(shown).tolist())
        self.color.append(mean_color(shown).tolist())


def _figures(which: int, steadiness: Steadiness, likeness: Likeness, frames: _Frames) -> ClipFigures:
    kept, edges = column(frames.kept, which), column(frames.edges, which)
    style = {name: mean(column(values, which)) for name, values in likeness.style.items()}
    return ClipFigures(
        frames=len(frames.kept),
        style={name: value for name, value in style.items() if not math.isnan(value)},
        e_stab=steadiness.e_stab(which),
        e_warp_short=mean(column(steadiness.warp, which)),
        e_warp_long=mean(column(steadiness.far, which)),
        e_warp_detail=steadiness.e_warp_detail(which),
        ssim_content=mean(kept),
        ssim_edge=mean(edges),
        ssim_adjacent=mean(column(steadiness.alike, which)),
        matting_energy=mean(column(likeness.matting, which)),
        histogram=mean(column(likeness.histogram, which)),
        lpips=mean(column(likeness.lpips, which)),
        flow_coverage=mean(steadiness.coverage),
        sharpness=column(frames.sharp, which),
        color=[(red, green, blue) for red, green, blue in (each[which] for each in frames.color)],
        stability_at=column(steadiness.stability, which),
        warp_at=column(steadiness.warp, which),
        adjacent_at=column(steadiness.alike, which),
        content_at=kept,
        edge_at=edges,
    )
