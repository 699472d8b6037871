"""Keyframes: a few frames of each shot, placed and stylized in order; all others are blended between these.

The clip is decoded at the working size only. A keyframe is stylized as a frame after the last keyframe: its motion, its
start and its temporal term reach across the gap. Then the frame in the middle is looked at, and becomes a keyframe,
too, where the blend leaves too much of the style behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

import numpy as np
import torch
from torch import Tensor

from photovst.build_optimizer import persists
from photovst.build_regions import build_mask_track
from photovst.config import KeyframeKind, KeyframeSettings
from photovst.guidance.dis import Dis
from photovst.guidance.flow import FlowPair, flow_pair
from photovst.guidance.guides import Guides
from photovst.guidance.placement import Adaptive, EveryNth, Look, Placement
from photovst.guidance.regions import Regions
from photovst.keyframe_track import PLACES, SHOTS
from photovst.media.records import excerpt
from photovst.media.shots import Shot
from photovst.media.tensors import resized, to_frame
from photovst.ops.cell_motion import cell_motion
from photovst.ops.resize import limit_long_side
from photovst.optimize.between import CellMotion, Step, between, motion_state, motions_inside
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.neighbors import Earlier, Stylized
from photovst.results import FINAL
from photovst.shown import spread
from photovst.storage import Arrays
from photovst.stylization import BeginShot, Stylization

SHOWN = "state/shown"
"""Where the run folder keeps the regions of those keyframes that a report shows."""

STEPS, STEPS_SIDE = Dis(finest_scale=1), 160
"""The flow from frame to frame that grids are carried along, whatever other flow there is, and its size (longer side).

Cells are coarse: at twice the size and detail clips came out no steadier.
"""

KEPT = 8
"""Flows between two frames that are kept: a gap is looked at, stylized over, and looked at again."""

STYLE = "style"
"""The array of a keyframe's state that holds its distance to the photograph's style."""


def run_keyframes(work: Stylization, begin_shot: BeginShot, only: Shot | None = None) -> None:
    """Place, stylize and store the keyframes of every shot, or of one, as far as that is not done.

    Raises:
        PhotovstError: as for stylizing any frame.
    """
    shots = work.overview.shots
    clip = work.clip if only is None else excerpt(work.clip, range(only.first, only.stop))
    todo = {shot.first: number for number, shot in enumerate(shots) if only is None or shot == only}
    with closing(work.ahead(clip.thumbnails(max(work.working_size)))) as frames:
        for first, inside in groupby(frames, key=lambda frame: work.overview.shot_of(frame.index).first):
            looks = (
                Look(frame.index, resized(frame.image, work.working_size), float(frame.time), work.photo.device)
                for frame in inside
            )
            begins, number = next(looks), todo[first]
            regions = work.regions(shots[number], begins.frame)
            begin_shot(first, regions)
            for notice in regions.notices:
                work.progress.warn(notice)
            if not _is_done(work, number):
                # One that is done again after damage is not whole until its motion is there, too.
                work.run.drop_state(number, SHOTS)
                shot = ShotKeyframes(work, regions)
                work.run.save_state(number, {PLACES: np.array(shot.run(begins, looks))}, SHOTS)


def _is_done(work: Stylization, number: int) -> bool:
    """Whether all keyframes of a shot are there, and it is known which they are."""
    arrays = work.run.load_state(number, SHOTS)
    return arrays is not None and all(work.run.has_state(int(index)) for index in arrays[PLACES])


def build_placement(chosen: KeyframeSettings) -> Placement:
    """What chooses keyframes."""
    if chosen.kind is KeyframeKind.every:
        return EveryNth(chosen.every)
    return Adaptive(chosen.longest, chosen.change)


@dataclass(frozen=True, eq=False)
class Keyframe:
    """A keyframe that is done: what it looks like, what it became, and what regions go on from."""

    look: Look
    masks: Tensor
    stylized: Stylized
    style: float | None
    carry: Arrays | None

    @property
    def index(self) -> int:
        """Its number in the clip."""
        return self.look.index

    @property
    def grid(self) -> BilateralGrid:
        """Its color transforms."""
        assert isinstance(self.stylized.parametrization, BilateralGrid)  # checked on load
        return self.stylized.parametrization


class ShotKeyframes:
    """The keyframes of one shot.

    Args:
        work: the stylization that they are of.
        regions: of the shot.
    """

    def __init__(self, work: Stylization, regions: Regions) -> None:
        self._work, self._regions = work, regions
        self._settings = work.settings.schedule.keyframes
        self._styler = work.styler_of(regions)
        self._track, self._carries = build_mask_track(work.settings), persists(work.settings)
        self._distances = work.distances()
        self._done: list[Keyframe] = []
        self._places: list[int] = []
        self._shown: dict[int, tuple[int, Tensor]] = {}
        self._flows: dict[tuple[int, int], FlowPair] = {}
        self._first: Stylized | None = None
        self._former: dict[int, Look] = {}
        self._steps: dict[int, Step] = {}

    def run(self, first: Look, looks: Iterator[Look]) -> list[int]:
        """Place and stylize them; gives their numbers, ascending."""
        placement = build_placement(self._settings)
        self._keep(self._stylized(first, []), [])
        coming = list(islice(looks, placement.reach))
        while coming:
            self._former |= {now.index: before for before, now in pairwise([self._done[-1].look, *coming])}
            place = placement.next(self._done[-1].look, coming, lambda look: self._step(look).back)
            self._reach(coming[: place + 1])
            self._forget(coming[place].index)
            coming = coming[place + 1 :]
            coming += islice(looks, placement.reach - len(coming))
        for index, masks in self._shown.values():
            self._work.run.save_state(index, {"masks": (masks * 255).round().byte().cpu().numpy()}, SHOWN)
        return sorted(self._places)

    def _reach(self, looks: list[Look]) -> None:
        """Stylize the last of these frames, and those before it that the blend does not do justice to."""
        later = self._stylized(looks[-1], self._done)
        self._fill(self._done[-1], later, looks[:-1])

    def _fill(self, former: Keyframe, later: Keyframe, inside: list[Look]) -> None:
        """Look at the middle of a gap, and part it there where it has drifted too far."""
        motions: list[CellMotion] = []
        if inside and self._settings.carried:
            motions = motions_inside([self._step(look) for look in (*inside, later.look)])
        if inside and self._settings.kind is KeyframeKind.adaptive:
            place = len(inside) // 2
            look = inside[place]
            drift = self._drift(look, former, later, motions[place] if motions else None)
            if drift > self._settings.bound:
                added = self._stylized(look, [former], drift)
                self._fill(former, added, inside[:place])
                self._fill(added, later, inside[place + 1 :])
                return
        self._keep(later, motions)

    def _keep(self, keyframe: Keyframe, motions: Sequence[CellMotion]) -> None:
        """Store a keyframe with the motion since the one before it, which is settled now."""
        self._places.append(keyframe.index)
        self._done.append(keyframe)
        del self._done[: -max((1, *self._distances))]
        if motions:
            self._store(keyframe.index, keyframe.stylized, keyframe.style, motions)
        for wanted in spread(self._work.overview.count):
            near = self._shown.get(wanted)
            shot = self._work.overview.shot_of(wanted)
            if shot.first <= keyframe.index < shot.stop and (
                near is None or abs(keyframe.index - wanted) < abs(near[0] - wanted)
            ):
                self._shown[wanted] = keyframe.index, keyframe.masks

    def _store(self, index: int, stylized: Stylized, style: float | None, motions: Sequence[CellMotion] = ()) -> None:
        own = {} if style is None else {STYLE: np.array(style)}
        self._work.run.save_state(index, stylized.parametrization.state() | own | motion_state(motions), FINAL)

    def _stylized(self, look: Look, done: Sequence[Keyframe], drift: float | None = None) -> Keyframe:
        """A keyframe after those done, the latest last; taken from the run folder where it is there."""
        began = time.perf_counter()
        earlier = {j: done[-j] for j in sorted({1, *self._distances}) if j <= len(done)}
        motions = {j: self._motion(other.look, look) for j, other in earlier.items() if j in self._distances}
        frame = look.frame
        # An added keyframe goes on from the one before it, not from the one after it that was there first.
        self._track.begin()
        if done and done[-1].carry:
            self._track.restore(done[-1].carry)
        found = self._regions.probabilities(look.index, frame)
        masks = self._track.step(frame, found, motions.get(1) if self._carries else None)
        carry = self._track.state() if self._carries else None
        stored = self._work.run.load_state(look.index)
        if stored is None:
            guided = time.perf_counter() - began
            guides = Guides(frame, masks, motions, look.index, look.time)
            before = Earlier({j: other.stylized for j, other in earlier.items()}, self._first)
            known = None
            if not done and self._work.first_frames:
                known = self._work.first_frames.found(guides, self._regions)
            stylized = known or self._styler.stylize(guides, before, self._work.told(look.index))
            style = stylized.losses.get("style")
            seconds = {"guides": guided, self._work.name: time.perf_counter() - began - guided}
            self._work.record(look.index, stylized, seconds, None, drift=drift, cached=known is not None)
            self._store(look.index, stylized, style)
        else:
            stylized = Stylized(self._work.start(frame).restored(stored), frame, {}, 0, 0)
            style = float(stored[STYLE]) if STYLE in stored else None
        self._first = self._first or stylized
        return Keyframe(look, masks, stylized, style, carry)

    def _drift(self, look: Look, former: Keyframe, later: Keyframe, motion: CellMotion | None) -> float:
        """How far the blend is from doing justice to a frame: in the areas of its regions, and in style."""
        share = (look.index - former.index) / (later.index - former.index)
        masks = self._regions.of(look.index, look.frame)
        areas, before, after = (each.mean(dim=(0, 2, 3)) for each in (masks, former.masks, later.masks))
        regions = float((areas - before.lerp(after, share)).abs().sum()) / 2
        blended = between(former.grid, later.grid, share, motion)
        styles = [keyframe.style for keyframe in (former, later) if keyframe.style is not None]
        expected = styles[0] + share * (styles[1] - styles[0]) if len(styles) == 2 else None
        guides = Guides(look.frame, masks, {}, look.index, look.time)
        return max(regions, self._styler.drift(guides, blended, expected))

    def _step(self, look: Look) -> Step:
        """Motion between a frame and the one before it, on the cells of the grid."""
        if look.index not in self._steps:
            rows, columns = self._done[0].grid.grid.shape[1:3]
            earlier, now = (_small(each) for each in (self._former[look.index], look))
            pair = flow_pair(STEPS, earlier, now, "paper")
            flows = torch.cat([pair.to_previous, pair.to_next])
            certainties = torch.cat([pair.certainty_to_previous, pair.certainty_to_next])
            cells = cell_motion(flows, certainties, (rows, columns))
            self._steps[look.index] = Step(cells[:1], cells[1:])
        return self._steps[look.index]

    def _forget(self, index: int) -> None:
        """What lies before a frame is not asked for any more."""
        for held in (self._steps, self._former):
            for known in [known for known in held if known <= index]:
                del held[known]

    def _motion(self, former: Look, later: Look) -> FlowPair:
        pair = former.index, later.index
        if pair not in self._flows:
            assert self._work.motion is not None  # keyframes ask for motion
            self._flows[pair] = self._work.motion.between(former.frame, later.frame, pair)
        while len(self._flows) > KEPT:
            del self._flows[next(iter(self._flows))]
        return self._flows[pair]


def _small(look: Look) -> Tensor:
    height, width = look.picture.shape[:2]
    return to_frame(resized(look.picture, limit_long_side((height, width), STEPS_SIDE)), look.device)
