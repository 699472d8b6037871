"""Stylizing a clip's frames in order, shot by shot, or taking them from the run folder where they are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.ahead import ahead, in_turn
from photovst.build import build_cache, build_motion
from photovst.build_optimizer import build_distances, build_optimizer, build_scales, build_start, persists
from photovst.build_predicted import Predictor
from photovst.build_regions import build_region_finder
from photovst.config import KeyframeKind, SegmentationMethod, SegmentationSettings, Settings, StylerKind
from photovst.errors import MediaError
from photovst.first_frames import FirstFrames
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.guides import Guides
from photovst.guidance.regions import Regions
from photovst.guidance.survey import Survey
from photovst.guide_stream import Step, build_guide_stream, shot_regions, working_size
from photovst.losses.objective import Encoder
from photovst.media.records import Clip, Picture, excerpt, picked
from photovst.media.shots import Shot
from photovst.optimize.frame_optimizer import FrameOptimizer, OnIteration
from photovst.optimize.neighbors import Earlier, Stylized
from photovst.optimize.parametrization import Parametrization
from photovst.progress import Progress
from photovst.results import FINAL, GUIDES, Results
from photovst.run import RunFolder
from photovst.storage import Arrays
from photovst.threads import threads
from photovst.types import Size

T = TypeVar("T")

BeginShot = Callable[[int, Regions], None]
"""Is told the first frame of a shot and its regions."""


class Styler(Protocol):
    """Turns the frames of a shot, in order, into stylized ones."""

    def stylize(
        self, guides: Guides, earlier: Earlier | None = None, on_iteration: OnIteration | None = None
    ) -> Stylized:
        """Stylize a frame; ``earlier`` holds no neighbor for the first of a shot."""
        ...

    def drift(self, guides: Guides, blended: Parametrization, expected: float | None) -> float:
        """How far a result blended between two others is from doing justice to a frame; 0 is as good as they are.

        ``expected`` is the distance in style that would be, where the two results have one.
        """
        ...


class Stylization:
    """The stylization of one clip.

    Args:
        settings: of the run.
        run: its folder; None for a preview, which stores no frames.
        clip: what is stylized.
        overview: its shots.
        size: of the result.
        encoder: of the objective; None where nothing is optimized.
        photo: the photograph.
        progress: is told of every frame.
        predictor: the network that gives color transforms, or those that the optimizer starts from.
    """

    def __init__(
        self,
        settings: Settings,
        run: RunFolder | None,
        clip: Clip,
        overview: Survey,
        size: Size,
        encoder: Encoder | None,
        photo: Tensor,
        progress: Progress,
        predictor: Predictor | None = None,
    ) -> None:
        self.predictor = predictor
        self.predicted = settings.styler is StylerKind.predicted
        if self.predicted and predictor is not None and predictor.whole:
            settings = replace(settings, segmentation=SegmentationSettings(SegmentationMethod.none))
        self.settings, self._run, self.clip, self.overview = settings, run, clip, overview
        self.size, self.encoder, self.photo, self.progress = size, encoder, photo, progress
        self.still = overview.count == 1
        self.keyframed = not self.still and settings.schedule.keyframes.kind is not KeyframeKind.none
        moving = not self.still and (self.distances() or settings.schedule.passes.count > 1 or self.keyframed)
        # Only where something asks for it: a network's weights may be needed.
        slow = settings.segmentation.method is SegmentationMethod.ade20k
        cache = build_cache(settings) if moving or slow else None
        self.motion = build_motion(settings, clip.info.size, photo.device, cache) if moving else None
        blended = () if predictor is None else tuple(predictor.photos.values())
        self.find_regions = build_region_finder(settings, photo, overview.count, clip.info.size, cache, blended)
        if isinstance(self.motion, FlowFiles):
            several = settings.schedule.passes.count if settings.schedule.passes.count > 1 else None
            distances = {*self.distances(several), *((1,) if several else ())}
            self.motion.check(overview.pairs(distances))  # before hours of work
        self.start = build_start(settings, photo.device, self.still)
        # A prediction takes less time than to look for it.
        self.first_frames = None if self.predicted else FirstFrames(settings, photo.device, self.still, self.start)

    @property
    def run(self) -> RunFolder:
        """The run's folder."""
        assert self._run is not None  # whoever stores frames gave one
        return self._run

    def alone(self, frames: Collection[int]) -> Iterator[tuple[Step, Stylized]]:
        """Single frames, each as if it began its shot, without trace in a run folder; they are kept by content.

        Args:
            frames: their numbers; of each of their shots the first frame must be among them.
        """
        clip, smalls = picked(self.clip, frames), None
        if self.keyframed:
            smalls = {frame.index: frame.image for frame in clip.thumbnails(max(self.working_size))}
        stream = build_guide_stream(
            self.settings, clip, self.overview, self.find_regions, None, (), self.size, self.photo.device,
            long_side=self._long_side(), smalls=smalls,
        )  # fmt: skip
        styler: Styler | None = None
        for step in stream:
            if step.begins:
                styler = self.styler_of(step.regions)
                for notice in step.regions.notices:
                    self.progress.warn(notice)
            assert styler is not None  # the first frame of the shot came before
            known = self.first_frames and self.first_frames.found(step.guides, step.regions)
            stylized = known or styler.stylize(step.guides, Earlier(), self.told(step.index))
            if self.first_frames and known is None:
                self.first_frames.keep(step.guides, step.regions, stylized)
            yield step, stylized

    def results(
        self, folder: str = FINAL, passage: int | None = None, shot: Shot | None = None
    ) -> Iterator[tuple[Step, Stylized]]:
        """Every frame with its result, done now or before.

        Args:
            folder: where in the run folder the results lie.
            passage: the pass, from 1, where there are several.
            shot: only the frames of this one, which needs no other.
        """
        count = self.overview.count
        frames = range(count) if shot is None else range(shot.first, shot.stop)
        done, carried = _resume_point(self.run, self.overview, folder, frames)
        if done > frames.start and (passage is not None or self.settings.schedule.passes.count == 1):
            self.progress.note(f"{done - frames.start} of {len(frames)} frames are done; going on from there")
        distances = self.distances(passage)
        clip = self.clip if shot is None else excerpt(self.clip, frames)
        stream = build_guide_stream(
            self.settings, clip, self.overview, self.find_regions, self.motion, distances, self.size,
            self.photo.device, done, carried, self._long_side(),
        )  # fmt: skip
        reach = max(*self.settings.objective.temporal.neighbors, 1)
        # A prediction takes less time than to wait for the disk.
        results = Results(self.run, folder, self.start, self.photo.device, reach, sync=not self.predicted)
        styler: Styler | None = None
        with closing(self.ahead(stream)) as steps:
            for step in steps:
                if step.begins:
                    styler = self.styler_of(step.regions, passage)
                    results.begin_shot(step.index)
                    for notice in step.regions.notices if folder == FINAL else ():
                        self.progress.warn(notice)
                if step.index < done:
                    stylized = results.restored(step.index, step.small)
                else:
                    assert styler is not None
                    stylized = self._stylized(step, styler, results, distances, passage)
                results.keep(step.index, step.small, stylized)
                yield step, stylized

    @property
    def leaves_cores(self) -> bool:
        """Whether processor cores are left to others while a frame is worked on: by a prediction, or on a GPU.

        The optimizer keeps every core busy, and a worker beside it makes both slow: threads that wait for each other
        wait for those that were put aside. What a prediction takes is small pieces, most of them for one core.
        """
        return self.predicted or self.photo.device.type != "cpu"

    def ahead(self, items: Iterable[T]) -> Generator[T, None, None]:
        """Items made while the one before is used, where that leaves cores to it."""
        return ahead(items) if self.leaves_cores else in_turn(items)

    def threads(self) -> AbstractContextManager[None]:
        """The threads for one piece of work; half of them where pieces are worked on at the same time on a CPU."""
        shared = self.predicted and self.photo.device.type == "cpu"
        return threads(max(1, torch.get_num_threads() // 2) if shared else None)

    def styler(self, regions: Regions, passage: int | None) -> FrameOptimizer:
        """The optimizer of a shot with these regions."""
        assert self.encoder is not None  # there is one where something is optimized
        predict = None if self.predictor is None else self.predictor.grids(self.settings, regions, self.still).grid
        return build_optimizer(self.settings, self.encoder, regions, self.still, passage, predict)

    def distances(self, passage: int | None = None) -> tuple[int, ...]:
        """How many frames away those are whose motion to a frame is asked for, ascending."""
        if self.predicted:
            return (1,) if persists(self.settings) else ()
        return build_distances(self.settings, passage)

    def regions(self, shot: Shot, content: Tensor) -> Regions:
        """The regions of a shot; ``content`` is a frame of it."""
        return shot_regions(self.find_regions, self.overview, shot, content)

    def stored_guides(self, index: int) -> tuple[Picture, NDArray[np.float16]]:
        """A frame at the working size and its regions, as the first of several passes left them.

        Raises:
            MediaError: they are gone.
        """
        arrays = self.run.load_state(index, GUIDES)
        if arrays is None:
            raise MediaError(f"the guides of frame {index} in {self.run.path} were removed in use; start again")
        return arrays["frame"], arrays["masks"]

    def told(self, index: int) -> OnIteration:
        """Tells of the iterations of a frame."""

        def tell(long_side: int, iteration: int, loss: float) -> None:
            self.progress.iteration(long_side, iteration, loss, frame=index)

        return tell

    def record(
        self,
        index: int,
        stylized: Stylized,
        seconds: Mapping[str, float],
        passage: int | None,
        flicker: float | None = None,
        drift: float | None = None,
        cached: bool = False,
    ) -> None:
        """Note down what a frame took, the flicker of its regions, and the drift that made it a keyframe.

        ``cached`` says that its result was at hand: its seconds are those of looking it up.
        """
        terms = {name: value for name, value in stylized.losses.items() if name != "total"}
        loss = None if self.predicted else stylized.losses.get("total", 0.0)
        self.run.add_record(
            ({"frame": index} if self.predicted else {"frame": index, "loss": loss, "terms": terms})
            | {"iterations": stylized.iterations, "evaluations": stylized.evaluations, "seconds": dict(seconds)}
            | ({} if flicker is None else {"mask_flicker": flicker})
            | ({} if drift is None else {"drift": drift})
            | ({"cached": True} if cached else {})
            | ({} if passage is None else {"pass": passage})
        )
        self.progress.frame(index, self.overview.count, loss, sum(seconds.values()), stylized.iterations)

    @property
    def name(self) -> str:
        """What records call the work on a frame itself."""
        return "network" if self.predicted else "optimize"

    @property
    def working_size(self) -> Size:
        """The size that frames are stylized at."""
        long_side = self._long_side() or build_scales(self.settings, self.still)[-1].long_side
        return working_size(self.clip.info.size, self.size, long_side)

    def styler_of(self, regions: Regions, passage: int | None = None) -> Styler:
        """What stylizes the frames of a shot with these regions."""
        if self.predicted:
            assert self.predictor is not None  # there is one where something is predicted
            return self.predictor.grids(self.settings, regions, self.still)
        return self.styler(regions, passage)

    def _long_side(self) -> int | None:
        """The working size where the optimizer has no say in it: the network's."""
        return self.predictor.network.size if self.predicted and self.predictor is not None else None

    def _stylized(
        self, step: Step, styler: Styler, results: Results, distances: tuple[int, ...], passage: int | None
    ) -> Stylized:
        began = time.perf_counter()
        alone = passage == 1 and self.settings.schedule.passes.alone
        earlier = Earlier() if alone else results.earlier(step.index, tuple(sorted({1, *distances})))
        known = None
        if step.begins and self.first_frames:
            known = self.first_frames.found(step.guides, step.regions)
        stylized = known or styler.stylize(step.guides, earlier, self.told(step.index))
        seconds = {
            "regions": step.segmenting,
            "guides": step.seconds - step.segmenting,
            self.name: time.perf_counter() - began,
        }
        self.record(step.index, stylized, seconds, passage, step.flicker, cached=known is not None)
        if passage is not None:
            masks = step.guides.masks.half().cpu().numpy()
            self.run.save_state(step.index, {"frame": step.small, "masks": masks}, GUIDES)
        results.store(step.index, stylized, step.carry)
        return stylized


def _resume_point(run: RunFolder, overview: Survey, folder: str, frames: range) -> tuple[int, Arrays | None]:
    """The first of these frames still to do, and the regions carried to it from the frame before.

    A frame is done when every state up to it is whole. Inside a shot the next one also needs the carried regions:
    where those are of another frame, or gone, its shot is done again from its start, for what comes out must not
    depend on where a run was stopped.
    """
    missing = next((i for i in frames if not run.has_state(i, folder)), frames.stop)
    if missing == frames.stop or overview.shot_of(missing).first == missing:
        return missing, None
    index, arrays = run.load_carry() or (-1, {})
    if index + 1 in (missing - 1, missing) and index >= overview.shot_of(missing).first:
        return index + 1, arrays
    return overview.shot_of(missing).first, None
