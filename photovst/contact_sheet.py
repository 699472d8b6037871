"""A contact sheet: a row a shot, the frame as it is and then ever more of its change; the photograph above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photovst.media.records import Picture
from photovst.media.tensors import resized
from photovst.types import Size

HIGHEST = WIDEST = 4000
"""Most pixels of a sheet along each side: viewers and browsers show more only in parts."""

LONG_SIDE = 480
"""Longer side of a picture, in pixels, where there is room for it."""

NARROWEST = 120
"""Least width of a column, in pixels: room for what stands above its pictures."""

MARGIN, GAP, STRIP, LABELS = 20, 10, 30, 170
PHOTO: Size = (240, 480)
LARGE, SMALL = 24, 17
PAPER, INK, FAINT = (24, 24, 24), (235, 235, 235), (165, 165, 165)


@dataclass(frozen=True, eq=False)
class Row:
    """A shot: what stands beside it, line by line, its frame and the full result, both of the size of a cell, uint8."""

    labels: Sequence[str]
    content: Picture
    result: Picture


def cell_size(frame: Size, aspect: Fraction, rows: int, columns: int) -> Size:
    """The size of pictures on a sheet that stays within its bounds.

    Args:
        frame: size of the clip's frames.
        aspect: width of their pixels by their height.
        rows: how many shots.
        columns: pictures a shot.

    >>> cell_size((1080, 1920), Fraction(1), 12, 4)
    (270, 480)
    >>> cell_size((1920, 1080), Fraction(1), 12, 4)
    (269, 151)
    """
    height, width = float(frame[0]), frame[1] * float(aspect)
    high = (HIGHEST - PHOTO[0] - 3 * MARGIN) // rows - STRIP - GAP
    wide = (WIDEST - 2 * MARGIN - LABELS) // columns - GAP
    scale = min(LONG_SIDE / max(height, width), high / height, wide / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def contact_sheet(lines: Sequence[str], photo: Picture, rows: Sequence[Row], strengths: Sequence[float]) -> Picture:
    """The sheet as ``(H, W, 3)`` RGB uint8.

    Args:
        lines: what stands beside the photograph; the first is the title.
        photo: RGB uint8.
        rows: the shots, their pictures all of one size.
        strengths: a picture each, after the frame as it is.
    """
    high, wide = rows[0].content.shape[:2]
    column = max(wide, NARROWEST) + GAP
    shown = _photo(photo)
    beside = MARGIN + shown.shape[1] + 2 * GAP
    said = max(_font(SMALL if place else LARGE).getlength(_printable(line)) for place, line in enumerate(lines))
    width = max(2 * MARGIN + LABELS + (1 + len(strengths)) * column, min(beside + int(said) + 1 + MARGIN, WIDEST // 2))
    top = PHOTO[0] + 2 * MARGIN
    each = STRIP + high + GAP
    sheet = np.full((top + len(rows) * each + MARGIN, width, 3), PAPER, np.uint8)
    _put(sheet, shown, (MARGIN, MARGIN))
    drawn = Image.fromarray(sheet)
    pen = ImageDraw.Draw(drawn)

    def write(text: str, y: int, x: int, wide: int, size: int = SMALL, ink: tuple[int, int, int] = FAINT) -> None:
        pen.text((x, y), _fitted(text, size, wide), ink, _font(size))

    for place, line in enumerate(lines):
        y = MARGIN + STRIP * place + GAP * bool(place)
        write(line, y, beside, width - MARGIN - beside, *((SMALL, FAINT) if place else (LARGE, INK)))
    headings = ["as it is", *(f"strength {strength:g}" for strength in strengths)]
    for number, row in enumerate(rows):
        y = top + number * each
        for place, label in enumerate(row.labels):
            write(label, y + STRIP + place * (SMALL + GAP), MARGIN, LABELS - GAP, ink=FAINT if place else INK)
        for place, heading in enumerate(headings):
            write(heading, y + (STRIP - SMALL) // 2 - 2, MARGIN + LABELS + place * column, column - GAP)
    sheet = np.array(drawn)
    for number, row in enumerate(rows):
        for place, strength in enumerate((0.0, *strengths)):
            picture = cv2.addWeighted(row.content, 1 - strength, row.result, strength, 0)
            _put(sheet, picture, (top + number * each + STRIP, MARGIN + LABELS + place * column))
    return sheet


def _photo(photo: Picture) -> Picture:
    height, width = photo.shape[:2]
    scale = min(PHOTO[0] / height, PHOTO[1] / width)
    return resized(photo, (max(1, round(height * scale)), max(1, round(width * scale))))


def _put(sheet: Picture, picture: Picture, place: tuple[int, int]) -> None:
    y, x = place
    sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def _fitted(text: str, size: int, width: int) -> str:
    """The text in one line, cut where it is too wide."""
    text = _printable(text)
    while len(text) > 1 and _font(size).getlength(text) > width:
        text = f"{text[:-2]}…"
    return text


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # Matplotlib's own, which knows more than Latin letters; to import it all for that would take half a second.
    package = find_spec("matplotlib")
    assert package is not None  # installed with photovst
    assert package.origin is not None
    return ImageFont.truetype(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", size)
