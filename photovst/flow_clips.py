"""A clip's motion as clips: in colors, as each frame predicted from the one before, and how far to trust it."""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from photovst.build import build_cache, build_device, build_motion
from photovst.config import Codec, FlowMethod, Settings
from photovst.errors import MediaError, SettingsError
from photovst.guidance.flow import FlowPair, MotionSource
from photovst.guidance.survey import Survey, survey
from photovst.media.certainty_files import write_certainty
from photovst.media.clip import Clip, Frame, open_clip
from photovst.media.flow_files import write_flow
from photovst.media.flow_names import certainty_name, flow_stem
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.tensors import to_frame, to_picture
from photovst.media.video_writer import ClipWriter, check_output
from photovst.metrics.flow_coverage import flow_coverage
from photovst.ops.flow_color import flow_color
from photovst.ops.warp import warp
from photovst.progress import Progress

NAMES = ("flow.mp4", "warped.mp4", "certainty.mp4")

FULL = 1 / 40
"""Motion that is shown in full color where nothing else is asked for, of the longer side."""

_FILE = re.compile(r"(forward|backward)_\d+_\d+\.(flo|png)|reliable_\d+_\d+\.pgm")


@dataclass
class FlowFigures:
    """Sums over the flows of a clip, both ways."""

    pairs: int = 0
    shots: int = 0
    motion: float = 0.0
    coverage: float = 0.0

    def add(self, pair: FlowPair) -> None:
        """Count the two flows of a pair."""
        self.pairs += 1
        for flow, certainty in (
            (pair.to_previous, pair.certainty_to_previous),
            (pair.to_next, pair.certainty_to_next),
        ):
            self.motion += flow.norm(dim=1).mean().item() / 2
            self.coverage += flow_coverage(certainty).item() / 2

    def __str__(self) -> str:
        pairs, shots = max(self.pairs, 1), f"{self.shots} shot{'s' * (self.shots != 1)}"
        return (
            f"mean motion {self.motion / pairs:.2f} pixels a frame, coverage {self.coverage / pairs:.3f},"
            f" {self.pairs} pairs of frames in {shots}"
        )


def write_flow_clips(
    settings: Settings, *, files: bool, full: float | None, overwrite: bool, progress: Progress
) -> FlowFigures:
    """Write ``flow.mp4``, ``warped.mp4`` and ``certainty.mp4`` into the folder ``settings.output``, frame for frame.

    ``flow.mp4`` shows the motion to the next frame, white before a cut and at the end. ``warped.mp4`` shows each frame
    as predicted from the one before, uncertain pixels as they fall, and the first of a shot as it is; ``certainty.mp4``
    how far that is trusted, white where it is. Nothing is carried across a cut.

    Args:
        settings: content, output, flow, shots, cache, device and video count.
        files: whether to write flow and certainty as `FlowFiles` reads them.
        full: motion in pixels that is shown in full color.
        overwrite: whether to replace what is there.
        progress: told of frames.

    Raises:
        SettingsError: the flow would be written over the files it is read from.
        MediaError: the clip has fewer than two frames, or a result is there or cannot be written.
    """
    clip, folder = open_clip(settings.content), Path(settings.output)
    if clip.info.kind == "still":
        raise MediaError(f"{settings.content} is a still, which has no motion; give a clip of two frames or more")
    reads = Path(settings.flow.folder or "") if settings.flow.method is FlowMethod.files else None
    if files and reads is not None and reads.resolve() == folder.resolve():
        raise SettingsError(f"flow is read from {folder}, so it cannot be written there too; leave --files out")
    if settings.video.codec not in (Codec.h264, Codec.hevc):
        raise SettingsError(
            f"photovst flow writes .mp4 files, and video.codec={settings.video.codec.value} does not fit them; leave it"
            " at h264, or set hevc"
        )
    device = build_device(settings)
    motion = build_motion(settings, clip.info.size, device, build_cache(settings))
    _make_folder(folder, clip, settings.video.codec.value, files, overwrite)
    progress.stage("survey")
    overview = survey(clip, settings.shots.threshold if settings.shots.detect else None)
    if overview.count < 2:
        raise MediaError(f"{settings.content} has a single frame, which has no motion; give a clip of two or more")
    progress.stage("flow")
    # Files of a part of the clip would be taken for those of the whole: they get their place at the end.
    partial = folder / f".files.{os.getpid()}.partial"
    try:
        partial.mkdir()
        figures = _write(settings, clip, overview, motion, device, full, partial if files else None, progress)
        if files:
            written = {path.name for path in partial.iterdir()}
            for name in written:
                (partial / name).replace(folder / name)
            _drop_others(folder, written)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return figures


def _write(
    settings: Settings,
    clip: Clip,
    overview: Survey,
    motion: MotionSource,
    device: torch.device,
    full: float | None,
    files: Path | None,
    progress: Progress,
) -> FlowFigures:
    """Write the clips and, into the folder ``files`` unless it is None, the files."""
    folder, figures = Path(settings.output), FlowFigures(shots=len(overview.shots))
    with _Clips(folder, clip.info, settings, full or FULL * max(clip.info.size)) as clips:
        former: tuple[Frame, Tensor] | None = None
        for frame in clip:
            began = time.perf_counter()
            now = to_frame(frame.image, device)
            if former is not None and frame.index != overview.shot_of(frame.index).first:
                before, previous = former
                pair = motion.between(previous, now, (before.index, frame.index))
                figures.add(pair)
                if files is not None:
                    _write_files(files, pair, before.index, frame.index)
                clips.add_flow(before, pair.to_next)
                clips.add_warped(frame, warp(previous, pair.to_previous), pair.certainty_to_previous)
            else:
                if former is not None:
                    clips.add_flow(former[0], torch.zeros_like(now[:, :2]))
                clips.add_warped(frame, now, torch.ones_like(now[:, :1]))
            former = frame, now
            progress.frame(frame.index, overview.count, None, time.perf_counter() - began, 0)
        assert former is not None  # the survey saw frames
        clips.add_flow(former[0], torch.zeros_like(former[1][:, :2]))
    return figures


class _Clips:
    """The three clips while they are written: all get their names at the end, or none."""

    def __init__(self, folder: Path, source: ClipInfo, settings: Settings, full: float) -> None:
        self._full = full
        # Drawn pictures: whatever depth and color the clip has, these are 8 bits of sRGB.
        info = replace(source, pixel_format="rgb24", bit_depth=8, has_alpha=False, has_audio=False, color=ColorTags())
        self._stack = ExitStack()
        codec, quality = settings.video.codec.value, settings.video.quality
        with ExitStack() as opened:
            self._flow, self._warped, self._certainty = (
                opened.enter_context(ClipWriter(folder / name, info, source.size, codec, quality)) for name in NAMES
            )
            self._stack = opened.pop_all()

    def __enter__(self) -> _Clips:
        return self

    def __exit__(self, *ending: object) -> None:
        self._stack.__exit__(*ending)  # type: ignore[arg-type]

    def add_flow(self, frame: Frame, flow: Tensor) -> None:
        """The motion from this frame on."""
        self._flow.write(to_picture(flow_color(flow, self._full)), frame.time, duration=frame.duration)

    def add_warped(self, frame: Frame, warped: Tensor, certainty: Tensor) -> None:
        """What this frame is predicted to be, and how far to trust that."""
        self._warped.write(to_picture(warped), frame.time, duration=frame.duration)
        shown = to_picture(certainty.expand(-1, 3, -1, -1))
        self._certainty.write(shown, frame.time, duration=frame.duration)


def _make_folder(folder: Path, clip: Clip, codec: str, files: bool, overwrite: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"cannot make the folder {folder} ({error.strerror}); choose another with -o") from error
    for name in NAMES:
        check_output(folder / name, codec, clip, overwrite=overwrite)
    if files and not overwrite:
        there = sorted(path.name for path in folder.iterdir() if _FILE.fullmatch(path.name))
        if there:
            raise MediaError(f"{folder / there[0]} exists; choose another folder, or pass --overwrite")


def _write_files(folder: Path, pair: FlowPair, before: int, now: int) -> None:
    """Both flows of a pair with their certainty."""
    for way, flow, certainty in (
        ((before, now), pair.to_next, pair.certainty_to_next),
        ((now, before), pair.to_previous, pair.certainty_to_previous),
    ):
        write_flow(folder / f"{flow_stem(*way)}.flo", flow[0].permute(1, 2, 0).cpu().numpy())
        write_certainty(folder / certainty_name(*way), certainty[0, 0].cpu().numpy())


def _drop_others(folder: Path, written: set[str]) -> None:
    """Remove what an earlier, longer clip left: it would be read as this one's."""
    for path in folder.iterdir():
        if _FILE.fullmatch(path.name) and path.name not in written:
            path.unlink()
