"""Awkward clips from the field through the whole program; each goes through, at its own times, with its sound."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from media.synthetic import packet_times
from small_runs import stylize

from photovst.media.clip import open_clip
from photovst.media.records import Clip, as_depth
from photovst.media.tensors import resized

FRAMES = 4
PHOTO = "photos_bsds500/train_55067.jpg"
"""Hills in a yellow haze."""

CLIPS = {
    "alpha.webm": "out.mov: alpha is dropped; codecs prores, ffv1, png keep it",
    "broken_audio.mp4": "",
    "cuts_animation_audio.webm": "",
    "flower_29_97fps.mp4": "",
    "gray_with_audio.mp4": "",
    "lake_day_to_sunset.mp4": "",
    "landscape_512.mp4": "",
    "no_duration.webm": "",
    "odd_rate_10_51fps.mp4": "",
    "yuv444_20fps.mp4": "",
}
"""Each with the warning it deserves."""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder, and of each clip no more than its first frames, with all of its sound."""
    monkeypatch.chdir(tmp_path)

    def beginning(path: str) -> Clip:
        clip = open_clip(path)
        return replace(clip, decode=lambda longest, tally: islice(clip.decode(longest, tally), FRAMES))

    monkeypatch.setattr("photovst.stylize.open_clip", beginning)


def sound(path: Path) -> list[float]:
    """Seconds of sound in each audio stream."""
    with av.open(str(path), metadata_errors="replace") as container:
        packets = (
            [p for p in container.demux(container.streams.audio) if p.pts is not None]
            if container.streams.audio
            else []
        )
        return [
            float(max((p.pts + (p.duration or 0)) * p.time_base for p in packets if p.stream.index == stream.index))
            for stream in container.streams.audio
        ]


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_goes_through(shared: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    clip, photo = shared / "data" / "clips" / name, shared / "data" / PHOTO
    assert stylize(str(clip), str(photo), "out.mov", "video.size=160") == 0
    err = capfd.readouterr().err
    assert err == (f"photovst: warning: {CLIPS[name]}\n" if CLIPS[name] else "")
    made = open_clip("out.mov")
    frames = list(made)
    assert [frame.time for frame in frames] == packet_times(clip)[:FRAMES]
    assert (max(made.info.size), made.damage.count) == (160, 0)
    assert sound(Path("out.mov")) == pytest.approx(sound(clip), abs=0.1)
    size = made.info.size
    before, after = (
        np.stack([resized(as_depth(f.image, np.uint8), size) for f in c]).astype(int)
        for c in (islice(open_clip(clip), FRAMES), frames)
    )
    assert np.abs(after - before).mean() > 1  # it is restyled,
    steps = [np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3)) for pictures in (before, after)]
    assert (steps[1] < steps[0] + 4).all()  # and does not flicker
