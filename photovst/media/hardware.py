"""Encoders in hardware, as FFmpeg offers them: which can be used here, and with what settings.

What they write depends on the device and its driver, so their results are not the same bytes everywhere.
"""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
from av.video.codeccontext import VideoCodecContext

from photovst.errors import MediaError, did_you_mean
from photovst.media.codecs import RECIPES, Recipe, pixel_format_for
from photovst.media.records import STILL_RATE, ClipInfo
from photovst.types import Size

SOFTWARE, AUTO = "software", "auto"

KINDS = ("nvenc", "qsv", "amf", "v4l2m2m")
"""FFmpeg's names for the encoders of NVIDIA, Intel and AMD, and of Linux's own interface, as 'auto' tries them."""

_CODECS = ("h264", "hevc")

# What software writes, and what else holds the same samples in an order that hardware takes.
_SAME_SAMPLES = {
    "yuv420p": ("yuv420p", "nv12"),
    "yuv420p10le": ("yuv420p10le", "p010le"),
    "yuv422p": ("yuv422p", "nv16", "yuyv422"),
    "yuv422p10le": ("yuv422p10le", "p210le", "y210le"),
}


def _bits_a_second(quality: int, size: Size, rate: Fraction) -> int:
    """A tenth of a bit a pixel at quality 23, twice as many for each 6 below: half of H.264's quantizer each."""
    return round(size[0] * size[1] * float(rate) * 0.1 * 2 ** ((23 - quality) / 6))


def _settings(kind: str, quality: int, size: Size, rate: Fraction) -> dict[str, str]:
    """The options that come nearest to a constant rate factor; no B-frames, as in software."""
    level, plain = str(quality), {"bf": "0"}
    match kind:
        case "nvenc":
            return plain | {"preset": "p4", "rc": "vbr", "cq": level, "b": "0"}
        case "qsv":
            return plain | {"preset": "veryfast", "global_quality": level}
        case "amf":
            return plain | {"quality": "balanced", "rc": "cqp", "qp_i": level, "qp_p": level}
        case _:
            return plain | {"b": str(_bits_a_second(quality, size, rate))}


def recipe_of(
    codec: str, encoder: str, quality: int, source: ClipInfo, size: Size
) -> tuple[Recipe, dict[str, str], str]:
    """A codec's recipe, the encoder's options and its pixel format, in software or by a kind of hardware.

    Args:
        codec: its name.
        encoder: 'software', or one of `KINDS`.
        quality: constant rate factor, or what is nearest to it.
        source: gives depth, chroma and rate.
        size: of the frames.

    Raises:
        MediaError: that hardware has no encoder for such frames.
    """
    recipe, pixel_format = RECIPES[codec], pixel_format_for(codec, source, size)
    if encoder == SOFTWARE:
        return recipe, recipe.settings(quality), pixel_format
    name = f"{codec}_{encoder}"
    if name not in av.codecs_available:
        raise MediaError(f"this FFmpeg has no encoder {name}")
    taken = {each.name for each in av.Codec(name, "w").video_formats or ()} or {"yuv420p", "nv12"}
    chosen = next((each for each in _SAME_SAMPLES.get(pixel_format, (pixel_format,)) if each in taken), None)
    if chosen is None:
        raise MediaError(f"{name} takes no {pixel_format}, which the clip's depth and chroma ask for")
    hardware = Recipe(name, recipe.suffixes)
    return hardware, _settings(encoder, quality, size, source.frame_rate or STILL_RATE), chosen


def encoder_for(codec: str, wanted: str, source: ClipInfo, size: Size) -> str:
    """The encoder to use: what is wanted, or for 'auto' the first hardware that encodes a frame here, else 'software'.

    Asking takes a try: it opens the encoder and has it encode one frame.

    Raises:
        MediaError: the hardware asked for cannot be used.
    """
    if wanted == SOFTWARE or (wanted == AUTO and codec not in _CODECS):
        return SOFTWARE
    if wanted == AUTO:
        return next((kind for kind in KINDS if problem(codec, kind, source, size) is None), SOFTWARE)
    if wanted not in KINDS:
        raise MediaError(f"unknown encoder {wanted!r}; {did_you_mean(wanted, [SOFTWARE, AUTO, *KINDS])}")
    if codec not in _CODECS:
        raise MediaError(f"encoder {wanted!r} writes h264 and hevc, not {codec!r}; use encoder 'software', or 'auto'")
    trouble = problem(codec, wanted, source, size)
    if trouble is not None:
        raise MediaError(f"encoder {wanted!r} cannot be used: {trouble}; use 'software', or 'auto' for what works here")
    return wanted


def problem(codec: str, kind: str, source: ClipInfo, size: Size) -> str | None:
    """Why this hardware does not encode such frames here; None where it does."""
    try:
        recipe, options, pixel_format = recipe_of(codec, kind, 23, source, size)
        _try(recipe.encoder, options, pixel_format, size)
    except MediaError as error:
        return str(error)
    except (av.FFmpegError, OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        return f"{codec}_{kind} does not start ({cause}): no such device, or no driver for it"
    return None


def _try(name: str, options: dict[str, str], pixel_format: str, size: Size) -> None:
    context = cast(VideoCodecContext, VideoCodecContext.create(name, "w"))
    context.width, context.height, context.pix_fmt = size[1], size[0], pixel_format
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.options = options
    frame = av.VideoFrame(size[1], size[0], pixel_format)
    frame.pts, frame.time_base = 0, context.time_base
    packets = [*context.encode(frame), *context.encode(None)]
    if not packets:
        raise MediaError(f"{name} gave nothing for a frame")
