"""What a clip says about its color, what it means where it says nothing, and what its result says."""

from __future__ import annotations

from pathlib import Path

import av
from av.video.reformatter import ColorRange

from photovst.errors import MediaError
from photovst.media.records import UNSPECIFIED, ColorTags, logger

LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}
"""Share of red and of blue in luma, by H.273 matrix; green has the rest."""

_BT601, _BT709 = 6, 1
_UNREADABLE = {8: "YCgCo", 10: "BT.2020 constant luminance", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-Re"}
_HDR = {16: "PQ", 18: "HLG"}


def default_matrix(height: int) -> int:
    """The matrix of a YUV picture that names none: BT.709 from 720 lines on, BT.601 below."""
    return _BT709 if height >= 720 else _BT601


def resolve_tags(pixel_format: str, full: int, tags: tuple[int, int, int], height: int, path: Path) -> ColorTags:
    """The color tags a source is decoded with, from what it says (``tags``: matrix, primaries, transfer).

    Raises:
        MediaError: the matrix is one that cannot be converted.
    """
    matrix, primaries, transfer = tags
    if transfer in _HDR:
        logger.warning("%s is %s (HDR); its code values are treated as display-referred", path, _HDR[transfer])
    if is_rgb(pixel_format):
        return ColorTags(True, 0, primaries, transfer)
    if matrix in _UNREADABLE:
        name = _UNREADABLE[matrix]
        raise MediaError(f"{path}: color matrix {name} is not supported; convert the clip to BT.709 first")
    # FFmpeg takes gray that does not say as full range, and everything else that does not say as limited.
    full_range = full == ColorRange.JPEG or pixel_format.startswith("yuvj")
    if full != ColorRange.MPEG and pixel_format.startswith("gray"):
        full_range = True
    return ColorTags(full_range, matrix if matrix in LUMA_WEIGHTS else default_matrix(height), primaries, transfer)


def output_tags(source: ColorTags, pixel_format: str, height: int, limited_only: bool) -> ColorTags:
    """The tags to write: the source's own, a default matrix for YUV made from RGB, RGB for RGB formats."""
    if is_rgb(pixel_format):
        return ColorTags(True, 0, source.primaries, source.transfer)
    if source.matrix == 0:
        return ColorTags(False, default_matrix(height), source.primaries, source.transfer)
    full_range = source.full_range and not limited_only
    return ColorTags(full_range, source.matrix, source.primaries, source.transfer)


def said(first: int, second: int) -> int:
    """The first tag that says something: what a frame says, else what its stream says."""
    return first if first != UNSPECIFIED else second


def is_rgb(pixel_format: str) -> bool:
    """Whether samples are RGB as they are, or gray that is always full range: nothing to do with a matrix."""
    return av.VideoFormat(pixel_format).is_rgb or pixel_format.startswith(("pal8", "mono", "ya", "grayf"))


def bit_depth(pixel_format: str) -> int:
    """Bits of the deepest component."""
    return max(component.bits for component in av.VideoFormat(pixel_format).components)


def has_alpha(pixel_format: str) -> bool:
    """Whether the format has an alpha channel that says anything."""
    return any(component.is_alpha for component in av.VideoFormat(pixel_format).components)
