from __future__ import annotations

import hashlib
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.clip import Clip, open_clip
from photovst.media.video_writer import ClipWriter, check_output

from .synthetic import make_clip, packet_times, pattern


def copy(clip: Clip, path: Path, codec: str = "h264", quality: int = 18, **options: Any) -> Clip:
    """Read and write unchanged."""
    with ClipWriter(path, clip, clip.info.size, codec, quality, **options) as writer:
        for frame in clip:
            writer.write(frame.image, frame.time, frame.alpha, frame.duration)
    return open_clip(path)


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


def test_an_exception_leaves_nothing_and_keeps_the_old(tmp_path: Path) -> None:
    source = open_clip(make_clip(tmp_path / "a.mp4"))
    (tmp_path / "b.mp4").write_bytes(b"the old result")

    def stopped(path: Path, codec: str) -> None:
        with ClipWriter(path, source, (64, 96), codec) as writer:
            for frame in source:
                writer.write(frame.image, frame.time)
                if frame.index == 3:
                    raise RuntimeError("stop")

    for name, codec in (("b.mp4", "h264"), ("frames", "png")):
        with pytest.raises(RuntimeError, match="stop"):
            stopped(tmp_path / name, codec)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    assert (tmp_path / "b.mp4").read_bytes() == b"the old result"


def _script(body: str) -> list[str]:
    head = """
        import os, resource, sys
        from fractions import Fraction
        import numpy as np
        from photovst.errors import MediaError
        from photovst.media.clip import open_clip
        from photovst.media.video_writer import ClipWriter
        name, codec = sys.argv[2:]
        os.chdir(sys.argv[1])
        rng = np.random.default_rng(0)
        source = open_clip("a.mp4").info
    """
    return [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(body)]


@pytest.mark.parametrize(("name", "codec"), [("b.mp4", "h264"), ("b.mkv", "ffv1"), ("frames", "png")])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, name: str, codec: str) -> None:
    make_clip(tmp_path / "a.mp4")
    body = """
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))  # the kernel then refuses as a full disk does
        try:
            with ClipWriter(name, source, (64, 96), codec) as writer:
                for index in range(60):
                    writer.write(rng.integers(0, 255, (64, 96, 3), dtype=np.uint8), Fraction(index, 25))
        except MediaError as error:
            print(error)
    """
    done = subprocess.run([*_script(body), str(tmp_path), name, codec], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"cannot write {name}: ")
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_a_killed_run_never_shows_the_final_name(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4")
    body = """
        with ClipWriter(name, source, (64, 96), codec) as writer:
            for index in range(200):
                writer.write(rng.integers(0, 255, (64, 96, 3), dtype=np.uint8), Fraction(index, 25))
            print("written", flush=True)
            os.kill(os.getpid(), 9)
    """
    done = subprocess.run([*_script(body), str(tmp_path), "b.mp4", "h264"], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "written\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == [".b.partial.mp4", "a.mp4"]
    copy(open_clip(tmp_path / "a.mp4"), tmp_path / "b.mp4")  # the next run takes the left-over's place
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


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


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    info = open_clip(make_clip(tmp_path / "a.mp4")).info
    good = pattern(0)
    with ClipWriter(tmp_path / "b.mp4", info, (64, 96)) as writer:
        writer.write(good, Fraction(1, 25))
        with pytest.raises(MediaError, match=r"frames are \(64, 96, 3\) uint8 or uint16, got \(64, 95, 3\)"):
            writer.write(good[:, 1:], Fraction(2, 25))
        with pytest.raises(MediaError, match=r"got \(64, 96, 3\) float64"):
            writer.write(good / 255, Fraction(2, 25))
        with pytest.raises(MediaError, match=r"frame 1 is at 1/25 s, not after the last one at 1/25 s"):
            writer.write(good, Fraction(1, 25))
        with pytest.raises(MediaError, match=r"alpha is \(64, 96\), got \(64, 1\)"):
            writer.write(good, Fraction(2, 25), good[:, :1, 0])
    with (
        pytest.raises(MediaError, match="no frames were given"),
        ClipWriter(tmp_path / "c.mp4", info, (64, 96)),
    ):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize(
    ("name", "codec", "match"),
    [
        (
            "b.avi",
            "h264",
            r"codec 'h264' cannot be written to suffix '\.avi'; use \.mp4, \.m4v, \.mov, \.mkv",
        ),
        ("b.mp4", "prores", r"codec 'prores' cannot be written to suffix '\.mp4'; use \.mov, \.mkv"),
        ("b", "h264", r"cannot be written to suffix ''"),
        ("b.mp4", "h265", r"unknown codec 'h265'; did you mean"),
        ("b.mp4", "png", r"codec 'png' writes a folder of frames, but .*b\.mp4 names a file"),
        ("b.png", "h264", r"b\.png is a picture, but the input is a clip"),
        ("none/b.mp4", "h264", r"the folder .*none does not exist; create it first"),
        ("a.mp4", "h264", r"a\.mp4 is the input; choose another name"),
        ("old.mp4", "h264", r"old\.mp4 exists; choose another name, or pass --overwrite"),
    ],
)
def test_outputs_are_checked_early(tmp_path: Path, name: str, codec: str, match: str) -> None:
    source = open_clip(make_clip(tmp_path / "a.mp4"))
    (tmp_path / "old.mp4").touch()
    with pytest.raises(MediaError, match=match):
        check_output(tmp_path / name, codec, source)
    check_output(tmp_path / "new.mp4", "h264", source)
    check_output(tmp_path / "old.mp4", "h264", source, overwrite=True)


def test_folders_are_only_replaced_when_they_are_ours(tmp_path: Path) -> None:
    source = open_clip(make_clip(tmp_path / "a.mp4"))
    copy(source, tmp_path / "frames", "png")
    check_output(tmp_path / "frames", "png", source, overwrite=True)
    assert len(list(copy(source, tmp_path / "frames", "png"))) == 8
    with pytest.raises(MediaError, match="frames is the input"):
        check_output(tmp_path / "frames", "png", open_clip(tmp_path / "frames"), overwrite=True)
    with pytest.raises(MediaError, match="is the input"):
        check_output(tmp_path / "frames", "png", open_clip(tmp_path / "frames" / "*.png"), overwrite=True)
    (tmp_path / "frames" / "diary.txt").touch()
    with pytest.raises(MediaError, match="holds more than numbered frames"):
        check_output(tmp_path / "frames", "png", source, overwrite=True)
    (tmp_path / "plain").touch()
    with pytest.raises(MediaError, match="plain is a file"):
        check_output(tmp_path / "plain", "png", source, overwrite=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(MediaError, match="is not writable"):
        check_output(tmp_path / "locked" / "b.mp4", "h264")


def test_mp4_starts_with_its_index(tmp_path: Path) -> None:
    copy(open_clip(make_clip(tmp_path / "a.mp4")), tmp_path / "b.mp4")
    data = (tmp_path / "b.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_times_finer_than_the_source_are_refused(tmp_path: Path) -> None:
    info = open_clip(make_clip(tmp_path / "a.mp4", range(4), Fraction(1, 12800))).info
    with ClipWriter(tmp_path / "b.mp4", info, (64, 96)) as writer:
        writer.write(pattern(0), Fraction(0))
        with pytest.raises(MediaError, match=r"a frame at 1/90000 s falls on its predecessor"):
            writer.write(pattern(1), Fraction(1, 90000))


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
