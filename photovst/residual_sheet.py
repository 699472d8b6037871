"""What a table makes of frames beside what a run makes of them, and the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from photovst.media.records import Picture
from photovst.media.tensors import resized, to_picture

GAIN = 8
"""Differences are shown so many times as large."""

WIDTH, GAP, LABEL, HEADING, LINE = 320, 6, 110, 24, 18
"""Of a picture, between pictures, of the words beside a row, above them, and from line to line, in pixels."""

COLUMNS = ("frame", "graded by the run", "graded by the table", f"difference x{GAIN}")


@dataclass(frozen=True, eq=False)
class SheetRow:
    """A frame, ``(1, 3, H, W)`` in [0, 1], as it is, as the run has it and as the table has it; lines to its left."""

    label: Sequence[str]
    frame: Tensor
    graded: Tensor
    tabled: Tensor


def residual_sheet(rows: Sequence[SheetRow]) -> Picture:
    """A row a frame on white, 8 bits."""
    strips = [_strip(row) for row in rows]
    width = LABEL + len(COLUMNS) * (WIDTH + GAP)
    sheet = np.full((HEADING + sum(len(strip) + GAP for strip in strips), width, 3), 255, np.uint8)
    for column, heading in enumerate(COLUMNS):
        _write(sheet, heading, LABEL + column * (WIDTH + GAP), HEADING - 8)
    top = HEADING
    for row, strip in zip(rows, strips, strict=True):
        sheet[top : top + len(strip), LABEL : LABEL + strip.shape[1]] = strip
        for line, text in enumerate(row.label):
            _write(sheet, text, GAP, top + (line + 1) * LINE)
        top += len(strip) + GAP
    return sheet


def _strip(row: SheetRow) -> Picture:
    """A row's pictures, not lower than its label."""
    difference = (row.tabled - row.graded).abs() * GAIN
    pictures = [to_picture(frame) for frame in (row.frame, row.graded, row.tabled, difference)]
    height = max(1, round(WIDTH * pictures[0].shape[0] / pictures[0].shape[1]))
    strip = np.full((max(height, (len(row.label) + 1) * LINE), len(pictures) * (WIDTH + GAP), 3), 255, np.uint8)
    for column, picture in enumerate(pictures):
        left = column * (WIDTH + GAP)
        strip[:height, left : left + WIDTH] = resized(picture, (height, WIDTH))
    return strip


def _write(sheet: Picture, text: str, left: int, bottom: int) -> None:
    cv2.putText(sheet, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
