"""A clip's regions for people: an overlay to watch, a table of what is matched with what, labels to edit by hand."""

from __future__ import annotations

import colorsys
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.build import build_cache, build_device, build_motion
from photovst.build_optimizer import persists
from photovst.build_regions import build_region_finder
from photovst.config import Settings
from photovst.coverage import HEADINGS, coverage_rows, write_coverage
from photovst.errors import MediaError
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.matching import NOTHING, Coverage
from photovst.guidance.regions import Regions, StylePhoto
from photovst.guidance.survey import Survey, survey
from photovst.guide_stream import GuideStream, Step, build_guide_stream
from photovst.highlights import overlay
from photovst.media.clip import Clip, open_clip
from photovst.media.images import write_image
from photovst.media.label_legend import Entry, Legend, write_legend
from photovst.media.label_values import write_labels
from photovst.media.records import ColorTags, Picture
from photovst.media.tensors import to_frame, to_picture
from photovst.media.video_writer import ClipWriter
from photovst.ops.masks import resize_masks
from photovst.progress import Progress
from photovst.style_pictures import read_style
from photovst.tables import table_text
from photovst.types import Size

NAMES = ("overlay.mp4", "overlay.png", "coverage.csv", "clip", "photo")


@dataclass
class RegionFigures:
    """What was found in a clip."""

    shots: list[tuple[int, Sequence[Coverage]]] = field(default_factory=list)
    frames: int = 0
    regions: int = 0
    flicker: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        tables = []
        for first, rows in self.shots:
            title = f"shot from frame {first}\n" if len(self.shots) > 1 else ""
            tables.append(title + table_text(HEADINGS, coverage_rows(rows)))
        steady = f", mask_flicker {np.mean(self.flicker):.2g}" if self.flicker else ""
        each = 1000 * self.seconds / max(self.frames, 1)
        counts = f"{self.frames} frame{'s' * (self.frames != 1)}, {self.regions} region{'s' * (self.regions != 1)}"
        return "\n\n".join([*tables, f"{counts}{steady}, {each:.0f} ms a frame"])


class _Names:
    """Ids and colors of regions, the same in every shot and picture; 0 is what no region takes its style from."""

    def __init__(self) -> None:
        self._ids = {NOTHING: 0}

    def add(self, names: Sequence[str]) -> None:
        for name in names:
            self._ids.setdefault(name, len(self._ids))

    def ids(self, names: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self._ids[name] for name in names])

    def colors(self, names: Sequence[str]) -> list[tuple[int, int, int]]:
        return [_color(self._ids[name]) for name in names]

    @property
    def legend(self) -> Legend:
        return Legend(tuple(Entry(id, name, _color(id)) for name, id in self._ids.items()))


def _color(id: int) -> tuple[int, int, int]:
    """Black for nothing, then hues as far from the ones before as can be, ever darker."""
    if id == 0:
        return 0, 0, 0
    red, green, blue = colorsys.hsv_to_rgb((id - 1) * 0.618034 % 1, 0.75, 0.95 - 0.2 * ((id - 1) // 8 % 3))
    return round(255 * red), round(255 * green), round(255 * blue)


def write_regions(settings: Settings, *, matched: bool, overwrite: bool, progress: Progress) -> RegionFigures:
    """Write the regions of a clip into the folder ``settings.output``, as a run of these settings has them.

    ``overlay.mp4`` (``.png`` for a still) shows them in color, ``coverage.csv`` what became of everything found.
    ``clip/`` holds a label PNG a frame at the clip's size, ``photo/photo.png`` the photograph's, each with a legend.

    Args:
        settings: content, style, output, segmentation, flow, shots, schedule.scales, cache, device and video count.
        matched: whether regions are matched with the photograph ``style``; else they are the clip's own.
        overwrite: whether to replace what is there.
        progress: told of frames.

    Raises:
        MediaError: something cannot be read, or a result is there or cannot be written.
    """
    folder = Path(settings.output)
    clip = open_clip(settings.content)
    _check_folder(folder, overwrite)
    device = build_device(settings)
    photo = to_frame(read_style(settings.style), device) if matched else None
    progress.stage("survey")
    overview = survey(clip, settings.shots.threshold if settings.shots.detect else None)
    steps = _steps(settings, clip, overview, photo, device)
    progress.stage("segment")
    fresh = not folder.exists()
    partial = _partial(folder)
    try:
        figures = _write(settings, clip, overview, steps, photo is not None, partial, progress)
        for name in NAMES:
            _remove(folder / name)
            if (partial / name).exists():
                (partial / name).replace(folder / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if fresh and not any(folder.iterdir()):
            folder.rmdir()
    return figures


def _write(
    settings: Settings,
    clip: Clip,
    overview: Survey,
    steps: GuideStream,
    matched: bool,
    folder: Path,
    progress: Progress,
) -> RegionFigures:
    figures, names = RegionFigures(), _Names()
    (folder / "clip").mkdir()
    shown = folder / ("overlay.png" if clip.info.kind == "still" else "overlay.mp4")
    # Drawn pictures: whatever depth and color the clip has, these are 8 bits of sRGB.
    info = replace(clip.info, pixel_format="rgb24", bit_depth=8, has_alpha=False, has_audio=False, color=ColorTags())
    with ClipWriter(shown, info, clip.info.size, "h264", settings.video.quality) as writer:
        for step in steps:
            if step.begins:
                figures.shots.append((step.index, step.regions.coverage))
                names.add(step.regions.names)
                for notice in step.regions.notices:
                    progress.warn(notice)
                if matched and len(figures.shots) == 1:
                    _write_photo(folder / "photo", step.regions, names)
            labels = names.ids(step.regions.names)[_labels(step.guides.masks, clip.info.size)]
            write_labels(folder / "clip" / f"{step.index:06d}.png", labels, names.legend)
            writer.write(_captioned(step, names), step.frame.time, duration=step.frame.duration)
            _count(figures, step)
            progress.frame(step.index, overview.count, None, step.seconds, 0)
    write_legend(folder / "clip", names.legend)
    write_coverage(folder, figures.shots)
    if len(figures.shots) > 1 and matched:
        progress.warn("photo/photo.png holds the regions of the first shot; those of others are in the table alone")
    return figures


def _steps(settings: Settings, clip: Clip, overview: Survey, photo: Tensor | None, device: torch.device) -> GuideStream:
    cache, carries = build_cache(settings), persists(settings) and overview.count > 1
    motion = build_motion(settings, clip.info.size, device, cache) if carries else None
    if isinstance(motion, FlowFiles):
        motion.check(overview.pairs((1,)))
    find = build_region_finder(settings, photo, overview.count, clip.info.size, cache)
    distances = (1,) if carries else ()
    return build_guide_stream(settings, clip, overview, find, motion, distances, clip.info.size, device)


def _count(figures: RegionFigures, step: Step) -> None:
    figures.frames += 1
    figures.regions = max(figures.regions, len(step.regions.names))
    figures.seconds += step.segmenting
    if step.flicker is not None:
        figures.flicker.append(step.flicker)


def _labels(masks: Tensor, size: Size) -> NDArray[np.int64]:
    """The strongest region at every pixel."""
    labels: NDArray[np.int64] = resize_masks(masks.float().cpu(), size)[0].argmax(dim=0).numpy()
    return labels


def _write_photo(folder: Path, regions: Regions, names: _Names) -> None:
    """The photograph's labels: those of regions that take their style from it, but not from all of it."""
    folder.mkdir()
    photo: StylePhoto = regions.photos[0]
    parts = [k for k, source in enumerate(regions.sources) if source == 0 and not bool(photo.masks[:, k].eq(1).all())]
    if len(regions.names) == 1:
        parts = [0]
    masks = photo.masks[:, parts]
    unused = (1 - masks.sum(dim=1, keepdim=True)).clamp_min(0)
    labels = _labels(torch.cat([unused, masks], dim=1), (photo.image.shape[-2], photo.image.shape[-1]))
    ids = names.ids([NOTHING, *(regions.names[k] for k in parts)])
    write_labels(folder / "photo.png", ids[labels], names.legend)
    write_legend(folder, names.legend)
    write_image(folder / "overlay.png", overlay(to_picture(photo.image), photo.masks, names.colors(regions.names)))


def _captioned(step: Step, known: _Names) -> Picture:
    """A frame with its regions in color and their names in its corner."""
    height, width = step.image.shape[:2]
    palette = known.colors(step.regions.names)
    drawn = cv2.resize(overlay(step.image, step.guides.masks, palette), (width, height))
    unit = max(height, width) / 640
    line, names = round(18 * unit), step.regions.names
    if height < line * (len(names) + 1):
        return drawn  # too small to be written on
    for k, (name, color) in enumerate(zip(names, palette, strict=True)):
        top = height - line * (len(names) - k) - round(4 * unit)
        box = (round(6 * unit), top + round(3 * unit)), (round(20 * unit), top + round(15 * unit))
        cv2.rectangle(drawn, *box, color, -1)
        at = round(26 * unit), top + round(14 * unit)
        for thickness, shade in ((3, (0, 0, 0)), (1, (255, 255, 255))):
            weight = max(1, round(thickness * unit))
            cv2.putText(drawn, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * unit, shade, weight, cv2.LINE_AA)
    return drawn


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise MediaError(f"{folder} is a file; choose another folder with -o")
    there = [name for name in NAMES if (folder / name).exists()]
    if there and not overwrite:
        raise MediaError(f"{folder / there[0]} exists; choose another folder, or pass --overwrite")


def _partial(folder: Path) -> Path:
    """A place in the folder for what is not whole yet; those that killed runs left are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".regions.*.partial"):
            if not _alive(int(left.name.split(".")[2])):
                shutil.rmtree(left, ignore_errors=True)
        partial = folder / f".regions.{os.getpid()}.partial"
        partial.mkdir()
    except OSError as error:
        raise MediaError(f"cannot write into {folder} ({error.strerror}); choose another with -o") from error
    return partial


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
