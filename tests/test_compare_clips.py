"""``photovst compare`` of runs and clips: what is where in the picture, and what cannot be shown together."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from small_runs import SIZE, pictures, run, scene, stylize, write_clip, write_inputs

from photovst.compare_cli import are_clips
from photovst.compare_clips import _label
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.scenes import Look

HEIGHT, WIDTH = SIZE


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three clips of four frames, red, green and blue, without loss."""
    monkeypatch.chdir(tmp_path)
    for channel, name in enumerate(("red", "green", "blue")):
        frame = np.zeros((*SIZE, 3), np.uint8)
        frame[..., channel] = 200
        write_clip(f"{name}.mkv", [frame] * 4)
    return tmp_path


def compare(*arguments: str) -> int:
    return run("compare", *arguments, "--quiet")


def test_side_by_side_has_every_pixel_of_each(place: Path) -> None:
    assert compare("red.mkv", "green.mkv", "blue.mkv", "-o", "together", "--no-labels") == 0
    shown = pictures("together")
    assert len(shown) == 4
    assert shown[0].shape == (HEIGHT, 3 * WIDTH + 2 * 4, 3)
    for channel in range(3):
        left = channel * (WIDTH + 4)
        part = shown[2][:, left : left + WIDTH]
        assert (part[..., channel] == 200).all()
        assert (part.sum(axis=2) == 200).all()
        assert (shown[2][:, left + WIDTH : left + WIDTH + 4] == 255).all()


def test_a_split_screen_has_each_in_its_strip_of_one_picture(place: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8)[None, :, None], (*SIZE, 3))
    write_clip("ramp.mkv", [ramp] * 4)
    assert compare("ramp.mkv", "red.mkv", "-o", "split", "--layout", "split", "--no-labels") == 0
    shown = pictures("split")[1]
    assert shown.shape == (*SIZE, 3)
    np.testing.assert_array_equal(shown[:, : WIDTH // 2], ramp[:, : WIDTH // 2])
    assert (shown[:, WIDTH // 2] == 255).all()
    assert (shown[:, WIDTH // 2 + 1 :] == (200, 0, 0)).all()


def test_names_stand_in_the_corners_and_fit(place: Path) -> None:
    assert compare("red.mkv", "green.mkv", "-o", "named") == 0
    first = pictures("named")[0]
    corner = first[:20, WIDTH + 4 : WIDTH + 44]
    assert (corner.max(axis=2) > 230).any()  # white letters
    assert (corner.max(axis=2) < 100).mean() > 0.3  # on a dark strip
    assert (first[40:, :WIDTH] == (200, 0, 0)).all()
    for name in ("x" * 500, 'a "b" <i>\n', "\udcff", "", "日本"):
        assert _label(name, 96, 64).shape[1] <= 96


def test_runs_are_shown_by_their_results_and_sound_and_times_are_the_first_one_s(place: Path) -> None:
    write_inputs(4)
    assert stylize("clip.mkv", "photo.png", "out.mkv", "video.codec=ffv1") == 0
    assert compare("out.run", "clip.mkv", "-o", "both.mp4") == 0
    both = open_clip("both.mp4")
    assert [frame.time for frame in both] == [frame.time for frame in open_clip("out.mkv")]
    assert both.info.size == (HEIGHT, 2 * WIDTH + 4)
    left, right = np.split(pictures("both.mp4")[3].astype(float)[30:], [WIDTH], axis=1)
    assert np.abs(left - pictures("out.mkv")[3][30:]).mean() < 8
    assert np.abs(right[:, 4:] - pictures("clip.mkv")[3][30:]).mean() < 8
    assert compare("out.run", "clip.mkv", "-o", "both.mp4") == 2
    assert compare("out.run", "clip.mkv", "-o", "both.mp4", "--overwrite") == 0


def test_sizes_are_brought_to_the_first_s(place: Path) -> None:
    large = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
    large[..., 1] = 200
    write_clip("large.mkv", [large] * 4)
    assert compare("red.mkv", "large.mkv", "-o", "both", "--no-labels") == 0
    assert (pictures("both")[0][:, WIDTH + 4 :] == (0, 200, 0)).all()


def test_configs_clips_and_settings_are_told_apart(place: Path) -> None:
    assert are_clips(["red.mkv", "out.run"])
    assert not are_clips(["a.yaml", "seed=1"])
    assert not are_clips(["seed=1"])
    assert are_clips(["red.mkv", "seed=1"])  # which is no clip that is there: said so
    shutil.copy("red.mkv", "a=b.mkv")
    assert are_clips(["a=b.mkv", "red.mkv"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["red.mkv"], "1 clips cannot be shown together; give 2 to 8"),
        (["red.mkv", "short.mkv"], "short.mkv ends after 3 frames, but red.mkv goes on; give clips of one length"),
        (["red.mkv", "tall.mkv"], "tall.mkv is 64x96 but red.mkv 96x64; give clips of one shape"),
        (["red.mkv", "nowhere.mkv"], "nowhere.mkv does not exist; check the path"),
        (["red.mkv", "seed=1"], "seed=1 does not exist; check the path"),
        (["red.mkv", "red.mkv", "--flow", "x"], "--flow is for configs, but clips are shown together here; leave it"),
        (["red.mkv", "short.run"], "short.run is unfinished; go on with: "),
    ],
)
def test_what_cannot_be_shown_together_is_one_line_and_leaves_nothing(
    arguments: list[str], line: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip("short.mkv", scene(Look.day, 3))
    write_clip("tall.mkv", [np.zeros((96, 64, 3), np.uint8)] * 4)
    Path("short.run").mkdir()
    Path("short.run/provenance.json").write_text("{}")
    assert compare(*arguments, "-o", "out.mp4") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"photovst: error: {line}")
    assert err.count("\n") == 1
    assert not list(place.glob("*out*"))


def test_no_clip_that_is_shown_is_written_over(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("green.mkv").read_bytes()
    assert compare("red.mkv", "green.mkv", "-o", "green.mkv", "--overwrite") == 2
    assert "green.mkv is one of the clips to show; choose another name" in capsys.readouterr().err
    assert Path("green.mkv").read_bytes() == before
    write_image("one.png", np.zeros((*SIZE, 3), np.uint8))
    assert compare("one.png", "one.png", "-o", "pair.png") == 0
    assert pictures("pair.png")[0].shape == (HEIGHT, 2 * WIDTH + 4, 3)
