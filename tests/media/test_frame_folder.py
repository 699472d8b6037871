from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.clip import open_clip
from photovst.media.images import write_image

from .synthetic import pattern


def fill(folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for index, name in enumerate(names):
        write_image(folder / name, pattern(index))
    return folder


def test_frames_come_in_natural_order(tmp_path: Path) -> None:
    folder = fill(tmp_path / "f", ["a1.png", "a2.png", "a9.png", "a10.png", "a100.png"])
    (folder / "notes.txt").write_text("no frame")
    (folder / ".hidden.png").write_text("no frame")
    clip = open_clip(folder)
    assert (clip.info.kind, clip.info.size, clip.info.frame_count) == ("frames", (64, 96), 5)
    for _ in range(2):
        frames = list(clip)
        assert [frame.index for frame in frames] == list(range(5))
        assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(5)]
        for frame in frames:
            np.testing.assert_array_equal(frame.image, pattern(frame.index))


def test_a_frame_rate_can_be_given(tmp_path: Path) -> None:
    folder = fill(tmp_path / "f", ["1.png", "2.png", "3.png"])
    clip = open_clip(folder, Fraction(30000, 1001))
    assert [frame.time for frame in clip] == [Fraction(1001 * i, 30000) for i in range(3)]
    assert clip.info.duration == Fraction(3003, 30000)
    with pytest.raises(MediaError, match="frame rate must be positive, got 0"):
        open_clip(folder, Fraction(0))


def test_a_pattern_chooses(tmp_path: Path) -> None:
    folder = fill(tmp_path / "f", ["left_2.png", "left_10.png", "right_1.png"])
    clip = open_clip(folder / "left_*.png")
    assert [np.array_equal(f.image, pattern(i)) for i, f in enumerate(clip)] == [True, True]


def test_a_still_is_one_frame(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", pattern(0).astype(np.uint16) * 257, pattern(0)[..., 0])
    clip = open_clip(tmp_path / "a.png")
    assert (clip.info.kind, clip.info.bit_depth, clip.info.has_alpha) == ("still", 16, True)
    (frame,) = clip
    assert (frame.index, frame.time, frame.image.dtype) == (0, 0, np.uint16)
    np.testing.assert_array_equal(frame.alpha, pattern(0)[..., 0].astype(np.uint16) * 257)


def test_mixed_depth_and_alpha_follow_the_first(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png", pattern(0).astype(np.uint16) * 257, pattern(0)[..., 0])
    write_image(tmp_path / "2.png", pattern(1))
    second = list(open_clip(tmp_path))[1]
    np.testing.assert_array_equal(second.image, pattern(1).astype(np.uint16) * 257)
    assert second.alpha is not None
    assert second.alpha.min() == 65535


def test_thumbnails(tmp_path: Path) -> None:
    (small,) = open_clip(fill(tmp_path / "f", ["1.png"])).thumbnails(24)
    blocks = pattern(0).reshape(16, 4, 24, 4, 3).mean((1, 3))
    assert np.abs(small.image - blocks).max() <= 1


def test_sizes_must_agree(tmp_path: Path) -> None:
    fill(tmp_path / "f", ["1.png", "2.jpg"])
    write_image(tmp_path / "f" / "3.jpg", pattern(0, 32, 48))
    with pytest.raises(MediaError, match=r"differ in size: .*1\.png is 96x64, .*3\.jpg is 48x32"):
        open_clip(tmp_path / "f")


def test_broken_frames_are_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "f", ["1.png", "2.png"])
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:500])
    with pytest.raises(MediaError, match=r"2\.png is cut off"):
        list(open_clip(folder))


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no pictures; it needs files ending in"):
        open_clip(tmp_path)
    with pytest.raises(MediaError, match=r"the pattern .*\*\.png holds no pictures"):
        open_clip(tmp_path / "*.png")
    with pytest.raises(MediaError, match=r"does not exist; check the path; for numbered frames"):
        open_clip(tmp_path / "frame_%04d.png")
    write_image(tmp_path / "a.png", pattern(0, 15, 40))
    with pytest.raises(MediaError, match="is 40x15 pixels; the shorter side needs at least 16"):
        open_clip(tmp_path / "a.png")
