"""Small copies of clips: the same pictures, in step, no larger than they may be."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from small_runs import write_clip

from media.synthetic import pattern
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.previews import LONG_SIDE, QUALITIES, make_preview
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.video_writer import ClipWriter

RATE = Fraction(24000, 1001)


def decoded(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_the_same_pictures_in_any_browser(tmp_path: Path) -> None:
    pictures = [pattern(t) for t in range(8)]
    preview = make_preview(open_clip(write_clip(tmp_path / "a.mkv", pictures)), RATE, 300, 10**6)
    assert (preview.frames, preview.complete, preview.even) == (8, True, True)
    with av.open(io.BytesIO(preview.data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
    assert times == [index / RATE for index in range(8)]
    assert preview.data.index(b"moov") < preview.data.index(b"mdat")  # plays before all of it is there
    for picture, shown in zip(pictures, decoded(preview.data), strict=True):
        assert np.abs(picture.astype(float) - shown).mean() < 8


def test_large_clips_are_shown_small_and_odd_sides_get_even(tmp_path: Path) -> None:
    y, x = np.mgrid[:333, :999]
    picture = np.stack([x % 256, y % 256, 0 * x], -1).astype(np.uint8)
    preview = make_preview(open_clip(write_clip(tmp_path / "a.mkv", [picture] * 2)), RATE, 300, 10**6)
    assert decoded(preview.data)[0].shape == (160, LONG_SIDE, 3)
    preview = make_preview(open_clip(write_clip(tmp_path / "b.mkv", [picture[:17, :21]] * 2)), RATE, 300, 10**6)
    assert decoded(preview.data)[0].shape == (18, 22, 3)


@pytest.mark.parametrize("folder", [False, True])
def test_folders_and_stills(tmp_path: Path, folder: bool) -> None:
    pictures = [pattern(t) for t in range(2 if folder else 1)]
    for index, picture in enumerate(pictures):
        write_image(tmp_path / f"{index}.png", picture)
    preview = make_preview(open_clip(tmp_path if folder else tmp_path / "0.png"), RATE, 300, 10**6)
    assert len(decoded(preview.data)) == preview.frames == len(pictures)


def test_a_long_clip_is_cut(tmp_path: Path) -> None:
    clip = open_clip(write_clip(tmp_path / "a.mkv", [pattern(t) for t in range(8)]))
    preview = make_preview(clip, RATE, 5, 10**6)
    assert (preview.frames, preview.complete, len(decoded(preview.data))) == (5, False, 5)
    assert make_preview(clip, RATE, 8, 10**6).complete


def test_noise_is_made_to_fit(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 64, 96, 3), np.uint8)
    clip = open_clip(write_clip(tmp_path / "a.mkv", list(noise)))
    free = make_preview(clip, RATE, 300, 10**7)
    limit = len(free.data) // 4
    assert len(make_preview(clip, RATE, 300, limit).data) <= limit
    coarsest = make_preview(clip, RATE, 300, 0)
    assert len(coarsest.data) < limit
    assert QUALITIES[-1] == 51


def test_frames_of_different_lengths_are_told_of(tmp_path: Path) -> None:
    pictures = [pattern(t) for t in range(4)]
    info = ClipInfo(
        size=pictures[0].shape[:2], kind="video", frame_rate=Fraction(20), frame_count=4, duration=None,
        pixel_format="yuv420p", bit_depth=8, has_alpha=False, has_audio=False,
        color=ColorTags(full_range=False, matrix=6, primaries=6, transfer=6), time_base=Fraction(1, 1000),
    )  # fmt: skip
    with ClipWriter(tmp_path / "vfr.mp4", info, info.size) as writer:
        for time, picture in zip((0, 40, 140, 160), pictures, strict=True):
            writer.write(picture, Fraction(time, 1000))
    preview = make_preview(open_clip(tmp_path / "vfr.mp4"), RATE, 300, 10**6)
    assert (preview.frames, preview.even) == (4, False)
