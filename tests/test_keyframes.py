"""Runs with keyframes, end to end."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media.synthetic import pattern
from small_runs import pictures, refused, states, stylize, write_clip

from photovst.guidance import survey
from photovst.keyframes import ShotKeyframes
from photovst.media.images import write_image
from photovst.media.shots import detect_shots
from photovst.media.video_writer import ClipWriter
from photovst.run import RunFolder

FRAMES, CUT = 12, 8
QUICK = ("schedule.scales=[32]", "schedule.iterations=[6]", "schedule.next_iterations=[3]")
EVERY = ("schedule.keyframes.kind=every", "schedule.keyframes.every=3")
ADAPTIVE = (
    *("schedule.keyframes.kind=adaptive", "schedule.keyframes.longest=4"),
    *("schedule.keyframes.change=1", "schedule.keyframes.bound=0.004"),
)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)


def prepare(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A current folder with a clip of two short shots, the second one inverted, and a photograph."""
    patch.chdir(folder)
    patch.setattr(survey, "detect_shots", functools.partial(detect_shots, shortest=3))
    write_clip("clip.mkv", [pattern(t) if t < CUT else 255 - pattern(2 * t) for t in range(FRAMES)])
    write_image("photo.png", pattern(30)[:, ::-1])


def go(*more: str, output: str = "out.mp4", clip: str = "clip.mkv") -> int:
    return stylize(clip, "photo.png", output, *QUICK, *more)


def keyframes(run: str = "out.run") -> list[int]:
    return [int(name[:6]) for name in states(run) if name[0].isdigit()]


class Killed(BaseException):
    """Ends a run in this process, as nothing in it expects."""


def stop_at(owner: type, method: str, count: int, patch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = getattr(owner, method)
    calls = 0

    def stopping(self: object, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            raise Killed
        return original(self, *arguments, **named)

    patch.setattr(owner, method, stopping)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, bytes], Path]:
    """The result, states and folder of an adaptive run that nobody stopped."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("unbroken")
        prepare(patch, folder)
        assert go(*ADAPTIVE) == 0
        return Path("out.mp4").read_bytes(), states("out.run"), folder / "out.run"


def test_every_third_frame_and_the_ends_of_shots() -> None:
    assert go(*EVERY) == 0
    assert keyframes() == [0, 3, 6, 7, 8, 11]
    records = [json.loads(line) for line in Path("out.run/frames.jsonl").read_text().splitlines()]
    assert [record["frame"] for record in records] == [0, 3, 6, 7, 8, 11]
    assert all(record["iterations"] for record in records)
    made = pictures("out.mp4")
    assert len(made) == FRAMES
    assert np.load("out.run/state/000003.npz")["to_former"].shape == (2, 2, 16, 24)
    assert "to_former" not in np.load("out.run/state/000008.npz").files  # the first of its shot


def test_every_frame_a_keyframe_is_the_same_as_none() -> None:
    """Up to the working size's own way of decoding: a lossless clip of that size has none."""
    same = ("schedule.keyframes.effort=1", "segmentation.every=1")
    assert (
        go("schedule.keyframes.kind=every", "schedule.keyframes.every=1", *same, "video.codec=png", output="one") == 0
    )
    assert go(*same, "video.codec=png", output="all") == 0
    for one, other in zip(pictures("one"), pictures("all"), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 1


def test_adaptive_keyframes_are_checked_in_between(unbroken: tuple[bytes, dict[str, bytes], Path]) -> None:
    records = [json.loads(line) for line in (unbroken[2] / "frames.jsonl").read_text().splitlines()]
    added = [record for record in records if "drift" in record]
    assert added
    assert all(record["drift"] > 0.004 for record in added)


@pytest.mark.parametrize(
    ("owner", "method", "count"),
    [
        (RunFolder, "save_state", 1),
        (RunFolder, "save_state", 4),
        (RunFolder, "add_record", 5),
        (ClipWriter, "write", 7),
    ],
)
def test_stopped_anywhere_it_ends_with_the_same_bytes(
    owner: type,
    method: str,
    count: int,
    unbroken: tuple[bytes, dict[str, bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        stop_at(owner, method, count, patch)
        with pytest.raises(Killed):
            go(*ADAPTIVE)
    assert not Path("out.mp4").exists()
    assert go(*ADAPTIVE) == 0
    assert (Path("out.mp4").read_bytes(), states("out.run")) == unbroken[:2]


def test_a_keyframe_that_is_lost_is_done_again(
    unbroken: tuple[bytes, dict[str, bytes], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(unbroken[2], "out.run")
    Path("out.run/state/000004.npz").unlink()
    damaged = Path("out.run/state/000000.npz")
    damaged.write_bytes(damaged.read_bytes()[:-50])
    assert go(*ADAPTIVE) == 0
    assert "000000.npz is damaged" in capfd.readouterr().err
    assert (Path("out.mp4").read_bytes(), states("out.run")) == unbroken[:2]


def test_a_lost_keyframe_that_is_stopped_again_is_not_left_without_its_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored as soon as it is there, and again with the motion of its gap."""
    assert go(*EVERY) == 0
    whole = Path("out.mp4").read_bytes(), states("out.run")
    for gone in ("out.mp4", "out.run/finished.json", "out.run/state/000003.npz"):
        Path(gone).unlink()
    with monkeypatch.context() as patch:
        stop_at(ShotKeyframes, "_keep", 2, patch)
        with pytest.raises(Killed):
            go(*EVERY)
    assert Path("out.run/state/000003.npz").is_file()
    assert go(*EVERY) == 0
    assert (Path("out.mp4").read_bytes(), states("out.run")) == whole


@pytest.mark.parametrize("count", [1, 2, 3])
def test_spacing_longer_than_the_shot(count: int) -> None:
    write_clip("short.mkv", [pattern(t) for t in range(count)])
    assert go("schedule.keyframes.kind=every", "schedule.keyframes.every=100", clip="short.mkv") == 0
    assert keyframes() == ([0] if count == 1 else [0, count - 1])
    assert len(pictures("out.mp4")) == count


def test_a_frozen_clip_needs_its_ends_only_and_stays_frozen() -> None:
    write_clip("frozen.mkv", [pattern(0)] * 9)
    assert go("schedule.keyframes.kind=adaptive", "video.codec=png", clip="frozen.mkv", output="out") == 0
    assert keyframes() == [0, 8]
    made = pictures("out")
    assert max(int(np.abs(one.astype(int) - other).max()) for one, other in pairwise(made)) <= 2


def test_a_flash_keeps_its_light_to_itself() -> None:
    calm = [pattern(0)] * 10
    flash = [*calm[:5], np.full_like(calm[0], 250), *calm[6:]]
    write_clip("flash.mkv", flash)
    assert go("schedule.keyframes.kind=adaptive", "shots.detect=false", clip="flash.mkv") == 0
    assert {4, 5, 6} <= set(keyframes())


def test_regions_of_keyframes_stand_in_the_report() -> None:
    assert go(*EVERY) == 0
    shown = sorted(int(path.stem) for path in Path("out.run/state/shown").iterdir())
    assert shown[0] == 0
    assert shown[-1] == FRAMES - 1
    assert set(shown) <= set(keyframes())
    assert "keyframes" in Path("out.run/report.html").read_text()


def test_predicted_grids_are_blended_too() -> None:
    assert go(*EVERY, "styler=predicted") == 0
    assert keyframes() == [0, 3, 6, 7, 8, 11]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("parametrization.kind=pixels",), "needs parametrization.kind=bilateral_grid"),
        (("schedule.passes.count=2",), "goes over each shot once; set schedule.passes.count=1, not 2"),
        (("local_affine.enabled=true",), "needs local_affine.enabled=false"),
        (("flow.method=files", "flow.folder=flows"), "asks for the motion of any two frames"),
    ],
)
def test_what_does_not_go_together(settings: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    refused(
        said, capfd, "stylize", "clip.mkv", "photo.png", "-o", "out.mp4", "schedule.keyframes.kind=adaptive", *settings
    )
    assert not Path("out.run").exists()
