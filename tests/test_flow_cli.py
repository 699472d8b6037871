"""``photovst flow`` end to end, on small clips whose motion is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_runs import pictures, run, scene, write_clip, write_inputs

from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow_folder import FlowFiles
from photovst.media.clip import open_clip
from photovst.media.scenes import Look
from photovst.media.tensors import to_frame, to_picture
from photovst.ops.warp import warp

CLIPS = ["certainty.mp4", "flow.mp4", "warped.mp4"]
SIZE = (64, 96)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)


def flow(*arguments: str) -> int:
    return run("flow", *arguments, "--quiet", "device=cpu", "cache.enabled=false")


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def pan(frames: int, step: int = 3, seed: int = 0) -> list[np.ndarray]:
    """A texture that moves to the right."""
    noise = np.random.default_rng(seed).random((SIZE[0], SIZE[1] + step * frames, 3)).astype(np.float32)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    starts = [step * (frames - t) for t in range(frames)]
    return [np.ascontiguousarray(smooth[:, start : start + SIZE[1]]) for start in starts]


def test_a_pan_is_red_and_each_frame_is_predicted_from_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    frames = pan(4)
    write_clip("clip.mkv", frames)
    assert flow("clip.mkv", "-o", "out", "--full", "3") == 0
    line = capsys.readouterr().out
    assert line.startswith("out: mean motion 3.0")
    assert "3 pairs of frames in 1 shot" in line
    assert names("out") == CLIPS
    for clip in CLIPS:
        times = [frame.time for frame in open_clip(f"out/{clip}")]
        assert times == pytest.approx([frame.time for frame in open_clip("clip.mkv")], abs=0.001)
    shown = pictures("out/flow.mp4")
    middle = np.median(shown[1][16:-16, 16:-16], axis=(0, 1))
    np.testing.assert_allclose(middle, [255, 0, 0], atol=25)
    assert (shown[3] > 250).all()  # nothing follows
    warped, certainty = pictures("out/warped.mp4"), pictures("out/certainty.mp4")
    for t in range(4):
        inner = (slice(8, -8), slice(16, -8))
        assert np.abs(warped[t][inner].astype(float) - frames[t][inner]).mean() < 8  # noise loses chroma in H.264
    assert np.abs(frames[2].astype(float) - frames[1]).mean() > 20
    assert (certainty[0] > 250).all()
    assert certainty[2][16:-16, 16:-16].mean() > 240
    assert certainty[2][:, 0].mean() < 60  # what came in at the left was not there before


def test_uncertain_pixels_are_shown_as_they_fall() -> None:
    write_clip("clip.mkv", scene(Look.day, 2))
    assert flow("clip.mkv", "-o", "out", "video.quality=0") == 0
    first, second = (to_frame(picture) for picture in scene(Look.day, 2))
    pair = EstimatedMotion(Dis()).between(first, second, (0, 1))
    expected = to_picture(warp(first, pair.to_previous)).astype(float)
    assert np.abs(pictures("out/warped.mp4")[1] - expected).mean() < 4


def test_written_files_are_read_back_as_the_same_motion() -> None:
    write_inputs(4)
    assert flow("clip.mkv", "-o", "out", "--files") == 0
    pairs = [(t, t + 1) for t in (1, 2, 3)]
    stems = [f"forward_{i}_{j}.flo" for i, j in pairs] + [f"backward_{j}_{i}.flo" for i, j in pairs]
    reliable = [f"reliable_{i}_{j}.pgm" for i, j in pairs] + [f"reliable_{j}_{i}.pgm" for i, j in pairs]
    assert names("out") == sorted([*CLIPS, *stems, *reliable])
    frames = [to_frame(picture) for picture in pictures("clip.mkv")]
    read = FlowFiles(Path("out"), SIZE).between(frames[1], frames[2], (1, 2))
    estimated = EstimatedMotion(Dis()).between(frames[1], frames[2], (1, 2))
    for name in ("to_previous", "certainty_to_previous", "to_next", "certainty_to_next"):
        assert torch.equal(getattr(read, name), getattr(estimated, name))
    assert flow("clip.mkv", "-o", "again", "flow.method=files", "flow.folder=out") == 0
    for clip in CLIPS:
        assert Path("again", clip).read_bytes() == Path("out", clip).read_bytes()


def test_a_cut_starts_anew(capsys: pytest.CaptureFixture[str]) -> None:
    light = [255 - picture // 4 for picture in pan(16, step=1)]
    dark = [picture // 4 for picture in pan(16, step=1, seed=1)]
    write_clip("clip.mkv", [*dark, *light])
    assert flow("clip.mkv", "-o", "out", "--files") == 0
    assert "30 pairs of frames in 2 shots" in capsys.readouterr().out
    assert not Path("out/forward_16_17.flo").exists()
    assert Path("out/forward_17_18.flo").exists()
    assert (pictures("out/flow.mp4")[15] > 250).all()
    assert np.abs(pictures("out/warped.mp4")[16].astype(float) - light[0]).mean() < 5
    assert (pictures("out/certainty.mp4")[16] > 250).all()
    assert flow("clip.mkv", "-o", "whole", "shots.detect=false") == 0
    assert "31 pairs of frames in 1 shot" in capsys.readouterr().out


def test_what_is_there_is_kept_unless_it_may_be_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    write_inputs(3)
    assert flow("clip.mkv", "-o", "out", "--files") == 0
    before = {name: Path("out", name).read_bytes() for name in names("out")}
    assert flow("clip.mkv", "-o", "out", "flow.method=farneback") == 2
    assert "out/flow.mp4 exists; choose another name, or pass --overwrite" in capsys.readouterr().err
    assert {name: Path("out", name).read_bytes() for name in names("out")} == before
    for clip in CLIPS:
        Path("out", clip).unlink()
    assert flow("clip.mkv", "-o", "out", "--files") == 2
    assert "out/backward_2_1.flo exists; choose another folder" in capsys.readouterr().err
    # Two frames leave nothing of the three behind; what is not flow stays.
    Path("out/notes.txt").touch()
    write_clip("short.mkv", scene(Look.day, 4)[:2])
    assert flow("short.mkv", "-o", "out", "--files", "--overwrite") == 0
    kept = ["backward_2_1.flo", "forward_1_2.flo", "reliable_1_2.pgm", "reliable_2_1.pgm", "notes.txt"]
    assert names("out") == sorted([*CLIPS, *kept])


def test_a_run_that_fails_leaves_nothing_in_its_own_way(capsys: pytest.CaptureFixture[str]) -> None:
    write_inputs(4)
    assert flow("clip.mkv", "-o", "whole", "--files") == 0
    Path("whole/backward_4_3.flo").unlink()
    assert flow("clip.mkv", "-o", "out", "--files", "flow.method=files", "flow.folder=whole") == 2
    assert "backward_4_3.flo does not exist" in capsys.readouterr().err
    assert names("out") == []
    before = {path.name: path.read_bytes() for path in Path("whole").iterdir()}
    again = ("whole", "--files", "--overwrite", "flow.method=files", "flow.folder=out")
    Path("out").mkdir(exist_ok=True)
    assert flow("clip.mkv", "-o", *again) == 2
    assert {
        path.name: path.read_bytes() for path in Path("whole").iterdir()
    } == before  # nothing of a former run is lost


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.png"], "photo.png is a still, which has no motion"),
        (["one.mkv"], "one.mkv has a single frame"),
        (["absent.mkv"], "absent.mkv does not exist"),
        (["clip.mkv", "video.size=32"], "works at the clip's own size; leave video.size out"),
        (["clip.mkv", "--full", "0"], "--full takes pixels above 0, but 0 was given"),
        (["clip.mkv", "flow.method=flow"], "flow.method takes one of dis, farneback, deepflow, raft_small, raft_large"),
        (["clip.mkv", "video.codec=png"], "photovst flow writes .mp4 files, and video.codec=png does not fit them"),
        (["clip.mkv", "--files", "flow.method=files", "flow.folder=out"], "so it cannot be written there too"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_inputs(2)
    write_clip("one.mkv", scene(Look.day, 4)[:1])
    Path("out").mkdir()
    assert flow(arguments[0], "-o", "out", *arguments[1:]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert names("out") == []
