"""A preview of a run: one frame a shot, restyled as the run would, on a contact sheet of several strengths."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import torch

from photovst.build import build_device, build_encoder, build_renderer
from photovst.build_network import Restyler, build_restyler
from photovst.build_predicted import build_predictor, check_style, predicts_pictures
from photovst.config import Settings, StylerKind
from photovst.contact_sheet import Row, cell_size, contact_sheet
from photovst.errors import MediaError, SettingsError
from photovst.guidance.survey import Survey, survey
from photovst.media.clip import open_clip
from photovst.media.images import WRITABLE, write_image
from photovst.media.publish import check_new_file
from photovst.media.records import Clip, DamageTally, Frame, Picture, as_depth, picked
from photovst.media.shots import Shot
from photovst.media.tensors import resized, to_frame, to_frames, to_pictures
from photovst.models.network_files import is_network
from photovst.ops.resize import limit_long_side
from photovst.progress import Progress
from photovst.shown import clip_name
from photovst.style_pictures import read_style
from photovst.stylization import Stylization
from photovst.stylize import output_size
from photovst.types import Size

FAIR = 0.5
"""Share of a shot's median contrast below which its first frame is no fair picture of it, as in a fade from black."""

SETTLED = 0.9
"""Share of it that the frame has which is shown instead."""

RENDERED = 960
"""Longer side that results are rendered at, in pixels: twice that of a picture on the sheet."""

SECONDS_BETWEEN_NOTES = 5.0

Seen = Iterator[tuple[Frame, Picture, Picture]]
"""Frames in order, each as it is and as a result, at any size."""


def preview_clip(
    settings: Settings,
    sheet: Path,
    strengths: Sequence[float],
    most: int,
    *,
    overwrite: bool = False,
    progress: Progress,
) -> Path:
    """Restyle one frame a shot and write a contact sheet; gives its path.

    The first frame of each of these shots is computed as a run of the same settings would, and kept in the cache for
    that. Where a shot begins with a fade, the sheet shows a later frame, which is restyled by itself, too.

    Args:
        settings: of the run; ``strength`` and how the result is written have no say.
        sheet: where the contact sheet goes.
        strengths: a column each, in [0, 1].
        most: shots, at most.
        overwrite: replace a former sheet.
        progress: told of stages.

    Raises:
        PhotovstError: bad input, in one line.
    """
    _check_sheet(sheet, overwrite)
    check_style(settings)
    clip = open_clip(settings.content)
    _check_apart(sheet, clip)
    size = output_size(settings, clip.info.size)
    device = build_device(settings)
    photo = read_style(settings.style)
    source: _Networks | _Grids
    if is_network(settings.style) or predicts_pictures(settings):
        source = _Networks(build_restyler(settings, device, size, still=True), clip, size)
    else:
        source = _Grids(settings, clip, size, device, photo, progress)
    progress.stage("survey")
    watched = _Watched(clip, progress)
    overview = survey(watched.clip, settings.shots.threshold if settings.shots.detect else None)
    shots = chosen_shots(overview.shots, most)
    shown = {_shown_frame(shot, watched.contrasts): shot for shot in shots}
    progress.stage("preview")
    cell = cell_size(clip.info.size, clip.info.sample_aspect, len(shots), 1 + len(strengths))
    rows = []
    for frame, content, result in source.seen(overview, shown):
        if shot := shown.get(frame.index):
            labels = _labels(overview.shots.index(shot), len(overview.shots), frame, shot)
            rows.append(Row(labels, *(resized(as_depth(picture, np.uint8), cell) for picture in (content, result))))
    progress.stage("sheet")
    follows = "goes on from these frames, at any strength" if source.kept else "gives these pictures, at its strength"
    lines = [
        f"{clip_name(settings.content)} in the light of {Path(settings.style).name}",
        f"{len(rows)} of {len(overview.shots)} shots" if len(rows) < len(overview.shots) else "every shot",
        f"photovst stylize with the same settings {follows}",
    ]
    write_image(sheet, contact_sheet(lines, as_depth(photo, np.uint8), rows, strengths))
    return sheet


def chosen_shots(shots: Sequence[Shot], most: int) -> list[Shot]:
    """At most so many shots, in order: the longest of each of as many equal spans of the film, then the longest left.

    >>> [shot.first for shot in chosen_shots([Shot(0, 10), Shot(10, 12), Shot(12, 40), Shot(40, 60)], 2)]
    [12, 40]
    """
    longest = sorted(shots, key=lambda shot: -len(shot))
    spans: dict[int, Shot] = {}
    for shot in longest:
        spans.setdefault((shot.first + shot.stop) * most // (2 * shots[-1].stop), shot)
    spread = list(spans.values())
    rest = [shot for shot in longest if shot not in spread]
    return sorted([*spread, *rest][:most], key=lambda shot: shot.first)


def _shown_frame(shot: Shot, contrasts: Sequence[float]) -> int:
    """The first frame, which a run begins with; the first fair picture of the shot where that is none."""
    inside = contrasts[shot.first : shot.stop]
    usual = float(np.median(inside))
    if inside[0] >= FAIR * usual:
        return shot.first
    return next(shot.first + k for k, contrast in enumerate(inside) if contrast >= SETTLED * usual)


class _Grids:
    """Results of frames that are optimized, or whose color transforms are predicted."""

    def __init__(
        self, settings: Settings, clip: Clip, size: Size, device: torch.device, photo: Picture, progress: Progress
    ) -> None:
        predicted = settings.styler is StylerKind.predicted
        self._encoder = None if predicted else build_encoder(settings, device)
        self._photo, self._predictor = to_frame(photo, device), build_predictor(settings, device)
        self._settings, self._clip, self._size, self._progress = settings, clip, size, progress
        self.kept = settings.cache.enabled and not predicted

    def seen(self, overview: Survey, shown: Mapping[int, Shot]) -> Seen:
        work = Stylization(
            self._settings, None, self._clip, overview, self._size, self._encoder, self._photo, self._progress,
            self._predictor,
        )  # fmt: skip
        whole, size = replace(self._settings, strength=1.0), limit_long_side(self._size, RENDERED)
        renderer = build_renderer(whole, self._photo.device)
        # Those that are not shown are for the run, which begins with them.
        frames = {*shown, *(shot.first for shot in shown.values())}
        with work.threads():
            for step, stylized in work.alone(frames):
                image = resized(step.image, size)
                yield step.frame, image, renderer.picture(image, stylized)


@dataclass(frozen=True, eq=False)
class _Networks:
    """Results of a network that gives pictures, at the result's size: its strokes are of that."""

    restyler: Restyler
    clip: Clip
    size: Size
    kept = False

    def seen(self, overview: Survey, shown: Mapping[int, Shot]) -> Seen:
        for frame in picked(self.clip, shown.keys()):
            image = resized(frame.image, self.size)
            result = self.restyler.restyled(to_frames([image], self.restyler.device), [float(frame.time)])
            yield frame, image, to_pictures(result, image.dtype)[0]


def _labels(number: int, count: int, frame: Frame, shot: Shot) -> list[str]:
    later = ["after the fade"] if frame.index != shot.first else []
    return [f"shot {number + 1} of {count}", f"frame {frame.index}", clock(frame.time), *later]


def clock(time: Fraction) -> str:
    """A time as players show it, with hundredths.

    >>> clock(Fraction(7534, 100)), clock(Fraction(3725))
    ('1:15.34', '1:02:05.00')
    """
    hundredths = int(time * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def _check_sheet(sheet: Path, overwrite: bool) -> None:
    if sheet.suffix.lower() not in WRITABLE:
        raise SettingsError(f"{sheet} is no name for a contact sheet; use one of {', '.join(WRITABLE)}")
    check_new_file(sheet, "the contact sheet", overwrite=overwrite)


def _check_apart(sheet: Path, clip: Clip) -> None:
    """Refuse a sheet among the frames of a clip: a later run would take it for one of them."""
    if clip.info.kind != "frames":
        return
    folder = clip.path if clip.path.is_dir() else clip.path.parent
    if sheet.resolve().parent == folder.resolve():
        raise MediaError(f"{sheet} would lie among the frames of {clip.path}; choose another place with -o")


class _Watched:
    """A clip that notes the contrast of each frame while it is decoded small, and says how far it is."""

    def __init__(self, clip: Clip, progress: Progress) -> None:
        self.clip = Clip(clip.path, clip.info, partial(self._decode, clip))
        self.contrasts = array("f")
        self._progress = progress

    def _decode(self, clip: Clip, longest: int | None, tally: DamageTally) -> Iterator[Frame]:
        said, total = time.monotonic(), clip.info.frame_count
        for frame in clip.decode(longest, tally):
            self.contrasts.append(float(frame.image[::2, ::2].mean(axis=2).std()))
            if time.monotonic() - said > SECONDS_BETWEEN_NOTES:
                said = time.monotonic()
                of = "" if total is None else f" of about {total}"
                self._progress.note(f"{frame.index + 1}{of} frames looked over for cuts")
            yield frame
