"""Clips shown together in one: side by side, or each in its strip of a split screen, with their names."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photovst.choices import Codec, Layout
from photovst.errors import MediaError
from photovst.media.clip import open_clip
from photovst.media.records import Clip, Frame, Picture, as_depth
from photovst.media.tensors import resized
from photovst.media.video_writer import ClipWriter, check_output
from photovst.progress import Progress
from photovst.types import Size

GAP = 4
"""White pixels between neighbors."""

ALIKE = 0.01
"""How far apart the shapes of two clips may be to be brought to one size, of width over height."""

MOST = 8
"""Clips in one picture, at most: more are no longer seen."""


@dataclass(frozen=True)
class Shown:
    """A clip and what it is called in the picture."""

    name: str
    path: Path


def write_comparison(
    shown: Sequence[Shown],
    output: Path,
    layout: Layout,
    *,
    labels: bool = True,
    overwrite: bool = False,
    progress: Progress,
) -> Path:
    """Write clips of one length into one clip; times and sound are the first one's.

    All are brought to the size of the first. The suffix of ``output`` says what it is: a video (H.264), a picture, or a
    folder of frames.

    Args:
        shown: two clips or more, from the left to the right.
        output: the clip to write.
        layout: whole clips side by side, or strips of one picture.
        labels: write names into the corners.
        overwrite: replace what is there.
        progress: is told of every frame.

    Raises:
        MediaError: there are too few or too many clips, they differ in length or shape, or cannot be read or written.
    """
    if not 2 <= len(shown) <= MOST:
        raise MediaError(f"{len(shown)} clips cannot be shown together; give 2 to {MOST}")
    clips = [open_clip(each.path) for each in shown]
    first = clips[0]
    size = first.info.size
    for clip in clips[1:]:
        _check_shape(first, clip)
    codec = (Codec.h264 if output.suffix else Codec.png).value
    check_output(output, codec, first, overwrite=overwrite)
    for clip in clips[1:]:
        if output.exists() and output.samefile(clip.path):
            raise MediaError(f"{output} is one of the clips to show; choose another name for the output")
    whole, places = _places(size, len(clips), layout)
    names = [_label(each.name, place.stop - place.start, size[0]) for each, place in zip(shown, places, strict=True)]
    progress.stage("compare")
    since = time.perf_counter()
    with ClipWriter(output, first, whole, codec) as writer:
        for frames in _together(clips):
            canvas = np.full((*whole, 3), 255, np.uint8)
            for frame, place, name in zip(frames, places, names, strict=True):
                picture = resized(as_depth(frame.image, np.uint8), size)
                # Side by side a clip has a place of its own; in a split screen it fills the strip at its place.
                canvas[:, place] = picture if layout is Layout.side else picture[:, place]
                if labels:
                    _write(canvas[:, place], name)
            writer.write(canvas, frames[0].time, None, frames[0].duration)
            now = time.perf_counter()
            progress.frame(frames[0].index, first.info.frame_count, None, now - since, 0)
            since = now
    return output


def _places(size: Size, count: int, layout: Layout) -> tuple[Size, list[slice]]:
    """The size of the whole, and the columns of each clip in it."""
    height, width = size
    if layout is Layout.side:
        step = width + GAP
        whole = count * step - GAP
        # Players like even sizes; a white column more is not seen.
        return (height, whole + whole % 2), [slice(k * step, k * step + width) for k in range(count)]
    edges = [round(k * width / count) for k in range(count + 1)]
    # A white line stands between strips.
    return size, [slice(left + (k > 0), right) for k, (left, right) in enumerate(pairwise(edges))]


def _check_shape(first: Clip, clip: Clip) -> None:
    (height, width), (other_height, other_width) = first.info.size, clip.info.size
    if abs(width / height - other_width / other_height) > ALIKE * width / height:
        raise MediaError(
            f"{clip.path} is {other_width}x{other_height} but {first.path} {width}x{height}; give clips of one shape"
        )


def _together(clips: Sequence[Clip]) -> Iterator[tuple[Frame, ...]]:
    for index, frames in enumerate(zip_longest(*clips)):
        present = [frame for frame in frames if frame is not None]
        if len(present) < len(frames):
            short = clips[[frame is None for frame in frames].index(True)]
            long = clips[[frame is not None for frame in frames].index(True)]
            raise MediaError(
                f"{short.path} ends after {index} frames, but {long.path} goes on; give clips of one length"
            )
        yield tuple(present)


def _label(name: str, width: int, height: int) -> Picture:
    """The name in white, ``(h, w)`` coverage in [0, 255], cut to fit."""
    font = ImageFont.load_default(max(11, round(height / 24)))
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    while len(text) > 1 and font.getlength(text) > 0.9 * width:
        text = f"{text[:-2]}…"
    _, _, right, bottom = font.getbbox(text)
    plane = Image.new("L", (int(right) + 1, int(bottom) + 1))
    ImageDraw.Draw(plane).text((0, 0), text, fill=255, font=font)
    return np.asarray(plane)


def _write(region: Picture, label: Picture) -> None:
    """Write a label into the upper left corner of a region, on a darkened strip."""
    height, width = label.shape
    pad = max(3, height // 4)
    box = region[: height + 2 * pad, : width + 2 * pad]
    box[:] = (box * 0.35).astype(np.uint8)
    inner = box[pad : pad + height, pad : pad + width]
    cover = label[: inner.shape[0], : inner.shape[1], None].astype(np.float32) / 255
    inner[:] = (inner * (1 - cover) + 255 * cover + 0.5).astype(np.uint8)
