"""What a clip, its frames and its damage are: the records the media files share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from photovst.types import Size

logger = logging.getLogger("photovst.media")

Picture = npt.NDArray[Any]
"""Pixels: ``(H, W, 3)`` RGB or ``(H, W)`` alpha, uint8 or uint16 over the full range of its type."""

Kind = Literal["video", "frames", "still"]

SMALLEST_SIDE = 16
"""The shortest side accepted, in pixels: below it encoders and features have nothing to work on."""

STILL_RATE = Fraction(25)
"""Frames per second of pictures that carry no time of their own."""

UNSPECIFIED = 2
"""H.273's code point for "not said"."""


@dataclass(frozen=True)
class ColorTags:
    """What samples mean, in the code points of ITU-T H.273, which FFmpeg and every container use as they are.

    ``matrix`` is the one the decoder applies: 0 is RGB; where a YUV source does not say, it is 1 (BT.709)
    from 720 lines on and 6 (BT.601) below.
    """

    full_range: bool = True
    matrix: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before it is decoded.

    ``size`` is ``(height, width)`` as displayed, after rotation. ``frame_rate`` is the average.
    ``frame_count`` is an estimate, for a progress bar. ``origin`` is the instant on the file's own clock that
    ``Frame.time`` counts from: 0, except in transport streams, whose clock starts anywhere.
    """

    size: Size
    kind: Kind
    frame_rate: Fraction | None
    frame_count: int | None
    duration: Fraction | None
    pixel_format: str
    bit_depth: int
    has_alpha: bool
    has_audio: bool
    color: ColorTags
    time_base: Fraction
    sample_aspect: Fraction = Fraction(1)
    origin: Fraction = Fraction(0)


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame.

    ``image`` is ``(H, W, 3)`` RGB, display-referred: uint8, or uint16 over its full range where the source
    has more than 8 bits. ``alpha`` is ``(H, W)``, straight, of the same type. ``time`` and ``duration`` are
    exact, in seconds; ``duration`` is the distance to the next frame, and for the last one what the file
    says.
    """

    index: int
    image: Picture
    time: Fraction
    alpha: Picture | None = None
    duration: Fraction | None = None


@dataclass(frozen=True)
class Damage:
    """What could not be decoded: how many packets and frames, and the same in words."""

    count: int = 0
    text: str = ""


@dataclass
class DamageTally:
    """Counts damage while a clip is decoded."""

    undecodable: int = 0
    concealed: int = 0
    missing: int = 0
    unshown: int = 0
    retimed: int = 0
    stopped: str = ""

    def damage(self) -> Damage:
        """The tally in words; filled-in timestamps and frames an edit list hides are no damage."""
        parts = []
        if self.undecodable:
            parts.append(f"{self.undecodable} packets could not be decoded")
        if self.concealed:
            parts.append(f"{self.concealed} frames were decoded with errors")
        if self.missing:
            parts.append(f"{self.missing} frames are missing from the file")
        if self.stopped:
            parts.append(f"reading stopped early ({self.stopped})")
        count = self.undecodable + self.concealed + self.missing + bool(self.stopped)
        return Damage(count, ", ".join(parts))


Decode = Callable[[int | None, DamageTally], Iterator[Frame]]
"""Opens and decodes anew; the first argument limits the longer side, for thumbnails."""


@dataclass(eq=False)
class Clip:
    """A video, a folder of frames or a still: iterate as often as wanted, each time decodes anew and streams.

    After an iteration has run to its end, ``damage`` says what could not be decoded; the first such iteration
    also logs it, in one line.
    """

    path: Path
    info: ClipInfo
    decode: Decode = field(repr=False)
    damage: Damage = field(default=Damage(), init=False)
    _said: bool = field(default=False, init=False, repr=False)

    def __iter__(self) -> Iterator[Frame]:
        return self._frames(None)

    def thumbnails(self, longest: int = 320) -> Iterator[Frame]:
        """The same frames, 8 bits, no alpha, scaled down to at most ``longest`` pixels on the longer side."""
        return self._frames(longest)

    def _frames(self, longest: int | None) -> Iterator[Frame]:
        tally = DamageTally()
        yield from self.decode(longest, tally)
        self.damage = tally.damage()
        if self._said:
            return
        self._said = True
        if self.damage.count:
            logger.warning("%s is damaged: %s; what could be decoded is used", self.path, self.damage.text)
        if tally.retimed:
            logger.warning(
                "%s: %d frames had no timestamp or a backward one; they follow at the clip's frame rate",
                self.path,
                tally.retimed,
            )


def excerpt(clip: Clip, frames: range) -> Clip:
    """Those frames of a clip, under their own numbers; what lies before them is decoded and left out."""

    def decode(longest: int | None, tally: DamageTally) -> Iterator[Frame]:
        return islice(clip.decode(longest, tally), frames.start, frames.stop)

    return Clip(clip.path, clip.info, decode)


def picked(clip: Clip, frames: Collection[int]) -> Clip:
    """Single frames of a clip, under their own numbers; what follows the last of them is not decoded."""

    def decode(longest: int | None, tally: DamageTally) -> Iterator[Frame]:
        upto = islice(clip.decode(longest, tally), max(frames, default=-1) + 1)
        return (frame for frame in upto if frame.index in frames)

    return Clip(clip.path, clip.info, decode)


def as_depth(image: Picture, dtype: npt.DTypeLike) -> Picture:
    """``image`` over the full range of ``dtype``, uint8 or uint16: 255 and 65535 are the same white."""
    if image.dtype == dtype:
        return image
    if dtype == np.uint16:
        return image.astype(np.uint16) * 257
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def thumbnail_size(size: Size, longest: int) -> Size:
    """``size`` scaled down to at most ``longest`` on the longer side.

    >>> thumbnail_size((1080, 1920), 320)
    (180, 320)
    """
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
