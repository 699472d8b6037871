"""Whole runs of the program that take about a second, for the end-to-end tests."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from photovst.cli import main
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.scenes import Look, Scene
from photovst.media.video_writer import ClipWriter

FAST = (
    *("schedule.scales=[32,64]", "schedule.iterations=[4,2]", "schedule.next_iterations=[2,1]"),
    # To look for fewer regions is most of what such a run would take.
    *("segmentation.regions=2", "device=cpu", "cache.folder=cache"),
)
SIZE = (64, 96)
RATE = Fraction(24)


def run(*arguments: str) -> int:
    """The command line in this process: its exit code; a bug comes out as its exception."""
    hook, handlers = sys.excepthook, {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        return main(arguments)
    finally:
        sys.excepthook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)


def stylize(clip: str, photo: str, output: str, *more: str) -> int:
    """A small ``photovst stylize``, quiet, with its cache in the current folder."""
    return run("stylize", clip, photo, "-o", output, "--quiet", *FAST, *more)


@functools.cache
def scene(look: Look, frames: int, seed: int = 3) -> tuple[np.ndarray, ...]:
    """The frames of a procedural clip."""
    made = Scene(seed, look, SIZE, frames, RATE)
    return tuple(made.frame(t) for t in range(frames))


def write_clip(
    path: str | Path,
    pictures: Sequence[np.ndarray],
    codec: str = "ffv1",
    alphas: Sequence[np.ndarray] | None = None,
) -> Path:
    """Pictures as a clip at ``RATE``; without loss, unless a codec says otherwise."""
    deep = pictures[0].dtype == np.uint16
    info = ClipInfo(
        size=pictures[0].shape[:2],
        kind="video",
        frame_rate=RATE,
        frame_count=len(pictures),
        duration=len(pictures) / RATE,
        pixel_format="yuv420p10le" if deep else "yuv420p",
        bit_depth=10 if deep else 8,
        has_alpha=alphas is not None,
        has_audio=False,
        color=ColorTags(),
        time_base=1 / RATE,
    )
    with ClipWriter(path, info, info.size, codec, 14) as writer:
        for index, picture in enumerate(pictures):
            alpha = None if alphas is None else alphas[index]
            writer.write(picture, index / RATE, alpha, 1 / RATE)
    return Path(path)


def write_inputs(frames: int = 4) -> None:
    """``clip.mkv``, a day, and ``photo.png``, a sunset, in the current folder."""
    write_clip("clip.mkv", scene(Look.day, frames))
    write_image("photo.png", scene(Look.sunset, 1, seed=11)[0])


def pictures(path: str | Path) -> list[np.ndarray]:
    """The frames of a result of any kind."""
    return [frame.image for frame in open_clip(path)]


def states(run_folder: str | Path) -> dict[str, bytes]:
    """The stored states of a run, by name."""
    return {path.name: path.read_bytes() for path in sorted(Path(run_folder, "state").glob("*.npz"))}


def distance_in_color(one: np.ndarray, other: np.ndarray) -> float:
    """Between mean and deviation of each channel, in levels of 8 bits."""
    a, b = (p.reshape(-1, 3).astype(float) for p in (one, other))
    return float(np.abs(a.mean(0) - b.mean(0)).sum() + np.abs(a.std(0) - b.std(0)).sum())


def refused(said: str, capfd: pytest.CaptureFixture[str], *arguments: str) -> None:
    """One line that ends the command, and no result."""
    capfd.readouterr()
    assert run(*arguments) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1
