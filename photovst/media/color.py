"""Decoded frames to RGB and back, by matrix, range and depth (ITU-T H.273, section 8.3).

swscale brings chroma to the size of luma and back; the matrix is applied here, as swscale's own is slower,
less exact, and puts the white of deep video at 255 * 256.
"""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from photovst.media.color_tags import LUMA_WEIGHTS, bit_depth, has_alpha, is_rgb
from photovst.media.records import ColorTags, Picture, as_depth
from photovst.types import Size

Matrix = npt.NDArray[np.float64]

# Accurate rounding: without it swscale is off by up to four levels, darker on average.
_ACCURATE = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP | Interpolation.BITEXACT
_EXACT = Interpolation.BICUBIC | _ACCURATE
_AVERAGED = Interpolation.AREA | Interpolation.FULL_CHR_H_INT | _ACCURATE

_PACKED = {(False, False): "rgb24", (False, True): "rgba", (True, False): "rgb48le", (True, True): "rgba64le"}


def to_rgb(
    frame: av.VideoFrame, tags: ColorTags, size: Size, sws: VideoReformatter, *, thumbnail: bool = False
) -> tuple[Picture, Picture | None]:
    """A decoded frame as ``(H, W, 3)`` RGB of 8 or 16 bits, and its alpha; ``size`` is its own.

    A ``thumbnail`` is averaged down to ``size``, always of 8 bits and without alpha.
    """
    frame.color_range = ColorRange.JPEG if tags.full_range else ColorRange.MPEG
    name = frame.format.name
    if is_rgb(name):
        return _from_packed(frame, size, sws, thumbnail)
    gray = name.startswith("gray")
    bits = 8 if thumbnail else bit_depth(name)
    if thumbnail:
        frame = in_layout(frame, size, "gray" if gray else "yuv444p", sws, _AVERAGED)
    elif frame.format.is_big_endian:
        frame = in_layout(frame, size, f"{name.removesuffix('be')}le", sws)
    decoding = _decoding(tags, bits, 255 if bits == 8 else 65535)
    if gray:
        neutral = decoding[:, 1:3].sum(1) * 2 ** (bits - 1)
        luma_only = np.stack([decoding[:, 0], decoding[:, 3] + neutral], 1)
        return np.asarray(cv2.transform(_pixels(frame.planes[0], bits), luma_only)), None
    whole = in_layout(frame, size, "yuv444p" if bits == 8 else f"yuv444p{bits}le", sws)
    coded = cv2.merge([_pixels(plane, bits) for plane in whole.planes])
    image = np.asarray(cv2.transform(coded, decoding))
    if thumbnail or not has_alpha(name):
        return image, None
    alpha = _pixels(frame.planes[3], bits)
    return image, alpha.copy() if bits == 8 else _times(alpha, 65535 / (2**bits - 1))


def from_rgb(
    image: Picture, alpha: Picture | None, pixel_format: str, tags: ColorTags, sws: VideoReformatter
) -> av.VideoFrame:
    """An ``(H, W, 3)`` RGB picture, 8 or 16 bits, as a frame to encode, with alpha if the format has one."""
    bits = bit_depth(pixel_format)
    dtype = np.uint8 if bits == 8 else np.uint16
    image = np.ascontiguousarray(as_depth(image, dtype))
    if not has_alpha(pixel_format):
        alpha = None
    elif alpha is None:
        alpha = np.full(image.shape[:2], np.iinfo(dtype).max, dtype)
    else:
        alpha = as_depth(alpha, dtype)
    whole = _packed(image, alpha) if is_rgb(pixel_format) else _coded(image, alpha, tags, bits)
    whole.color_range = ColorRange.JPEG if tags.full_range else ColorRange.MPEG
    frame = in_layout(whole, (image.shape[0], image.shape[1]), pixel_format, sws)
    frame.colorspace, frame.color_range = tags.matrix, whole.color_range
    frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer
    return frame


def in_layout(
    frame: av.VideoFrame, size: Size, pixel_format: str, sws: VideoReformatter, how: Interpolation = _EXACT
) -> av.VideoFrame:
    """The frame in another layout and size; its range, and with it every code value's meaning, stays."""
    return sws.reformat(
        frame,
        width=size[1],
        height=size[0],
        format=pixel_format,
        src_color_range=frame.color_range,
        dst_color_range=frame.color_range,
        interpolation=how,
    )


def _decoding(tags: ColorTags, bits: int, top: int) -> Matrix:
    """The affine map (3, 4) from Y, Cb, Cr code values of ``bits`` to RGB with white at ``top``."""
    red, blue = LUMA_WEIGHTS[tags.matrix]
    green = 1 - red - blue
    unit = 2 ** (bits - 8)
    most = 2**bits - 1
    luma, chroma = (most, most) if tags.full_range else (219 * unit, 224 * unit)
    zero = np.array([0 if tags.full_range else 16 * unit, 2 ** (bits - 1), 2 ** (bits - 1)])
    by_signal = np.array(
        [
            [1, 0, 2 * (1 - red)],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 2 * (1 - blue), 0],
        ]
    )
    linear = top * by_signal / np.array([luma, chroma, chroma])
    return np.column_stack([linear, -linear @ zero])


def _coded(image: Picture, alpha: Picture | None, tags: ColorTags, bits: int) -> av.VideoFrame:
    """A 4:4:4 frame of Y, Cb, Cr code values."""
    decoding = _decoding(tags, bits, np.iinfo(image.dtype).max)
    linear = np.linalg.inv(decoding[:, :3])
    coded = np.asarray(cv2.transform(image, np.column_stack([linear, -linear @ decoding[:, 3]])))
    if tags.full_range and bits not in (8, 16):
        np.minimum(coded, 2**bits - 1, out=coded)  # full-range chroma ends half a code value above the last
    depth = "" if bits == 8 else f"{bits}le"
    frame = av.VideoFrame(image.shape[1], image.shape[0], f"yuv{'' if alpha is None else 'a'}444p{depth}")
    planes = [_pixels(plane, bits) for plane in frame.planes]
    cv2.split(coded, planes[:3])  # into the frame's own memory
    if alpha is not None:
        planes[3][...] = alpha if bits == 8 else _times(alpha, (2**bits - 1) / 65535)
    return frame


def _packed(image: Picture, alpha: Picture | None) -> av.VideoFrame:
    if alpha is not None:
        image = np.asarray(cv2.merge([*cv2.split(image), np.ascontiguousarray(alpha)]))
    return av.VideoFrame.from_numpy_buffer(image, _PACKED[image.dtype == np.uint16, alpha is not None])


def _from_packed(
    frame: av.VideoFrame, size: Size, sws: VideoReformatter, thumbnail: bool
) -> tuple[Picture, Picture | None]:
    name = frame.format.name
    deep, alpha = bit_depth(name) > 8 and not thumbnail, has_alpha(name) and not thumbnail
    converted = in_layout(frame, size, _PACKED[deep, alpha], sws, _AVERAGED if thumbnail else _EXACT)
    pixels: Picture = np.ascontiguousarray(converted.to_ndarray())
    if not alpha:
        return pixels, None
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)), np.asarray(cv2.extractChannel(pixels, 3))


def _pixels(plane: VideoPlane, bits: int) -> Picture:
    """A plane's code values as an array onto its memory."""
    dtype: np.dtype[Any] = np.dtype(np.uint8 if bits == 8 else np.uint16)
    rows: Picture = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    return rows[:, : plane.width]


def _times(values: Picture, factor: float) -> Picture:
    return np.asarray(cv2.transform(values, np.array([[factor]])))
