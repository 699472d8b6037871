"""Folders and globs of pictures as clips, and single pictures as clips of one frame."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from photovst.errors import MediaError
from photovst.media.images import READABLE, picture_size, read_picture
from photovst.media.records import (
    SMALLEST_SIDE,
    STILL_RATE,
    Clip,
    ClipInfo,
    ColorTags,
    DamageTally,
    Frame,
    Kind,
    Picture,
    as_depth,
    thumbnail_size,
)


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts ``frame2`` before ``frame10``.

    >>> names = [Path("f10.png"), Path("f2.png"), Path("f1.png")]
    >>> [path.name for path in sorted(names, key=natural_key)]
    ['f1.png', 'f2.png', 'f10.png']
    """
    parts = re.split(r"(\d+)", path.as_posix())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts if part], path.as_posix()


def open_folder(path: Path, frame_rate: Fraction = STILL_RATE) -> Clip:
    """The pictures in a folder, in natural order; other files and hidden ones are passed over.

    Raises:
        MediaError: there are none, they differ in size, or one cannot be read.
    """
    try:
        files = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    except PermissionError as error:
        raise MediaError(f"{path} may not be read; change its permissions") from error
    return _open_frames(path, files, frame_rate, f"the folder {path}")


def open_glob(pattern: Path, frame_rate: Fraction = STILL_RATE) -> Clip:
    """The pictures that match a glob pattern, in natural order."""
    return _open_frames(pattern, [Path(name) for name in glob.glob(str(pattern))], frame_rate, f"the pattern {pattern}")


def open_still(path: Path) -> Clip:
    """A picture as a clip of one frame."""
    return _open([path], "still", path, STILL_RATE)


def _open_frames(path: Path, files: Sequence[Path], frame_rate: Fraction, what: str) -> Clip:
    if frame_rate <= 0:
        raise MediaError(f"{path}: the frame rate must be positive, got {frame_rate}")
    pictures = sorted((file for file in files if file.suffix.lower() in READABLE), key=natural_key)
    if not pictures:
        raise MediaError(f"{what} holds no pictures; it needs files ending in {', '.join(READABLE)}")
    first = picture_size(pictures[0])
    for picture in pictures[1:]:
        size = picture_size(picture)
        if size != first:
            raise MediaError(
                f"frames differ in size: {pictures[0]} is {first[1]}x{first[0]}, "
                f"{picture} is {size[1]}x{size[0]}; give frames of one size"
            )
    return _open(pictures, "frames", path, frame_rate)


def _open(pictures: Sequence[Path], kind: Kind, path: Path, frame_rate: Fraction) -> Clip:
    image, alpha = read_picture(pictures[0])
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MediaError(f"{pictures[0]} is {width}x{height} pixels; the shorter side needs at least {SMALLEST_SIDE}")
    deep = image.dtype == np.uint16
    names = {
        (False, False): "rgb24",
        (False, True): "rgba",
        (True, False): "rgb48le",
        (True, True): "rgba64le",
    }
    info = ClipInfo(
        size=(height, width),
        kind=kind,
        frame_rate=frame_rate if kind == "frames" else None,
        frame_count=len(pictures),
        duration=len(pictures) / frame_rate,
        pixel_format=names[deep, alpha is not None],
        bit_depth=16 if deep else 8,
        has_alpha=alpha is not None,
        has_audio=False,
        color=ColorTags(),
        time_base=1 / frame_rate,
    )
    return Clip(path, info, partial(_decode, tuple(pictures), info))


def _decode(pictures: Sequence[Path], info: ClipInfo, longest: int | None, tally: DamageTally) -> Iterator[Frame]:
    dtype = np.uint16 if info.bit_depth == 16 else np.uint8
    for index, picture in enumerate(pictures):
        image, alpha = read_picture(picture)
        if image.shape[:2] != info.size:
            raise MediaError(
                f"{picture} changed while it was being read: it is no longer {info.size[1]}x{info.size[0]}"
            )
        time = index * info.time_base
        if longest is not None:
            yield Frame(index, _thumbnail(image, longest), time, None, info.time_base)
            continue
        if info.has_alpha and alpha is None:
            alpha = np.full(info.size, np.iinfo(dtype).max, dtype)
        kept = as_depth(alpha, dtype) if alpha is not None and info.has_alpha else None
        yield Frame(index, as_depth(image, dtype), time, kept, info.time_base)


def _thumbnail(image: Picture, longest: int) -> Picture:
    height, width = thumbnail_size((image.shape[0], image.shape[1]), longest)
    return np.asarray(cv2.resize(as_depth(image, np.uint8), (width, height), interpolation=cv2.INTER_AREA))
