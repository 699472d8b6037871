from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.clip import open_clip

from .synthetic import make_clip, packet_times, pattern


def test_info_of_a_plain_clip(tmp_path: Path) -> None:
    ticks = [1001 * i for i in range(10)]
    info = open_clip(make_clip(tmp_path / "a.mp4", ticks, Fraction(1, 30000), audio=["aac"])).info
    assert info.size == (64, 96)
    assert info.frame_rate == Fraction(30000, 1001)
    assert info.frame_count == 10
    assert info.duration == Fraction(10 * 1001, 30000)
    assert (info.kind, info.pixel_format, info.bit_depth) == ("video", "yuv420p", 8)
    assert info.has_audio
    assert not info.has_alpha


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.avi"])
def test_frames_come_in_order_with_the_demuxers_times(tmp_path: Path, name: str) -> None:
    bare = name == "a.avi"  # AVI stores no display order
    options = {"bf": "0", "b": "4000000"} if bare else {"bf": "3"}
    path = make_clip(tmp_path / name, range(30), codec="mpeg4" if bare else "libx264", options=options)
    clip = open_clip(path)
    frames = list(clip)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time for frame in frames] == [t - clip.info.origin for t in packet_times(path)]
    for frame in frames:
        assert np.abs(frame.image.astype(int) - pattern(frame.index)).mean() < 4
    assert clip.damage.count == 0


def test_every_iteration_decodes_anew(tmp_path: Path) -> None:
    clip = open_clip(make_clip(tmp_path / "a.mp4"))
    half = iter(clip)
    next(half)
    first, second = [f.image for f in clip], [f.image for f in clip]
    assert len(first) == 8
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_durations_are_distances_and_the_last_is_the_files(tmp_path: Path) -> None:
    clip = open_clip(make_clip(tmp_path / "a.mp4", [0, 10, 15, 40], Fraction(1, 100), options={"bf": "0"}, last=33))
    assert [frame.duration for frame in clip] == [Fraction(n, 100) for n in (10, 5, 25, 33)]


def test_b_frames_leave_the_last_duration_alone(tmp_path: Path) -> None:
    clip = open_clip(make_clip(tmp_path / "a.mp4", range(12), Fraction(1, 25), options={"bf": "3"}))
    assert [frame.duration for frame in clip] == [Fraction(1, 25)] * 12


def test_thumbnails_are_the_frames_averaged_down(tmp_path: Path) -> None:
    clip = open_clip(make_clip(tmp_path / "a.mp4"))
    for small, full in zip(clip.thumbnails(24), clip, strict=True):
        assert small.image.shape == (16, 24, 3)
        assert small.time == full.time
        blocks = full.image.reshape(16, 4, 24, 4, 3).mean((1, 3))
        assert np.abs((small.image - blocks).mean((0, 1))).max() < 1
        assert np.abs(small.image - blocks).mean() < 5


def test_missing_timestamps_follow_at_the_frame_rate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_clip(tmp_path / "a.h264", range(10), options={"bf": "0"})  # a bare stream carries no times
    clip = open_clip(path)
    times = [frame.time for frame in clip]
    assert times == [Fraction(i, 25) for i in range(10)]
    assert caplog.text.count("had no timestamp") == 1


@pytest.mark.parametrize(
    ("degrees", "mirror", "flip", "turn"),
    [
        (0, False, False, lambda x: x),
        (90, False, False, lambda x: np.rot90(x, 1)),
        (180, False, False, lambda x: np.rot90(x, 2)),
        (-90, False, False, lambda x: np.rot90(x, 3)),
        (0, True, False, lambda x: x[:, ::-1]),
        (0, False, True, lambda x: x[::-1]),
        (90, True, False, lambda x: np.rot90(x, 1)[:, ::-1]),
        (90, False, True, lambda x: np.rot90(x, 1)[::-1]),
    ],
)
def test_rotation_metadata_is_applied(
    tmp_path: Path,
    degrees: int,
    mirror: bool,
    flip: bool,
    turn: Callable[[np.ndarray], np.ndarray],
) -> None:
    def rotated(stream: Any) -> None:
        stream.set_display_rotation(degrees, mirror, flip)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    clip = open_clip(make_clip(tmp_path / "a.mov", setup=rotated))
    sideways = degrees in (90, -90)
    assert clip.info.size == ((96, 64) if sideways else (64, 96))
    assert clip.info.sample_aspect == (Fraction(3, 4) if sideways else Fraction(4, 3))
    for frame in clip:
        assert np.abs(frame.image.astype(int) - turn(pattern(frame.index))).mean() < 4


def test_a_slanted_rotation_is_shown_as_stored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = open_clip(make_clip(tmp_path / "a.mov", setup=lambda s: s.set_display_rotation(30)))
    assert clip.info.size == (64, 96)
    assert "no quarter turn" in caplog.text


def test_alpha_beside_vp9_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"

    def alpha(stream: Any) -> None:
        stream.metadata["alpha_mode"] = "1"

    make_clip(
        path,
        codec="libvpx-vp9",
        pixel_format="yuva420p",
        pictures=[np.array([120, 128, 128, 77])] * 8,
        options={"auto-alt-ref": "0", "crf": "4", "b": "0"},
        setup=alpha,
    )
    clip = open_clip(path)
    assert clip.info.has_alpha
    frame = next(iter(clip))
    assert frame.alpha is not None
    assert frame.alpha.shape == (64, 96)
    assert np.abs(frame.alpha.astype(int) - 77).max() <= 2


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_announced_once(tmp_path: Path, caplog: pytest.LogCaptureFixture, transfer: int, name: str) -> None:
    def hdr(stream: Any) -> None:
        stream.codec_context.color_trc = transfer
        stream.codec_context.color_primaries = stream.codec_context.colorspace = 9

    clip = open_clip(make_clip(tmp_path / "a.mp4", pixel_format="yuv420p10le", setup=hdr))
    assert (clip.info.color.transfer, clip.info.color.matrix) == (transfer, 9)
    list(clip)
    assert caplog.text.count(f"is {name} (HDR)") == 1


def test_interlaced_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def interlaced(stream: Any) -> None:
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct

    open_clip(make_clip(tmp_path / "a.mp4", setup=interlaced))
    assert "is interlaced" in caplog.text


def test_truncated_file_gives_what_there_is_and_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_clip(tmp_path / "a.mp4", range(50), options={"bf": "0"}, container={"movflags": "faststart"})
    whole = [frame.time for frame in open_clip(path)]
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * 0.7))
    clip = open_clip(path)
    frames = list(clip)
    assert 5 < len(frames) < 50
    assert [frame.time for frame in frames] == whole[: len(frames)]
    assert frames[-1].duration == Fraction(1, 25)
    assert len(frames) + clip.damage.count == 50
    list(clip)
    assert caplog.text.count("is damaged") == 1


def test_damaged_middle_goes_on_and_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_clip(tmp_path / "a.mp4", range(50), options={"bf": "0", "g": "5"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(0).bytes(600)
    path.write_bytes(data)
    clip = open_clip(path)
    frames = list(clip)
    assert len(frames) >= 40
    assert clip.damage.count >= 1
    assert frames[-1].time == Fraction(49, 25)
    assert caplog.text.count("is damaged") == 1


def test_truncated_matroska_is_noticed(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", range(50), options={"bf": "0", "g": "5"})
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * 0.6))
    clip = open_clip(path)
    frames = list(clip)
    assert len(frames) < 50
    assert len(frames) + clip.damage.count == 50


def test_transport_streams_start_at_zero(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.ts", range(100, 110), audio=["mp2"], audio_start=Fraction(4))
    clip = open_clip(path)
    starts = [packet_times(path)[0], packet_times(path, "audio")[0]]
    assert min(starts) > 0
    assert clip.info.origin == min(starts)
    assert next(iter(clip)).time == starts[0] - min(starts)


def test_frames_that_change_size_are_brought_to_the_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    small = make_clip(tmp_path / "small.ts", range(10), size=(64, 96))
    large = make_clip(tmp_path / "large.ts", range(10, 20), size=(128, 192))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    frames = list(open_clip(joined))
    assert len(frames) == 20
    assert {frame.image.shape for frame in frames} == {(64, 96, 3)}
    expected = pattern(0, 128, 192).reshape(64, 2, 96, 2, 3).mean((1, 3))
    assert np.abs(frames[10].image - expected).mean() < 6
    assert caplog.text.count("frames change size or format") == 1


def test_a_long_last_frame_is_no_damage(tmp_path: Path) -> None:
    clip = open_clip(make_clip(tmp_path / "a.mkv", [0, 1, 2, 30, 31, 32], Fraction(1, 25), last=40))
    assert len(list(clip)) == 6
    assert clip.damage.count == 0


def _audio_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as output:
        stream: Any = output.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "fill", "match"),
    [
        ("none.mp4", None, r"none\.mp4 does not exist"),
        ("empty.mp4", lambda p: p.write_bytes(b""), r"is empty \(0 bytes\)"),
        ("text.mp4", lambda p: p.write_text("once upon a time\n" * 99), r"cannot be read as a video"),
        ("cut.mp4", lambda p: p.write_bytes(make_clip(p).read_bytes()[:200]), r"cannot be read as a video"),
        ("sound.mp4", _audio_only, r"holds no video \(found: audio\)"),
        (
            "tiny.mp4",
            lambda p: make_clip(p, size=(8, 32)),
            r"is 32x8 pixels; the shorter side needs at least 16",
        ),
        (
            "pixel.mkv",
            lambda p: make_clip(p, codec="ffv1", pixel_format="bgr0", size=(1, 1)),
            r"is 1x1 pixels",
        ),
    ],
)
def test_what_is_no_clip_is_refused_in_one_line(
    tmp_path: Path, name: str, fill: Callable[[Path], object] | None, match: str
) -> None:
    path = tmp_path / name
    if fill is not None:
        fill(path)
    with pytest.raises(MediaError, match=match) as caught:
        open_clip(path)
    assert "\n" not in str(caught.value)


def test_a_clip_without_frames_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", options={"bf": "0"})
    data = path.read_bytes()
    cluster = data.index(bytes.fromhex("1f43b675"))
    path.write_bytes(data[:cluster])
    with pytest.raises(MediaError, match=r"no frame of it could be decoded|cannot be read"):
        open_clip(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_permissions_are_reported(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4")
    path.chmod(0)
    with pytest.raises(MediaError, match="may not be read"):
        open_clip(path)


def test_unsupported_matrices_are_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", setup=lambda s: setattr(s.codec_context, "colorspace", 8))
    with pytest.raises(MediaError, match="color matrix YCgCo is not supported"):
        open_clip(path)
