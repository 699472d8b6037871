"""Whole runs of the video methods: starts, long term, coherence, flow from files, and clips that are awkward."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from media.synthetic import pattern
from small_runs import pictures, stylize, write_clip

from photovst.guidance import survey
from photovst.media.flow_files import write_flow
from photovst.media.images import write_image
from photovst.media.shots import detect_shots
from photovst.run import read_records

QUICK = ("schedule.scales=[32]", "schedule.iterations=[6]", "schedule.next_iterations=[3]")
PIXELS = ("parametrization.kind=pixels", "objective.temporal.target=output")
LONG = ("objective.temporal.neighbors=[1,2,1000]",)
SIZE = pattern(0).shape[:2]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_image("photo.png", pattern(30)[:, ::-1])


def terms(name: str = "out.run") -> list[set[str]]:
    """The terms of each frame."""
    return [set(record["terms"]) for record in read_records(Path(name))]


@pytest.mark.parametrize(
    "settings",
    [
        ("schedule.next_start=previous",),
        ("schedule.next_start=first",),
        ("schedule.next_start=content", *PIXELS),
        ("schedule.start=noise", "schedule.next_start=noise", *PIXELS),
        ("schedule.fill=mean", *PIXELS),
        ("schedule.fill=content", "objective.temporal.loss=smooth_l1"),
        ("schedule.fill=content", *LONG),
        LONG,
    ],
    ids=lambda settings: " ".join(settings),
)
def test_starts_and_neighbors(settings: tuple[str, ...]) -> None:
    write_clip("clip.mkv", [pattern(t) for t in range(4)])
    assert stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *settings) == 0
    assert ["temporal" in names for names in terms()] == [False, True, True, True]
    assert [record["iterations"] <= 3 for record in read_records(Path("out.run"))] == [False, True, True, True]


@pytest.mark.parametrize("kind", ["mse", "enhanced", "flow", "difference"])
def test_coherence(kind: str) -> None:
    write_clip("clip.mkv", [pattern(t) for t in range(3)])
    more = (
        f"objective.coherence.kind={kind}",
        "objective.coherence.weight=5",
        "objective.coherence.feature_weight=0.1",
        "objective.temporal.weight=0",
    )
    assert stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *PIXELS, *more) == 0
    both = {"coherence", "feature_coherence"}
    assert [both & names for names in terms()] == [set(), both, both]


def test_noise_differs_from_frame_to_frame() -> None:
    """As the released programs draw it; a clip that stands still then flickers, where nothing holds it."""
    write_clip("clip.mkv", [pattern(0)] * 2)
    free = ("objective.temporal.weight=0", "schedule.start=noise", "schedule.next_start=noise")
    few = ("schedule.iterations=[1]", "schedule.next_iterations=[1]", "video.codec=ffv1")
    assert stylize("clip.mkv", "photo.png", "out.mkv", *QUICK, *PIXELS, *free, *few) == 0
    first, second = (np.load(f"out.run/state/{index:06d}.npz")["image"] for index in range(2))
    assert (first != second).any()


def test_a_clip_of_one_frame() -> None:
    write_clip("clip.mkv", [pattern(0)])
    assert stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *LONG, "schedule.passes.count=2") == 0
    assert [record["pass"] for record in read_records(Path("out.run"))] == [1, 2]


@pytest.mark.parametrize("settings", [LONG, (*PIXELS, *LONG), (*PIXELS, "schedule.passes.count=2")], ids=str)
@pytest.mark.parametrize("what", ["identical", "black"])
def test_frames_without_motion(what: str, settings: tuple[str, ...]) -> None:
    write_clip("clip.mkv", [pattern(0) if what == "identical" else np.zeros((*SIZE, 3), np.uint8)] * 4)
    assert stylize("clip.mkv", "photo.png", "out.mkv", *QUICK, *settings, "video.codec=ffv1") == 0
    made = [picture.astype(int) for picture in pictures("out.mkv")]
    assert len(made) == 4
    assert max(abs(after - before).max() for before, after in itertools.pairwise(made)) <= 30


def test_a_cut_on_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "detect_shots", functools.partial(detect_shots, shortest=1))
    write_clip("clip.mkv", [np.full((*SIZE, 3), 255 * (t % 2), np.uint8) for t in range(5)])
    assert stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *LONG, "schedule.passes.count=2") == 0
    assert len(terms()) == 10
    assert not any("temporal" in names for names in terms())


def test_flow_from_files_is_looked_for_before_any_work(capfd: pytest.CaptureFixture[str]) -> None:
    write_clip("clip.mkv", [pattern(t) for t in range(4)])
    Path("flow").mkdir()
    zero = np.zeros((*SIZE, 2), np.float32)
    for i in range(1, 4):
        write_flow(f"flow/forward_{i}_{i + 1}.flo", zero)
        write_flow(f"flow/backward_{i + 1}_{i}.flo", zero)
    given = ("flow.method=files", "flow.folder=flow", "shots.detect=false")
    long = ("objective.temporal.neighbors=[1,2]",)
    assert stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *given, *long) == 2
    error = capfd.readouterr().err
    assert "flow/forward_1_3.flo does not exist, nor forward_1_3.png: the flow from frame 1 to 3" in error
    assert not list(Path("out.run/state").iterdir())
    assert stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *given) == 0
    for i, j in ((1, 3), (2, 4)):
        write_flow(f"flow/forward_{i}_{j}.flo", zero)
        write_flow(f"flow/backward_{j}_{i}.flo", zero)
    # A run that ended before its first frame left nothing that stands in the way.
    assert stylize("clip.mkv", "photo.png", "long.mp4", *QUICK, *given, *long) == 0
    write_flow("flow/forward_2_3.flo", np.zeros((5, 6, 2), np.float32))
    assert stylize("clip.mkv", "photo.png", "bad.mp4", *QUICK, *given) == 2
    assert "forward_2_3.flo is 6x5 pixels, but the clip" in capfd.readouterr().err
    assert not Path("bad.mp4").exists()
