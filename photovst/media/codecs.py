"""The codecs a result can be written with: encoder, settings, containers and pixel formats."""

from __future__ import annotations

from dataclasses import dataclass, field

import av

from photovst.errors import MediaError, did_you_mean
from photovst.media.records import ClipInfo
from photovst.types import Size

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""File suffixes and FFmpeg's name for the container each stands for."""

FOLDER_CODEC = "png"
ALPHA_CODECS = ("prores", "ffv1", "png")

_THREADS = "4"  # fixed, not one a core: the number of threads changes the bytes of H.264 and HEVC


@dataclass(frozen=True)
class Recipe:
    """A codec's settings. ``rated``: quality is a constant rate factor. ``limited_only``: no full range."""

    encoder: str
    suffixes: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    rated: bool = False
    limited_only: bool = False

    def settings(self, quality: int) -> dict[str, str]:
        """The encoder's options at a constant rate factor of ``quality``, where it has one."""
        return self.options | ({"crf": str(quality)} if self.rated else {})


# No B-frames: decoding order is then display order, so a container holds each frame's own duration and the
# last one's, at variable rate too, and no timestamp is negative. Costs about 3 % of the file's size at equal
# quality. 'veryfast' is within 2 % of the size of 'medium' at equal rate factor and 2.6 times as fast.
RECIPES = {
    "h264": Recipe(
        "libx264",
        (".mp4", ".m4v", ".mov", ".mkv"),
        # mbtree=0: with x264's macroblock tree the same few frames now and then came out in other bytes, also on one
        # thread.
        {"preset": "veryfast", "bf": "0", "threads": _THREADS, "x264-params": "mbtree=0"},
        rated=True,
    ),
    "hevc": Recipe(
        "libx265",
        (".mp4", ".m4v", ".mov", ".mkv"),
        {
            "preset": "veryfast",
            # info=0: the note on the encoder that x265 leaves in the stream names the processor
            "x265-params": f"bframes=0:pools={_THREADS}:frame-threads=2:wpp=1:info=0:log-level=none",
        },
        rated=True,
    ),
    "prores": Recipe("prores_ks", (".mov", ".mkv"), {"vendor": "apl0", "threads": _THREADS}, limited_only=True),
    "ffv1": Recipe("ffv1", (".mkv",), {"level": "3", "slices": "16", "slicecrc": "1", "threads": _THREADS}),
}


def recipe_for(codec: str, suffix: str) -> Recipe:
    """The recipe of ``codec`` in a container with ``suffix``.

    Raises:
        MediaError: the codec is unknown, or that container does not take it.
    """
    if codec not in RECIPES:
        raise MediaError(f"unknown codec {codec!r}; {did_you_mean(codec, [*RECIPES, FOLDER_CODEC])}")
    recipe = RECIPES[codec]
    if suffix.lower() not in recipe.suffixes:
        raise MediaError(f"codec {codec!r} cannot be written to suffix {suffix!r}; use {', '.join(recipe.suffixes)}")
    return recipe


def pixel_format_for(codec: str, source: ClipInfo, size: Size) -> str:
    """The pixel format that keeps the source's depth, chroma and alpha as far as ``codec`` can.

    H.264 and HEVC write 10 bits of a deeper source, and 4:4:4 where an odd size leaves no room for halved
    chroma. ProRes is 4:2:2 HQ, or 4444 for alpha and full chroma. FFV1 keeps the RGB it is given, bit for
    bit.
    """
    deep = source.bit_depth > 8
    chroma = _chroma(source.pixel_format)
    if codec == "ffv1":
        if deep:
            return "gbrap16le" if source.has_alpha else "gbrp16le"
        return "bgra" if source.has_alpha else "bgr0"
    if codec == "prores":
        if source.has_alpha:
            return "yuva444p10le"
        return "yuv444p10le" if chroma == "444" else "yuv422p10le"
    if size[1] % 2 or (size[0] % 2 and chroma == "420"):
        chroma = "444"
    return f"yuv{chroma}p10le" if deep else f"yuv{chroma}p"


def _chroma(pixel_format: str) -> str:
    """How finely a format samples color: 444, 422, 420; RGB and gray count as 420, which any player takes."""
    described = av.VideoFormat(pixel_format, 64, 64)
    if described.is_rgb or described.has_palette or len(described.components) < 3:
        return "420"
    return {(64, 64): "444", (32, 64): "422"}.get((described.chroma_width(), described.chroma_height()), "420")
