from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.records import Clip, ClipInfo, ColorTags
from photovst.media.shots import Shot, detect_shots

from .synthetic import make_clip, pattern


def scenes(folder: Path, lengths: list[int]) -> Clip:
    """Frames that change color from scene to scene and hold still within."""
    colors = [(200, 40, 30), (20, 30, 220), (240, 240, 60), (10, 90, 20)]
    index = 0
    for length, color in zip(lengths, colors, strict=False):
        for _ in range(length):
            write_image(folder / f"{index}.png", np.full((32, 48, 3), color, np.uint8))
            index += 1
    return open_clip(folder)


def test_cuts_are_found_at_the_frame(tmp_path: Path) -> None:
    clip = scenes(tmp_path, [20, 17, 30])
    seen: list[int] = []
    shots = detect_shots(clip, on_frame=lambda frame: seen.append(frame.index))
    assert shots == [Shot(0, 20), Shot(20, 37), Shot(37, 67)]
    assert seen == list(range(67))
    assert [len(shot) for shot in shots] == [20, 17, 30]
    assert shots[0].last == 19


def test_variable_rate_changes_nothing(tmp_path: Path) -> None:
    planes = [np.array([60, 90, 200])] * 20 + [np.array([200, 160, 90])] * 20
    steps = np.random.default_rng(0).integers(1, 300, 40)
    ticks = [int(tick) for tick in np.cumsum(steps)]
    clip = open_clip(make_clip(tmp_path / "a.mp4", ticks, Fraction(1, 1000), pictures=planes))
    assert detect_shots(clip) == [Shot(0, 20), Shot(20, 40)]


def test_short_flashes_are_merged(tmp_path: Path) -> None:
    assert len(detect_shots(scenes(tmp_path, [20, 2, 20]), shortest=15)) == 2
    assert detect_shots(scenes(tmp_path, [20, 2, 20]), shortest=1) == [
        Shot(0, 20),
        Shot(20, 22),
        Shot(22, 42),
    ]


def test_motion_alone_is_no_cut(tmp_path: Path) -> None:
    assert detect_shots(open_clip(make_clip(tmp_path / "a.mp4", range(40)))) == [Shot(0, 40)]


def test_the_threshold_decides(tmp_path: Path) -> None:
    clip = scenes(tmp_path, [20, 20])
    assert detect_shots(clip, threshold=255) == [Shot(0, 40)]


def test_one_frame_is_one_shot(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", pattern(0))
    assert detect_shots(open_clip(tmp_path / "a.png")) == [Shot(0, 1)]


def test_an_empty_clip_is_refused(tmp_path: Path) -> None:
    info = ClipInfo((16, 16), "video", None, None, None, "rgb24", 8, False, False, ColorTags(), Fraction(1, 25))
    with pytest.raises(MediaError, match="has no frames to look for cuts in"):
        detect_shots(Clip(tmp_path / "a.mp4", info, lambda longest, tally: iter(())))


def test_without_a_threshold_a_clip_is_one_shot(tmp_path: Path) -> None:
    assert detect_shots(scenes(tmp_path, [20, 17]), threshold=None) == [Shot(0, 37)]
