from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import pytest

from photovst.errors import MediaError
from photovst.media.clip import open_clip
from photovst.media.video_writer import ClipWriter, check_output

from .copying import copy
from .synthetic import make_clip, pattern


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


def test_times_finer_than_the_source_are_refused(tmp_path: Path) -> None:
    info = open_clip(make_clip(tmp_path / "a.mp4", range(4), Fraction(1, 12800))).info
    with ClipWriter(tmp_path / "b.mp4", info, (64, 96)) as writer:
        writer.write(pattern(0), Fraction(0))
        with pytest.raises(MediaError, match=r"a frame at 1/90000 s falls on its predecessor"):
            writer.write(pattern(1), Fraction(1, 90000))
