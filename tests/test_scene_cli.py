"""``photovst scene``: defaults, what is recorded, and bad requests in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import pictures, run

from photovst.cli import main
from photovst.media.images import read_image
from photovst.media.painting import Palette, painting
from photovst.media.scenes import Look, Scene, photograph

SMALL = ("--size", "60x40", "--frames", "3", "--quiet")


def test_a_scene_is_made_from_what_its_record_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "scene"
    assert run("scene", "-o", str(place), *SMALL, "--look", "fog", "--seed", "5", "--neighbors", "1,2") == 0
    assert capsys.readouterr().out == f"{place}\n"
    record = json.loads((place / "scene.json").read_text())
    assert len(record.pop("photovst")["sha256"]) == 64
    default = Scene(5, Look.fog, (40, 60), 3)
    assert record == {
        "look": "fog",
        "seed": 5,
        "size": {"height": 40, "width": 60},
        "frames": 3,
        "frame_rate": "24",
        "camera_speed": default.camera_speed,  # the command line's defaults are the scene's own
        "cloud_speed": default.cloud_speed,
        "object_speed": default.object_speed,
        "with_objects": True,
        "with_water": True,
        "photo": {"look": "sunset", "seed": 11},
        "neighbors": [1, 2],
    }
    frames = pictures(place / "frames")
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[2], default.frame(2))
    np.testing.assert_array_equal(read_image(place / "photo.png"), photograph(Look.sunset, 11, (40, 60)))
    assert len(list((place / "flow").iterdir())) == 4 * 3
    assert run("scene", "-o", str(place), *SMALL) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert run("scene", "-o", str(place), *SMALL, "--overwrite") == 0


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("--look", "fogg", "--look fogg is no look; did you mean 'fog'?"),
        ("--photo-look", "x", "--photo-look x is no look; choose one of: autumn, day, fog, night, sunset, winter"),
        ("--size", "270", "--size 270 is no size; give width x height, such as 480x270"),
        ("--size", "10x10", "a scene's size is (height, width) of at least 32 pixels each, got (10, 10)"),
        ("--frames", "0", "a scene needs at least 1 frame, got 0"),
        ("--neighbors", "1,0", "--neighbors 1,0 are no distances; give whole numbers from 1 with commas, such as 1,10"),
    ],
)
def test_bad_requests_are_one_line(
    option: str, value: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scene", "-o", str(tmp_path / "scene"), option, value]) == 2
    assert capsys.readouterr().err == f"photovst: error: {line}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_painting_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "painting.png"
    call = ("painting", "-o", str(place), "--size", "48x40", "--palette", "garden", "--seed", "2")
    assert run(*call) == 0
    np.testing.assert_array_equal(read_image(place), painting(2, (40, 48), Palette.garden))
    assert run(*call) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert run(*call, "--overwrite") == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("-o", "p.gif"), "p.gif names no picture; end it in .png or .jpg"),
        (("-o", "p.png", "--palette", "nite"), "--palette nite is none; did you mean 'night'?"),
        (("-o", "p.png", "--size", "9x9"), "at least 32 pixels each"),
    ],
)
def test_a_painting_that_cannot_be(
    arguments: tuple[str, ...],
    line: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("painting", *arguments) == 2
    assert line in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
