"""Small H.264 copies of clips for a page: any browser plays them, several in step, none over a given size."""

from __future__ import annotations

import tempfile
from collections.abc import Container, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from photovst.media.color import from_rgb
from photovst.media.records import Clip, ColorTags, Picture

LONG_SIDE = 480
"""The longer side of a preview, in pixels, at most."""

QUALITIES = (28, 34, 40, 46, 51)
"""Constant rate factors, one after the other until a preview is small enough; 51 is the coarsest there is."""

KEYFRAMES = 12
"""Frames from one that stands by itself to the next: as many have to be decoded, at most, to show any frame."""

_TAGS = ColorTags(full_range=False, matrix=1, primaries=1, transfer=1)


JPEG_QUALITY = 85


@dataclass(frozen=True)
class Preview:
    """The first frames of a clip as the bytes of an MP4 file.

    ``complete`` where the clip has no others, ``even`` where all of them last equally long in the clip.
    """

    data: bytes
    frames: int
    complete: bool
    even: bool


def make_preview(clip: Clip, rate: Fraction, most: int, limit: int) -> Preview:
    """A small copy of a clip's first frames, coarser where they are many or hard to code.

    Takes about 400 kB of memory a frame.

    Args:
        clip: of any kind.
        rate: frames per second of the copy, each of them for as long.
        most: frames, at most.
        limit: bytes, at most; only the coarsest quality may exceed it.
    """
    frames = list(islice(clip.thumbnails(LONG_SIDE), most + 1))
    # The last one's duration is what the file says, and often nothing.
    steps = [later.time - earlier.time for earlier, later in pairwise(frames)]
    even = not steps or max(steps) - min(steps) <= 2 * clip.info.time_base
    pictures = [frame.image for frame in frames[:most]]
    data = b""
    for quality in QUALITIES:
        data = _encoded(pictures, rate, quality, clip.info.sample_aspect)
        if len(data) <= limit:
            break
    return Preview(data, len(pictures), len(frames) <= most, even)


def stills(clip: Clip, wanted: Container[int], long_side: int) -> dict[int, bytes]:
    """Frames of a clip, by index, as JPEGs whose longer side is at most ``long_side``."""
    return {frame.index: jpeg(frame.image) for frame in clip.thumbnails(long_side) if frame.index in wanted}


def jpeg(picture: Picture) -> bytes:
    """A picture, ``(H, W, 3)`` RGB uint8, as a JPEG for a page; `write_image` is for pictures to keep."""
    stored = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _encoded(frames: Sequence[Picture], rate: Fraction, quality: int, aspect: Fraction) -> bytes:
    height, width = (side + side % 2 for side in frames[0].shape[:2])  # 4:2:0 has even sides
    sws = VideoReformatter()
    # A file, not memory: FFmpeg reads it again to bring the index to its start.
    with tempfile.TemporaryDirectory(prefix="photovst-") as folder:
        path = Path(folder) / "preview.mp4"
        with av.open(str(path), "w", format="mp4", container_options={"movflags": "+faststart"}) as output:
            options = {"preset": "veryfast", "crf": str(quality), "g": str(KEYFRAMES), "bf": "0", "threads": "4"}
            stream = output.add_stream("libx264", rate=rate, options=options)
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = width, height, "yuv420p"
            context.color_range, context.colorspace = 1, _TAGS.matrix
            context.color_primaries, context.color_trc = _TAGS.primaries, _TAGS.transfer
            context.sample_aspect_ratio = aspect
            context.flags |= int(av.codec.context.Flags.bitexact)
            for index, image in enumerate(frames):
                room = ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0))
                frame = from_rgb(np.pad(image, room, mode="edge"), None, "yuv420p", _TAGS, sws)
                frame.pts, frame.time_base = index, 1 / rate
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()
