"""Awkward clips from the field, beside the checkout."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from photovst.media.clip import open_clip
from photovst.media.shots import detect_shots
from photovst.media.video_writer import ClipWriter

from .synthetic import packet_times

CLIPS = {
    "alpha.webm": 150,
    "broken_audio.mp4": 280,
    "cuts_animation_audio.webm": 720,
    "flower_29_97fps.mp4": 150,
    "gray_with_audio.mp4": 241,
    "lake_day_to_sunset.mp4": 300,
    "landscape_512.mp4": 100,
    "no_duration.webm": 74,
    "odd_rate_10_51fps.mp4": 25,
    "yuv444_20fps.mp4": 280,
}
WRITTEN = 12


@pytest.mark.parametrize("name", CLIPS)
def test_every_frame_is_read_at_its_time(shared: Path, name: str) -> None:
    path = shared / "data" / "clips" / name
    clip = open_clip(path)
    frames = [(frame.index, frame.time) for frame in clip.thumbnails(64)]
    assert frames == list(enumerate(packet_times(path)))
    assert len(frames) == CLIPS[name]
    assert clip.damage.count == 0
    if clip.info.frame_count is not None:
        assert abs(clip.info.frame_count - len(frames)) <= 2


def _audio(path: Path) -> list[tuple[int, Fraction]]:
    """Packets and end of each audio stream."""
    found = []
    with av.open(str(path)) as container:
        for index in range(len(container.streams.audio)):
            with av.open(str(path)) as again:
                stream: Any = again.streams.audio[index]
                packets = [p for p in again.demux(stream) if p.size]
            found.append((len(packets), max((p.pts + (p.duration or 0)) * p.time_base for p in packets)))
    return found


@pytest.mark.parametrize("name", CLIPS)
def test_a_copy_has_the_same_times_and_sound(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "data" / "clips" / name
    clip = open_clip(source)
    given = []
    with ClipWriter(tmp_path / "b.mp4", clip, clip.info.size) as writer:
        for frame in islice(clip, WRITTEN):
            writer.write(frame.image, frame.time, frame.alpha, frame.duration)
            given.append((frame.time, frame.duration))
            last = frame.image
    result = open_clip(tmp_path / "b.mp4")
    frames = list(result)
    assert [(frame.time, frame.duration) for frame in frames] == given
    assert np.abs(frames[-1].image.astype(int) - last).mean() < 3
    assert (result.info.color.matrix, result.info.color.full_range) == (
        clip.info.color.matrix,
        clip.info.color.full_range,
    )
    assert result.info.sample_aspect == clip.info.sample_aspect
    before, after = _audio(source), _audio(tmp_path / "b.mp4")
    assert [count for count, _ in before] == [count for count, _ in after]
    assert all(abs(a - b) <= Fraction(1, 1000) for (_, a), (_, b) in zip(before, after, strict=True))


def test_alpha_is_found(shared: Path) -> None:
    frame = next(iter(open_clip(shared / "data" / "clips" / "alpha.webm")))
    assert frame.alpha is not None
    assert frame.alpha.min() == 0
    assert frame.alpha.max() > 200


def test_hard_cuts_are_found(shared: Path) -> None:
    shots = detect_shots(open_clip(shared / "data" / "clips" / "cuts_animation_audio.webm"))
    assert len(shots) >= 4
    assert shots[0].first == 0
    assert shots[-1].stop == 720
    assert all(a.stop == b.first for a, b in pairwise(shots))


def test_a_steady_clip_is_one_shot(shared: Path) -> None:
    assert len(detect_shots(open_clip(shared / "data" / "clips" / "flower_29_97fps.mp4"))) == 1


def test_davis_frames_are_a_clip(shared: Path) -> None:
    folder = next(path for path in sorted((shared / "data" / "davis").glob("*/**")) if list(path.glob("*.jpg")))
    clip = open_clip(folder)
    assert clip.info.kind == "frames"
    assert clip.info.frame_count == len(list(folder.glob("*.jpg")))
    assert next(iter(clip)).image.shape == (*clip.info.size, 3)
