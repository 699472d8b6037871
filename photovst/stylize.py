"""The main flow: a clip and a photograph in, the clip in the photograph's light out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from photovst.build import (
    Regions,
    build_cache,
    build_device,
    build_encoder,
    build_motion,
    build_optimizer,
    build_regions,
    build_scales,
    build_start,
)
from photovst.config import FlowMethod, SegmentationMethod, Settings
from photovst.errors import MediaError, SettingsError
from photovst.guidance.flow import FlowPair, MotionSource
from photovst.guidance.guides import Guides, steady_masks
from photovst.guidance.survey import Survey, survey
from photovst.highlights import Highlights
from photovst.losses.objective import Encoder
from photovst.media.clip import Clip, Frame, open_clip
from photovst.media.images import read_image
from photovst.media.records import SMALLEST_SIDE, Picture
from photovst.media.shots import Shot
from photovst.media.tensors import resized, to_frame, to_picture
from photovst.media.video_writer import ClipWriter, check_output
from photovst.ops.local_affine import smooth_local_affine
from photovst.ops.resize import fit_long_side
from photovst.optimize.frame_optimizer import OnIteration, Stylized
from photovst.progress import Progress
from photovst.provenance import identity
from photovst.run import RunFolder, default_run_folder
from photovst.types import Size


class Styler(Protocol):
    """Turns the frames of a shot, in order, into stylized ones."""

    def stylize(self, guides: Guides, previous: Stylized | None, on_iteration: OnIteration | None = None) -> Stylized:
        """Stylize a frame; ``previous`` is the one before it, or None for the first of a shot."""
        ...


def stylize_clip(
    settings: Settings, *, run_folder: Path | None = None, overwrite: bool = False, progress: Progress
) -> Path:
    """Restyle a clip and return the path of the result.

    The result appears under its name only when it is whole. Everything needed to go on after a kill is in the run
    folder; the same call resumes and ends with the same bytes.

    Raises:
        PhotovstError: bad input, in one line.
    """
    output = Path(settings.output)
    folder = run_folder or default_run_folder(output)
    _check_apart(folder, output)
    clip = open_clip(settings.content)
    check_output(output, settings.video.codec.value, clip, overwrite=overwrite)
    size = _output_size(settings, clip.info.size)
    device = build_device(settings)
    encoder = build_encoder(settings, device)
    photo = to_frame(read_image(settings.style), device)
    motion = _motion_source(settings, clip, device)
    with RunFolder.open(folder, settings, _key(settings, device), overwrite) as run:
        progress.record_to(run.log)
        progress.stage("survey")
        overview = survey(clip, settings.shots.threshold if settings.shots.detect else None)
        highlights = Highlights(overview.count)
        shots = _Shots(settings, run, overview, clip.info.size, encoder, photo, motion, device, progress, highlights)
        progress.stage("stylize")
        with ClipWriter(output, clip, size, settings.video.codec.value, settings.video.quality) as writer:
            for frame in clip:
                image = resized(frame.image, size)
                stylized, masks = shots.stylize(frame, image)
                picture = _picture(settings, stylized, image, device)
                alpha = None if frame.alpha is None else resized(frame.alpha, size)
                writer.write(picture, frame.time, alpha, frame.duration)
                highlights.look(frame.index, image, picture, masks)
            # Before the result gets its name: where that is there, a run stopped here would not go on.
            progress.stage("report")
            highlights.write(run.path, settings, output, photo, progress)
        run.finish(output)
    return output


def is_finished(settings: Settings, run_folder: Path) -> bool:
    """Whether a run folder holds this very run, finished, and its result is still there."""
    return RunFolder.holds(run_folder, _key(settings, build_device(settings)))


def _key(settings: Settings, device: torch.device) -> dict[str, Any]:
    inputs = {"content": settings.content, "style": settings.style}
    if settings.segmentation.method is SegmentationMethod.files:
        inputs["segmentation.content"] = str(settings.segmentation.content)
        inputs["segmentation.style"] = str(settings.segmentation.style)
    if settings.flow.method is FlowMethod.files:
        inputs["flow.folder"] = str(settings.flow.folder)
    return identity(settings, inputs, str(device))


class _Shots:
    """Stylizes a clip's frames in order, shot by shot, or takes them from the run folder where they are done."""

    def __init__(
        self,
        settings: Settings,
        run: RunFolder,
        overview: Survey,
        size: Size,
        encoder: Encoder,
        photo: Tensor,
        motion: MotionSource | None,
        device: torch.device,
        progress: Progress,
        highlights: Highlights,
    ) -> None:
        self.settings, self.run, self.overview, self.size = settings, run, overview, size
        self.encoder, self.photo, self.motion, self.device = encoder, photo, motion, device
        self.progress, self.highlights = progress, highlights
        self.still = overview.count == 1
        self.start = build_start(settings, device, self.still)
        self.resume_at, self.carried_masks = _resume_point(run, overview)
        if self.resume_at:
            progress.note(f"{self.resume_at} of {overview.count} frames are done; going on from there")
        self.regions: Regions
        self.styler: Styler
        self.previous: Stylized | None = None
        self.masks: Tensor | None = None

    def stylize(self, frame: Frame, image: Picture) -> tuple[Stylized, Tensor]:
        """The stylized frame and its regions."""
        index = frame.index
        began = time.perf_counter()
        shot = self.overview.shot_of(index)
        small = to_frame(resized(image, _working_size(self.settings, self.still, image)), self.device)
        own = self._own_masks(shot, index, small)
        done = index < self.resume_at
        motion = None if done or self.previous is None else self._motion(small, index)
        if index == self.resume_at and self.carried_masks is not None:
            self.masks = self.carried_masks.to(small)
        masks = own
        if motion is not None and self.masks is not None:
            masks = steady_masks(own, self.masks, motion, self.settings.segmentation.persistence)
        # Stored as half floats, so also used as such: a resumed run goes on from the very same numbers.
        masks = masks.half().to(small)
        guided = time.perf_counter()
        if done:
            stylized = self._restored(index, small)
        else:
            stylized = self.styler.stylize(Guides(small, masks, motion), self.previous, self._on_iteration(index))
            self._store(index, stylized, masks, guided - began, time.perf_counter() - guided)
        self.previous, self.masks = stylized, masks
        return stylized, masks

    def _own_masks(self, shot: Shot, index: int, small: Tensor) -> Tensor:
        """The frame's regions by themselves; at the first frame of a shot everything starts anew."""
        if index == shot.first:
            samples = [to_frame(picture) for picture in self.overview.samples(shot)] or [small]
            self.regions = build_regions(self.settings, samples, self.photo, self.overview.count, self.size)
            self.styler = build_optimizer(self.settings, self.encoder, self.photo, self.regions.photo, self.still)
            self.previous = self.masks = None
            for notice in self.regions.notices:
                self.progress.warn(notice)
        masks = self.regions.of(index, small)
        if index == shot.first:
            self.highlights.begin_shot(index, self.regions, masks)
        return masks

    def _motion(self, small: Tensor, index: int) -> FlowPair | None:
        assert self.previous is not None
        return None if self.motion is None else self.motion.between(self.previous.frame, small, (index - 1, index))

    def _restored(self, index: int, small: Tensor) -> Stylized:
        arrays = self.run.load_state(index)
        if arrays is None:
            raise MediaError(
                f"the state of frame {index} in {self.run.path} was removed while it was in use; start again"
            )
        return Stylized(self.start(small).restored(arrays), small, {}, 0, 0)

    def _store(self, index: int, stylized: Stylized, masks: Tensor, guiding: float, optimizing: float) -> None:
        terms = {name: value for name, value in stylized.losses.items() if name != "total"}
        loss = stylized.losses.get("total", 0.0)
        self.run.add_record(
            {
                "frame": index,
                "loss": loss,
                "terms": terms,
                "iterations": stylized.iterations,
                "evaluations": stylized.evaluations,
                "seconds": {"guides": guiding, "optimize": optimizing},
            }
        )
        # In this order: a frame stopped before its carry is done again, and its later record counts.
        self.run.save_state(index, stylized.parametrization.state())
        self.run.save_carry(index, {"masks": masks.half().cpu().numpy()})
        self.progress.frame(index, self.overview.count, loss, guiding + optimizing, stylized.iterations)

    def _on_iteration(self, index: int) -> OnIteration:
        def tell(long_side: int, iteration: int, loss: float) -> None:
            self.progress.iteration(long_side, iteration, loss, frame=index)

        return tell


def _resume_point(run: RunFolder, overview: Survey) -> tuple[int, Tensor | None]:
    """The first frame still to do, and the regions carried to it from the frame before.

    A frame is done when every state up to it is whole. Inside a shot the next one also needs the carried regions:
    where those are of another frame, or gone, its shot is done again from its start, for what comes out must not
    depend on where a run was stopped.
    """
    missing = next((i for i in range(overview.count) if not run.has_state(i)), overview.count)
    if missing == overview.count or overview.shot_of(missing).first == missing:
        return missing, None
    index, arrays = run.load_carry() or (-1, {})
    if index + 1 in (missing - 1, missing) and index >= overview.shot_of(missing).first:
        return index + 1, torch.from_numpy(arrays["masks"])
    return overview.shot_of(missing).first, None


def _motion_source(settings: Settings, clip: Clip, device: torch.device) -> MotionSource | None:
    """Where motion comes from; None where nothing asks for it."""
    needed = (
        settings.objective.temporal.weight > 0 or settings.schedule.warm_start or settings.segmentation.persistence > 0
    )
    if not needed or clip.info.kind == "still":
        return None
    return build_motion(settings, clip.info.size, device, build_cache(settings))


def _working_size(settings: Settings, still: bool, image: Picture) -> Size:
    """The largest working size; never larger than the frame."""
    size = (image.shape[0], image.shape[1])
    largest = build_scales(settings, still)[-1].long_side
    return fit_long_side(size, largest) if largest < max(size) else size


def _output_size(settings: Settings, size: Size) -> Size:
    """The size of the result; even where an even one is asked for, as players like it."""
    wanted = settings.video.size
    if wanted is None:
        return size
    fitted = fit_long_side(size, wanted, multiple=1 if wanted % 2 else 2)
    if min(fitted) < SMALLEST_SIDE:
        raise SettingsError(
            f"video.size={wanted} makes frames of {fitted[1]}x{fitted[0]} pixels, but the shorter side needs at least"
            f" {SMALLEST_SIDE}; give a larger one"
        )
    return fitted


def _check_apart(folder: Path, output: Path) -> None:
    place, run = output.resolve(), folder.resolve()
    if place == run or place in run.parents:
        raise SettingsError(f"the run folder {folder} would lie in the output {output}; choose another with --run")


def _picture(settings: Settings, stylized: Stylized, image: Picture, device: torch.device) -> Picture:
    """The result at full size, mixed with the frame by ``strength``."""
    frame = to_frame(image, device)
    if settings.local_affine.enabled:
        small = stylized.parametrization.lift(stylized.frame)
        affine = settings.local_affine
        result = smooth_local_affine(stylized.frame, small, affine.radius, affine.range, frame).clamp(0, 1)
    else:
        result = stylized.parametrization.lift(frame)
    if settings.strength < 1:
        result = torch.lerp(frame, result, settings.strength)
    return to_picture(result, image.dtype)
