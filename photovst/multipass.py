"""Several passes over each shot, forward and backward in turn, so that steadiness travels both ways [Ruder2016]."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor

from photovst.build_optimizer import build_distances
from photovst.guidance.flow import FlowPair
from photovst.guidance.guides import Guides
from photovst.media.records import Picture
from photovst.media.shots import Shot
from photovst.media.tensors import to_frame
from photovst.optimize.neighbors import Earlier, Neighbor
from photovst.optimize.parametrization import Parametrization
from photovst.results import FINAL, GUIDES, Results
from photovst.stylization import Stylization

FOLDER = "passes"


def run_passes(work: Stylization) -> None:
    """Run every pass that is not done; the last one leaves its results where the clip is made from.

    A pass takes each frame from the pass before, blends it with the neighbor that it has just done, and optimizes on.
    Every frame of every pass is stored, so a run goes on at the frame and the pass where it was stopped.
    """
    last = work.settings.schedule.passes.count
    done = _done(work, last)
    if not done and any(_lost(work, index, last) for index in range(work.overview.count)):
        work.run.drop(_folder(1, last))
    for passage in range(done + 2, last + 1):
        work.run.drop(_folder(passage, last))  # made from results that are gone
    for passage in range(done + 1, last + 1):
        work.progress.stage(f"pass {passage} of {last}")
        if passage == 1:
            for _ in work.results(_folder(1, last), passage):
                pass
        else:
            for shot in work.overview.shots:
                _run_pass(work, shot, passage, last)
            work.run.drop(_folder(passage - 1, last))
    work.run.drop(FOLDER)


def _folder(passage: int, last: int) -> str:
    return FINAL if passage == last else f"{FOLDER}/{passage:03d}"


def _done(work: Stylization, last: int) -> int:
    """The latest pass of which every frame is whole; 0 where there is none."""
    frames = range(work.overview.count)
    if all(work.run.has_state(index, FINAL) for index in frames):
        return last
    if not all(work.run.has_state(index, GUIDES) for index in frames):
        return 0
    whole = (p for p in range(1, last) if all(work.run.has_state(index, _folder(p, last)) for index in frames))
    return max(whole, default=0)


def _lost(work: Stylization, index: int, last: int) -> bool:
    """Whether a frame of the first pass is there but not its guides, which are stored before it."""
    return work.run.has_state(index, _folder(1, last)) and not work.run.has_state(index, GUIDES)


@dataclass(frozen=True, eq=False)
class _Visit:
    """A frame of a shot in a pass, with motion from its neighbors: by distance on the side that is done, and ahead.

    ``pictures`` are the frame and those neighbors at the working size, by their numbers.
    """

    index: int
    pictures: Mapping[int, Picture]
    guides: Guides
    ahead: FlowPair | None
    seconds: float


def _run_pass(work: Stylization, shot: Shot, passage: int, last: int) -> None:
    settings = work.settings.schedule.passes
    side = 1 if passage % 2 else -1  # a neighbor `side * distance` before a frame is done
    before, now = (Results(work.run, _folder(p, last), work.start, work.photo.device) for p in (passage - 1, passage))
    small, _ = work.stored_guides(shot.first)
    regions = work.regions(shot, to_frame(small, work.photo.device))
    styler = work.styler(regions, passage)
    distances = build_distances(work.settings, passage)
    order = [i for i in range(shot.first, shot.stop)[::side] if not work.run.has_state(i, _folder(passage, last))]
    with closing(work.ahead(_visits(work, shot, order, side, sorted({1, *distances})))) as visits:
        for visit in visits:
            began, index = time.perf_counter(), visit.index
            at = {j: index - side * j for j in visit.guides.motions}
            done = {j: now.restored(other, visit.pictures[other]) for j, other in at.items()}
            current: Parametrization = before.restored(index, visit.pictures[index]).parametrization
            weights = torch.ones_like(visit.guides.masks[:, :1])
            if 1 in done and settings.blend:
                neighbor = Neighbor(done[1], visit.guides.motions[1])
                current, weights = _blended(current, neighbor, settings.blend, weights)
            if visit.ahead is not None and settings.blend_ahead:
                coming = before.restored(index + side, visit.pictures[index + side])
                current, weights = _blended(current, Neighbor(coming, visit.ahead), settings.blend_ahead, weights)
            stylized = styler.refine(visit.guides, current, Earlier(done), work.told(index))
            seconds = {"guides": visit.seconds, "optimize": time.perf_counter() - began}
            work.record(index, stylized, seconds, passage)
            now.store(index, stylized, {})


def _blended(
    current: Parametrization, neighbor: Neighbor, weight: float, weights: Tensor
) -> tuple[Parametrization, Tensor]:
    """A running mean takes one more neighbor: ``(w x + d c y) / (w + d c)``, and the new sum of weights."""
    share = weight * neighbor.flow.certainty_to_previous
    weights = weights + share
    return current.blended(neighbor.carried, share / weights), weights


def _visits(work: Stylization, shot: Shot, order: list[int], side: int, distances: list[int]) -> Iterator[_Visit]:
    looks_ahead = work.settings.schedule.passes.blend_ahead > 0
    for index in order:
        began = time.perf_counter()
        small, masks = work.stored_guides(index)
        frame = to_frame(small, work.photo.device)
        done = {j: index - side * j for j in distances if shot.first <= index - side * j < shot.stop}
        after = [index + side] if looks_ahead and shot.first <= index + side < shot.stop else []
        pictures = {index: small} | {other: work.stored_guides(other)[0] for other in (*done.values(), *after)}
        assert work.motion is not None or not (done or after)  # passes ask for the motion of neighbors
        to_here = {
            other: work.motion.between(to_frame(picture, frame.device), frame, (other, index))
            for other, picture in pictures.items()
            if other != index and work.motion is not None
        }
        motions = {j: to_here[other] for j, other in done.items()}
        guides = Guides(frame, torch.from_numpy(masks).to(frame), motions, index)
        yield _Visit(index, pictures, guides, to_here[after[0]] if after else None, time.perf_counter() - began)
