"""Color against the equations of ITU-R BT.601, BT.709 and BT.2020, written out here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from photovst.media.clip import open_clip
from photovst.media.color_tags import default_matrix
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.video_writer import ClipWriter

from .synthetic import make_clip

LUMA = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
PATCHES = np.array(
    [[0, 0, 0], [255, 255, 255], [200, 100, 50], [30, 180, 220], [128, 128, 128], [90, 10, 140]], np.uint8
)


def coded(rgb: np.ndarray, matrix: int, full: bool, bits: int) -> np.ndarray:
    """Y, Cb, Cr code values of 8-bit RGB, unrounded (H.273, section 8.3)."""
    red, blue = LUMA[matrix]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    luma = red * r + (1 - red - blue) * g + blue * b
    chroma = np.stack([(b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)], -1)
    if full:
        top = 2**bits - 1
        return np.concatenate([top * luma[..., None], top * chroma + 2 ** (bits - 1)], -1)
    unit = 2 ** (bits - 8)
    return unit * np.concatenate([219 * luma[..., None] + 16, 224 * chroma + 128], -1)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize(("pixel_format", "bits"), [("yuv420p", 8), ("yuv444p10le", 10)])
def test_reading_follows_the_equations(tmp_path: Path, pixel_format: str, bits: int, matrix: int, full: bool) -> None:
    def tagged(stream: Any) -> None:
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = 2 if full else 1

    planes = np.rint(coded(PATCHES, matrix, full, bits)).astype(int)
    path = make_clip(
        tmp_path / "a.mp4",
        range(len(PATCHES)),
        pixel_format=pixel_format,
        pictures=list(planes),
        options={"qp": "0", "g": "1"} if bits == 8 else {"crf": "1", "g": "1"},
        setup=tagged,
    )
    clip = open_clip(path)
    assert (clip.info.color.matrix, clip.info.color.full_range, clip.info.bit_depth) == (matrix, full, bits)
    for frame, patch in zip(clip, PATCHES, strict=True):
        shown = frame.image[32, 48] / (1 if bits == 8 else 257)
        assert np.abs(shown - patch).max() <= (1 if bits == 8 else 0.6)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("bits", [8, 10])
def test_writing_follows_the_equations_and_keeps_the_tags(tmp_path: Path, matrix: int, full: bool, bits: int) -> None:
    tags = ColorTags(full, matrix, primaries=matrix, transfer=1)
    info = _info(color=tags, bit_depth=bits, pixel_format="yuv420p" if bits == 8 else "yuv420p10le")
    dtype, unit = (np.uint8, 1) if bits == 8 else (np.uint16, 257)
    with ClipWriter(tmp_path / "a.mp4", info, (64, 96), "h264", 2) as writer:
        for index, patch in enumerate(PATCHES):
            writer.write(np.full((64, 96, 3), patch, dtype) * dtype(unit), Fraction(index, 25))
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = list(container.decode(video=0))
    expected = coded(PATCHES, matrix, full, bits)
    for frame, values in zip(frames, expected, strict=True):
        stored = [int(np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16)[8]) for plane in frame.planes]
        assert np.abs(stored - values).max() <= 2.5 * 2 ** (bits - 8) / (1 if bits == 8 else 2)
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (matrix, matrix, 1)
        assert frame.color_range == (2 if full else 1)
    assert open_clip(tmp_path / "a.mp4").info.color == tags


@pytest.mark.parametrize("codec", ["h264", "hevc", "prores", "ffv1"])
@pytest.mark.parametrize("full", [False, True])
def test_patches_survive_writing_and_reading(tmp_path: Path, codec: str, full: bool) -> None:
    info = _info(color=ColorTags(full, 1, 1, 1))
    path = tmp_path / ("a.mkv" if codec == "ffv1" else "a.mov")
    with ClipWriter(path, info, (64, 96), codec, 4) as writer:
        for index, patch in enumerate(PATCHES):
            writer.write(np.full((64, 96, 3), patch, np.uint8), Fraction(index, 25))
    clip = open_clip(path)
    limit = 0 if codec == "ffv1" else 2
    for frame, patch in zip(clip, PATCHES, strict=True):
        unit = 257 if frame.image.dtype == np.uint16 else 1
        assert np.abs(frame.image[32, 48] / unit - patch).max() <= limit


@pytest.mark.parametrize(
    ("dtype", "alpha"), [(np.uint8, False), (np.uint8, True), (np.uint16, False), (np.uint16, True)]
)
def test_ffv1_is_lossless(tmp_path: Path, dtype: type, alpha: bool) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, np.iinfo(dtype).max, (64, 96, 4), dtype=dtype, endpoint=True)
    names = {(8, False): "rgb24", (8, True): "rgba", (16, False): "rgb48le", (16, True): "rgba64le"}
    bits = np.iinfo(dtype).bits
    info = _info(color=ColorTags(), bit_depth=bits, pixel_format=names[bits, alpha], has_alpha=alpha)
    with ClipWriter(tmp_path / "a.mkv", info, (64, 96), "ffv1") as writer:
        writer.write(pixels[..., :3], Fraction(0), pixels[..., 3] if alpha else None)
    frame = next(iter(open_clip(tmp_path / "a.mkv")))
    np.testing.assert_array_equal(frame.image, pixels[..., :3])
    if alpha:
        np.testing.assert_array_equal(frame.alpha, pixels[..., 3])
    else:
        assert frame.alpha is None


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_survives_prores(tmp_path: Path, bits: int) -> None:
    dtype = np.uint8 if bits == 8 else np.uint16
    top = np.iinfo(dtype).max
    info = _info(color=ColorTags(), bit_depth=bits, pixel_format="rgba", has_alpha=True)
    ramp = np.tile(np.linspace(0, top, 96).astype(dtype), (64, 1))
    with ClipWriter(tmp_path / "a.mov", info, (64, 96), "prores") as writer:
        writer.write(np.full((64, 96, 3), top // 2, dtype), Fraction(0), ramp)
    frame = next(iter(open_clip(tmp_path / "a.mov")))
    assert frame.alpha is not None
    assert frame.alpha.dtype == np.uint16
    assert np.abs(frame.alpha / 65535 - ramp / top).max() < 0.002


@pytest.mark.parametrize(("pixel_format", "bits"), [("gray", 8), ("gray10le", 10)])
@pytest.mark.parametrize("full", [False, True])
def test_gray_becomes_three_equal_channels(tmp_path: Path, pixel_format: str, bits: int, full: bool) -> None:
    unit = 2 ** (bits - 8)
    black, white = (0, 2**bits - 1) if full else (16 * unit, 235 * unit)
    path = make_clip(
        tmp_path / "a.mkv",
        range(3),
        codec="ffv1",
        pixel_format=pixel_format,
        pictures=[np.array([value]) for value in (black, (black + white) // 2, white)],
        setup=lambda stream: setattr(stream.codec_context, "color_range", 2 if full else 1),
    )
    clip = open_clip(path)
    assert clip.info.pixel_format == pixel_format
    assert clip.info.color.full_range == full
    for frame, expected in zip(clip, (0, 0.5, 1), strict=True):
        top = np.iinfo(frame.image.dtype).max
        assert frame.image.shape == (64, 96, 3)
        assert np.abs(frame.image / top - expected).max() < 0.003


def test_unnamed_matrices_go_by_height(tmp_path: Path) -> None:
    small = open_clip(make_clip(tmp_path / "sd.mp4", range(2)))
    large = open_clip(make_clip(tmp_path / "hd.mp4", range(2), size=(720, 96)))
    assert (small.info.color.matrix, large.info.color.matrix) == (6, 1)
    assert (default_matrix(719), default_matrix(720)) == (6, 1)


def _info(**changes: Any) -> ClipInfo:
    given: dict[str, Any] = {
        "size": (64, 96),
        "kind": "video",
        "frame_rate": Fraction(25),
        "frame_count": None,
        "duration": None,
        "pixel_format": "yuv420p",
        "bit_depth": 8,
        "has_alpha": False,
        "has_audio": False,
        "color": ColorTags(False, 1),
        "time_base": Fraction(1, 25),
    }
    return ClipInfo(**(given | changes))
