from __future__ import annotations

import hashlib
import logging
import re
import resource
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.clip import open_clip
from photovst.media.video_writer import ClipWriter

from .copying import copy
from .synthetic import make_clip, packet_times, pattern

CASES: dict[str, tuple[Sequence[int], Fraction, int]] = {
    "25": (range(10), Fraction(1, 25), 1),
    "29.97": ([1001 * i for i in range(10)], Fraction(1, 30000), 1001),
    "10.51": ([round(Fraction(71393 * 90000 * i, 750000)) for i in range(10)], Fraction(1, 90000), 8567),
    "variable": ([0, 7, 9, 40, 41, 90, 200, 201, 202, 260], Fraction(1, 600), 77),
    "late start": ([21021 + 1001 * i for i in range(10)], Fraction(1, 30000), 500),
    "two frames": ([0, 3], Fraction(1, 24), 9),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "h264"), (".mov", "prores"), (".mov", "h264"), (".mp4", "hevc")]
)
def test_times_and_durations_survive_exactly(tmp_path: Path, case: str, suffix: str, codec: str) -> None:
    ticks, time_base, last = CASES[case]
    source = open_clip(
        make_clip(
            tmp_path / "a.mp4",
            ticks,
            time_base,
            options={"bf": "0"},
            last=last,
            container={"movie_timescale": "90000"},
        )
    )
    stamps = [(frame.time, frame.duration) for frame in source]
    assert [time for time, _ in stamps] == [tick * time_base for tick in ticks]
    result = copy(source, tmp_path / f"b{suffix}", codec)
    assert [(frame.time, frame.duration) for frame in result] == stamps
    assert result.info.frame_rate == source.info.frame_rate


def test_matroska_rounds_times_to_milliseconds(tmp_path: Path) -> None:
    ticks, time_base, last = CASES["29.97"]
    source = open_clip(make_clip(tmp_path / "a.mp4", ticks, time_base, options={"bf": "0"}, last=last))
    result = copy(source, tmp_path / "b.mkv")
    assert result.info.frame_rate == Fraction(30000, 1001)
    for before, after in zip(source, result, strict=True):
        assert abs(before.time - after.time) <= Fraction(1, 2000)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(("video", "audio"), [(9, 0), (0, 14400), (5, 9600)])
def test_audio_keeps_its_offset(tmp_path: Path, suffix: str, video: int, audio: int) -> None:
    ticks = [1001 * (i + video) for i in range(12)]
    sound = Fraction(audio, 48000)
    path = make_clip(
        tmp_path / "a.mov",
        ticks,
        Fraction(1, 30000),
        audio=["pcm_s16le"],
        audio_start=sound,
        container={"movie_timescale": "240000"},
    )
    assert packet_times(path, "audio")[0] == sound
    copy(open_clip(path), tmp_path / f"b{suffix}")
    starts = packet_times(tmp_path / f"b{suffix}")[0], packet_times(tmp_path / f"b{suffix}", "audio")[0]
    limit = Fraction(1, 1000) if suffix == ".mkv" else 0
    assert abs(starts[0] - ticks[0] * Fraction(1, 30000)) <= limit
    assert abs(starts[1] - sound) <= limit


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("b.mp4", "h264"),
        ("b.mov", "h264"),
        ("b.mkv", "h264"),
        ("b.mp4", "hevc"),
        ("b.mkv", "hevc"),
        ("b.mov", "prores"),
        ("b.mkv", "ffv1"),
        ("b", "png"),
    ],
)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, name: str, codec: str) -> None:
    source = open_clip(make_clip(tmp_path / "a.mkv", range(30), size=(128, 160), audio=["libopus"]))
    digests = []
    for attempt in ("one", "two"):
        (tmp_path / attempt).mkdir()
        path = tmp_path / attempt / name
        copy(source, path, codec)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
        assert not re.search(rb"Lav[cf]\d", files[0].read_bytes())  # a version would change with the library
        time.sleep(1.1 if attempt == "one" and name == "b.mp4" else 0)  # a creation time would count seconds
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("height", "width"), [(63, 96), (64, 95), (63, 95), (17, 16)])
@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", ".mp4"), ("hevc", ".mp4"), ("prores", ".mov"), ("ffv1", ".mkv")]
)
def test_odd_sizes_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, height: int, width: int, codec: str, suffix: str
) -> None:
    source = open_clip(make_clip(tmp_path / "a.mkv", range(3), codec="ffv1", pixel_format="bgr0", size=(height, width)))
    result = copy(source, tmp_path / f"b{suffix}", codec, 4)
    assert result.info.size == (height, width)
    for frame in result:
        unit = 257 if frame.image.dtype == np.uint16 else 1
        assert np.abs(frame.image / unit - pattern(frame.index, height, width)).mean() < 5
    assert ("is odd" in caplog.text) == (codec in ("h264", "hevc"))
    if codec in ("h264", "hevc"):
        assert result.info.pixel_format == "yuv444p"


@pytest.mark.parametrize(
    ("pixel_format", "codec", "suffix", "expected"),
    [
        ("yuv420p", "h264", ".mp4", "yuv420p"),
        ("yuv422p", "h264", ".mp4", "yuv422p"),
        ("yuv444p", "h264", ".mp4", "yuv444p"),
        ("yuv420p10le", "h264", ".mp4", "yuv420p10le"),
        ("yuv420p10le", "hevc", ".mp4", "yuv420p10le"),
        ("yuv444p10le", "hevc", ".mkv", "yuv444p10le"),
        ("yuv420p", "prores", ".mov", "yuv422p10le"),
        ("yuv444p", "prores", ".mov", "yuv444p12le"),  # FFmpeg reads every 4444 as 12 bits
        ("yuv420p10le", "ffv1", ".mkv", "gbrp16le"),
        ("gray", "h264", ".mp4", "yuvj420p"),  # gray is full range unless it says otherwise
        ("gray10le", "prores", ".mov", "yuv422p10le"),
    ],
)
def test_depth_and_chroma_are_kept(tmp_path: Path, pixel_format: str, codec: str, suffix: str, expected: str) -> None:
    gray = pixel_format.startswith("gray")  # FFmpeg reads monochrome H.264 as 4:2:0
    name, encoder = ("a.mkv", "ffv1") if gray else ("a.mp4", "libx264")
    source = open_clip(make_clip(tmp_path / name, range(3), codec=encoder, pixel_format=pixel_format))
    assert source.info.pixel_format == pixel_format
    result = copy(source, tmp_path / f"b{suffix}", codec, 4)
    assert result.info.pixel_format == expected
    for before, after in zip(source, result, strict=True):
        unit = [257 if frame.image.dtype == np.uint16 else 1 for frame in (before, after)]
        assert np.abs(before.image / unit[0] - after.image / unit[1]).mean() < 2


def test_pixel_shape_is_kept_and_rotation_is_not_written_twice(tmp_path: Path) -> None:
    def turned(stream: Any) -> None:
        stream.set_display_rotation(90)
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)

    source = open_clip(make_clip(tmp_path / "a.mov", range(4), setup=turned))
    for suffix in (".mp4", ".mov", ".mkv"):
        result = copy(source, tmp_path / f"b{suffix}")
        assert result.info.sample_aspect == Fraction(15, 16)
        assert result.info.size == (96, 64)
        frame = next(iter(result))
        assert np.abs(frame.image.astype(int) - np.rot90(pattern(0))).mean() < 5


def test_alpha_is_dropped_with_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = open_clip(make_clip(tmp_path / "a.mkv", range(2), codec="ffv1", pixel_format="bgra"))
    assert not copy(source, tmp_path / "b.mp4").info.has_alpha
    assert caplog.text.count("alpha is dropped; codecs prores, ffv1, png keep it") == 1
    for name, codec in (("b.mov", "prores"), ("b.mkv", "ffv1"), ("frames", "png")):
        assert copy(source, tmp_path / name, codec).info.has_alpha
    assert caplog.text.count("alpha is dropped") == 1


def test_png_writes_numbered_frames(tmp_path: Path) -> None:
    source = open_clip(make_clip(tmp_path / "a.mp4", range(3), pixel_format="yuv420p10le"))
    result = copy(source, tmp_path / "frames", "png")
    assert sorted(file.name for file in (tmp_path / "frames").iterdir()) == [
        "000000.png",
        "000001.png",
        "000002.png",
    ]
    for before, after in zip(source, result, strict=True):
        assert after.image.dtype == np.uint16
        np.testing.assert_array_equal(before.image, after.image)


def test_stills_go_to_stills(tmp_path: Path) -> None:
    source = open_clip(_still(tmp_path / "a.png"))
    assert source.info.kind == "still"
    result = copy(source, tmp_path / "b.png")
    np.testing.assert_array_equal(next(iter(result)).image, pattern(0))
    loose = next(iter(copy(source, tmp_path / "b.jpg")))
    assert np.abs(loose.image.astype(int) - pattern(0)).mean() < 2
    assert len(list(copy(source, tmp_path / "b.mp4"))) == 1
    with ClipWriter(tmp_path / "c.png", source, (64, 96)) as writer:
        writer.write(pattern(0), Fraction(0))
        with pytest.raises(MediaError, match="holds one picture"):
            writer.write(pattern(1), Fraction(1))


def _still(path: Path) -> Path:
    from photovst.media.images import write_image

    write_image(path, pattern(0))
    return path


def test_mp4_starts_with_its_index(tmp_path: Path) -> None:
    copy(open_clip(make_clip(tmp_path / "a.mp4")), tmp_path / "b.mp4")
    data = (tmp_path / "b.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory as Linux tells it")
def test_memory_stays_flat(tmp_path: Path) -> None:
    """A long clip needs no more memory than a short one, on either side."""
    sound: dict[str, Any] = {"audio": ["aac"], "audio_seconds": Fraction(10)}
    options = {"preset": "ultrafast", "bf": "0"}
    clip = open_clip(make_clip(tmp_path / "a.mkv", range(240), size=(360, 640), options=options, **sound))
    resident = []
    with ClipWriter(tmp_path / "b.mp4", clip, clip.info.size) as writer:
        for frame in clip:
            writer.write(frame.image, frame.time, None, frame.duration)
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident.append(pages * resource.getpagesize() / 2**20)
    assert max(resident) - resident[60] < 40  # MiB; the frames in between are 120


def test_frames_given_as_8_bits_fit_a_deep_clip(tmp_path: Path) -> None:
    info = open_clip(make_clip(tmp_path / "a.mp4", pixel_format="yuv420p10le")).info
    with ClipWriter(tmp_path / "b.mp4", info, (64, 96), quality=4) as writer:
        writer.write(pattern(0), Fraction(0))
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p10le"
    frame = next(iter(open_clip(tmp_path / "b.mp4")))
    assert np.abs(frame.image / 257 - pattern(0)).mean() < 3


def test_encoders_are_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source = open_clip(make_clip(tmp_path / "a.mp4"))
    capfd.readouterr()
    with caplog.at_level(logging.DEBUG):
        for name, codec in (("b.mp4", "h264"), ("c.mp4", "hevc"), ("b.mov", "prores"), ("b.mkv", "ffv1")):
            copy(source, tmp_path / name, codec)
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""
