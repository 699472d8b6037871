"""The main flow: a clip and a photograph in, the clip in the photograph's light out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from photovst.blended_frames import Finished, blended_frames
from photovst.build import build_device, build_encoder, build_renderer
from photovst.build_network import build_restyler
from photovst.build_predicted import (
    build_predictor,
    check_style,
    network_path,
    predicts_pictures,
    style_paths,
    style_weights,
)
from photovst.config import EncodedBy, FlowMethod, ScheduleSettings, SegmentationMethod, Settings, Start, StylerKind
from photovst.errors import SettingsError
from photovst.guidance.survey import survey
from photovst.highlights import Highlights
from photovst.keyframes import run_keyframes
from photovst.media.clip import open_clip
from photovst.media.label_legend import LEGEND
from photovst.media.records import SMALLEST_SIDE, Clip, Frame, Picture
from photovst.media.tensors import resized, to_frame
from photovst.media.video_writer import ClipWriter, check_output, usable_encoder
from photovst.models.network_files import is_network
from photovst.multipass import run_passes
from photovst.network_settings import MAIN, TIME, asks_for_prediction
from photovst.ops.resize import fit_long_side
from photovst.pipeline import pipelined
from photovst.progress import Progress
from photovst.provenance import NOT_IN_RESULT, identity
from photovst.restyling import restyle
from photovst.run import RunFolder, default_run_folder
from photovst.schema.fields import leaves, values
from photovst.stored_frames import StoredFrames
from photovst.style_pictures import read_style
from photovst.stylization import Stylization
from photovst.types import Size

OF_NETWORKS = ("strength", "feedforward", "video")
"""Settings with a say in what a trained network gives; all others are of optimization."""

OF_OPTIMIZATION = (
    *("compat", "encoder", "objective", "parametrization", "optimizer", "feedforward"),
    *(f"schedule.{each.name}" for each in fields(ScheduleSettings) if each.name != "keyframes"),
    "schedule.keyframes.effort",
)
"""Settings with no say in what the photographic network of any style gives."""

OF_CARRYING = ("flow", "segmentation.persistence", "segmentation.hysteresis", "segmentation.every")
"""Settings with no say either where regions are not carried along the flow."""

OF_ANY_RUN = ("content", "style", "output", "pairs", "pair", "seed", "device", "cache")
"""Settings of whichever run, that nobody need be warned of."""


def stylize_clip(
    settings: Settings,
    *,
    run_folder: Path | None = None,
    overwrite: bool = False,
    progress: Progress,
    first: Callable[[Stylization], None] | None = None,
) -> Path:
    """Restyle a clip and return the path of the result: by optimization, or by a network.

    The result appears under its name only when it is whole. Everything needed to go on after a kill is in the run
    folder; the same call resumes and ends with the same bytes. ``first`` may do frames before they are taken in
    order, as `stylize_shots_apart` does, where there is one pass; those it leaves in the run folder are not done again.
    A network takes them in order in any case.

    Raises:
        PhotovstError: bad input, in one line.
    """
    output = Path(settings.output)
    folder = run_folder or default_run_folder(output)
    _check_apart(folder, output)
    check_style(settings)
    clip = open_clip(settings.content)
    check_output(output, settings.video.codec.value, clip, overwrite=overwrite)
    size = output_size(settings, clip.info.size)
    encoded_by = _encoder(settings, clip, size, progress)
    device = build_device(settings)
    if _gives_pictures(settings):
        _restyle(settings, clip, size, device, folder, overwrite, progress, encoded_by)
        return output
    predicted = settings.styler is StylerKind.predicted
    encoder = None if predicted else build_encoder(settings, device)
    photo, predictor = to_frame(read_style(settings.style), device), build_predictor(settings, device)
    _warn_of_idle(settings, *_idle(settings), progress)
    with RunFolder.open(folder, settings, _key(settings, device), overwrite) as run:
        progress.record_to(run.log)
        progress.stage("survey")
        overview = survey(clip, settings.shots.threshold if settings.shots.detect else None)
        work = Stylization(settings, run, clip, overview, size, encoder, photo, progress, predictor)
        if settings.schedule.passes.count > 1:
            run_passes(work)
        elif first is not None:
            first(work)
        highlights, renderer = Highlights(overview.count), build_renderer(settings, device)
        results = _blended(work, highlights) if work.keyframed else _each_frame(work, highlights)
        codec, quality = settings.video.codec.value, settings.video.quality
        with ClipWriter(output, clip, size, codec, quality, encoder=encoded_by) as writer:

            def render(item: Finished) -> tuple[Finished, Picture]:
                _, image, stylized, _ = item
                return item, renderer.picture(image, stylized)

            def write(made: tuple[Finished, Picture]) -> None:
                (frame, image, _, masks), picture = made
                alpha = None if frame.alpha is None else resized(frame.alpha, size)
                writer.write(picture, frame.time, alpha, frame.duration)
                highlights.look(frame.index, image, picture, masks)

            with work.threads(), closing(results):
                if work.keyframed or work.leaves_cores:
                    pipelined(results, render, write)
                else:
                    for item in results:
                        write(render(item))
            # Before the result gets its name: where that is there, a run stopped here would not go on.
            progress.stage("report")
            highlights.write(run.path, settings, output, photo, progress)
        run.finish(output)
    return output


def _blended(work: Stylization, highlights: Highlights) -> Generator[Finished]:
    """The keyframes now, and then every frame from what is blended between them."""
    work.progress.stage("keyframes")
    run_keyframes(work, lambda index, regions: highlights.begin_shot(index, regions, work.progress))
    work.progress.stage("render")
    return blended_frames(work, highlights)


def _each_frame(work: Stylization, highlights: Highlights) -> Generator[Finished]:
    """Every frame with its own result."""
    work.progress.stage("stylize")
    for step, stylized in work.results():
        if step.begins:
            highlights.begin_shot(step.index, step.regions, work.progress)
        yield step.frame, step.image, stylized, step.guides.masks


def _restyle(
    settings: Settings,
    clip: Clip,
    size: Size,
    device: torch.device,
    folder: Path,
    overwrite: bool,
    progress: Progress,
    encoded_by: str,
) -> None:
    """Restyle a clip by a trained network."""
    output, codec = Path(settings.output), settings.video.codec.value
    photo = to_frame(read_style(settings.style))
    _warn_of_idle(settings, *_idle(settings), progress)
    with RunFolder.open(folder, settings, _key(settings, device), overwrite) as run:
        progress.record_to(run.log)
        progress.stage("network")
        restyler = build_restyler(settings, device, size, still=clip.info.kind == "still")
        progress.stage("stylize")
        highlights = Highlights(clip.info.frame_count or 1)
        with ClipWriter(output, clip, size, codec, settings.video.quality, encoder=encoded_by) as writer:

            def show(frame: Frame, image: Picture, result: Picture) -> None:
                alpha = None if frame.alpha is None else resized(frame.alpha, size)
                writer.write(result, frame.time, alpha, frame.duration)
                highlights.look(frame.index, image, result)

            restyle(run, clip, size, restyler, settings.strength, progress, show)
            progress.stage("report")
            highlights.write(run.path, settings, output, photo, progress)
        run.finish(output)
        StoredFrames(run).drop()


def _encoder(settings: Settings, clip: Clip, size: Size, progress: Progress) -> str:
    """What encodes the result; said where it is left to what this machine has."""
    video = settings.video
    found = usable_encoder(settings.output, video.codec.value, video.encoder.value, clip.info, size)
    if video.encoder is EncodedBy.auto:
        progress.note(f"video.encoder=auto: {found} encodes")
    return found


def _gives_pictures(settings: Settings) -> bool:
    """Whether a run has a network that gives pictures: of the style it was trained for, or of any."""
    return is_network(settings.style) or predicts_pictures(settings)


def _idle(settings: Settings) -> tuple[list[str], str]:
    """Settings and sections with no say in such a run, and what kind of run that is."""
    everything = [each.name for each in fields(settings) if each.name not in OF_ANY_RUN]
    if is_network(settings.style):
        return [name for name in everything if name not in OF_NETWORKS], "a trained network as style"
    if predicts_pictures(settings):
        said = [name for name in everything if name not in (*OF_NETWORKS, "styler", "predicted")]
        return [*said, "predicted.steadiness"], "a painterly network"
    if settings.styler is StylerKind.predicted:
        joint = settings.segmentation.method is SegmentationMethod.joint
        return [*OF_OPTIMIZATION, *(OF_CARRYING if joint else ())], "styler=predicted"
    if settings.schedule.start is Start.predicted:
        return ["feedforward", "predicted.steadiness"], "schedule.start=predicted"
    return ["feedforward", "predicted"], "a photograph as style"


def _warn_of_idle(settings: Settings, idle: Iterable[str], kind: str, progress: Progress) -> None:
    """Name what is set, and has no say in such a run."""
    defaults = {name: leaf.default for name, leaf in leaves(Settings)}
    sections = frozenset(idle)
    given = [
        name
        for name, leaf, value in values(settings)
        if value != defaults[leaf] and any(name == each or name.startswith(f"{each}.") for each in sections)
    ]
    if given:
        more = f" and {len(given) - 3} more" if len(given) > 3 else ""
        progress.warn(f"{', '.join(given[:3])}{more} changed from the default, which has no say with {kind}")


def is_finished(settings: Settings, run_folder: Path) -> bool:
    """Whether a run folder holds this very run, finished, and its result is still there."""
    return RunFolder.holds(run_folder, _key(settings, build_device(settings)))


def _key(settings: Settings, device: torch.device) -> dict[str, Any]:
    inputs = {"content": settings.content, "style": settings.style}
    idle = [name for name in _idle(settings)[0] if name not in OF_ANY_RUN]
    if is_network(settings.style):
        return identity(settings, inputs, str(device), (*NOT_IN_RESULT, *idle))
    if asks_for_prediction(settings):
        inputs["predicted.network"] = str(network_path(settings))
        others = {name: path for name, path in style_paths(settings).items() if name != MAIN}
        inputs |= {f"predicted.styles.{name}": path for name, path in others.items()}
        settings, idle = _with_blend(settings), [*idle, "predicted.styles"]
    if predicts_pictures(settings):
        return identity(settings, inputs, str(device), (*NOT_IN_RESULT, *idle))
    if settings.segmentation.method is SegmentationMethod.files:
        inputs["segmentation.content"] = str(settings.segmentation.content)
        if settings.segmentation.style:
            inputs["segmentation.style"] = settings.segmentation.style
        inputs |= {f"legend of {name}": str(path) for name, path in _legends(settings).items()}
    if settings.flow.method is FlowMethod.files:
        inputs["flow.folder"] = str(settings.flow.folder)
    inputs |= {f"segmentation.styles.{name}": path for name, path in settings.segmentation.styles.items()}
    return identity(settings, inputs, str(device), (*NOT_IN_RESULT, *idle))


def _with_blend(settings: Settings) -> Settings:
    """Settings that say a blend in one way: keyframes, of those styles that have a share."""
    weights = style_weights(settings)
    rows = zip(weights.times, weights.shares, strict=True) if weights.moves else [(0.0, weights.shares[0])]
    keyframes = [{TIME: time, **dict(zip(weights.names, shares, strict=True))} for time, shares in rows]
    return replace(settings, predicted=replace(settings.predicted, weights={}, keyframes=keyframes))


def _legends(settings: Settings) -> dict[str, Path]:
    """Legends beside masks that are single pictures; those in folders of masks belong to these."""
    segmentation = settings.segmentation
    masks = {"segmentation.content": segmentation.content, "segmentation.style": segmentation.style}
    beside = {name: Path(path).parent / LEGEND for name, path in masks.items() if path and not Path(path).is_dir()}
    return {name: path for name, path in beside.items() if path.is_file()}


def output_size(settings: Settings, size: Size) -> Size:
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
