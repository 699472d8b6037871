"""``photovst export RUN``: tables and color transforms of real runs, held against the runs' own frames."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from media.synthetic import pattern
from small_runs import pictures, refused, run, stylize, write_clip

from photovst.media.cube_files import read_cube
from photovst.media.grid_files import read_grid_file
from photovst.media.images import read_image, write_image
from photovst.media.tensors import resized, to_frame, to_picture
from photovst.ops.color_lut import apply_lut
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.run_grids import PRIOR

PAGE = Path(__file__).resolve().parents[1] / "docs" / "export.md"
SHOT = 16
"""Frames: a shorter shot would be no shot of its own."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``out``, every frame of a short clip, mixed; ``film``, keyframes of a clip with a cut."""
    folder = tmp_path_factory.mktemp("runs")
    quick = ("video.codec=ffv1", "video.dither=false", "segmentation.method=none")
    with contextlib.chdir(folder):
        write_clip("clip.mkv", [pattern(t) for t in range(2)])
        write_image("photo.png", 255 - pattern(30) // 2)
        assert stylize("clip.mkv", "photo.png", "out.mkv", *quick, "strength=0.75", "video.size=80") == 0
        write_clip("film.mkv", [*map(pattern, range(SHOT)), *(255 - pattern(t) for t in range(SHOT))])
        keyframes = ("schedule.keyframes.kind=every", "schedule.keyframes.every=15")
        assert stylize("film.mkv", "photo.png", "film_out.mkv", *quick, *keyframes) == 0
    return folder


@pytest.fixture(autouse=True)
def _there(runs: Path) -> Iterator[None]:
    with contextlib.chdir(runs):
        yield


def documented() -> dict[str, object]:
    """What the code on the page defines."""
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(block, names)
    return names


def frames_of(clip: str, size: np.ndarray) -> list[np.ndarray]:
    return [resized(picture, tuple(map(int, size))) for picture in pictures(clip)]


@pytest.mark.parametrize(("clip", "result"), [("clip.mkv", "out.mkv"), ("film.mkv", "film_out.mkv")])
def test_the_documented_lines_give_the_frames_of_the_run(
    clip: str, result: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("export", result, "--grid", "-o", "again.npz", "--overwrite", "--quiet") == 0
    assert "again.npz: color transforms of" in capfd.readouterr().out
    film, page = dict(np.load("again.npz")), documented()
    made = pictures(result)
    for index, picture in enumerate(frames_of(clip, film["size"])):
        again = page["render"](picture / 255, page["grid_of"](film, index), film["strength"])
        assert np.abs(np.rint(255 * again) - made[index]).max() <= 1


def test_a_grid_file_gives_the_very_frames() -> None:
    assert run("export", "out.run", "--grid", "--quiet") == 0
    film = read_grid_file("out.grids.npz")
    assert film["grids"].shape[-2:] == (3, 4)
    np.testing.assert_array_equal(film["frames"], [0, 1])
    np.testing.assert_allclose(film["times"], np.arange(2) / 24, atol=1e-3)
    assert film["shots"].tolist() == [[0, 2]]
    assert film["size"].tolist() == list(pictures("out.mkv")[0].shape[:2])
    strength = float(film["strength"])
    for index, picture in enumerate(frames_of("clip.mkv", film["size"])):
        frame = to_frame(picture)
        result = BilateralGrid(torch.from_numpy(film["grids"][index]).flatten(-2), PRIOR).lift(frame)
        np.testing.assert_array_equal(to_picture(torch.lerp(frame, result, strength)), pictures("out.mkv")[index])
    before = Path("out.grids.npz").read_bytes()
    assert run("export", "out.run", "--grid", "--quiet", "--overwrite") == 0
    assert Path("out.grids.npz").read_bytes() == before


def test_keyframes_are_what_is_stored() -> None:
    assert run("export", "film_out.run", "--grid", "--quiet") == 0
    film = read_grid_file("film_out.grids.npz")
    assert film["shots"].tolist() == [[0, SHOT], [SHOT, 2 * SHOT]]
    assert film["frames"].tolist() == [0, SHOT - 1, SHOT, 2 * SHOT - 1]
    assert film["to_former"].shape == film["to_later"].shape == (2 * SHOT, 2, *film["grids"].shape[2:4])
    assert not film["to_former"][film["frames"]].any()
    inside = np.setdiff1d(np.arange(2 * SHOT), film["frames"])
    assert film["to_former"][inside].any(axis=(1, 2, 3)).all()


def test_a_folder_that_cannot_be_made() -> None:
    """Root may write anywhere but there."""
    if Path("/proc/self").is_dir():
        assert run("export", "film_out.run", "--cube", "-o", "/proc/tables", "--quiet") == 2


def test_a_table_a_shot(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("export", "film_out.run", "--cube", "--points", "9", "--quiet") == 0
    out = capfd.readouterr().out
    assert "16 to 31" in out
    names = ["residuals.json", "residuals.png", "shot_001_000000.cube", "shot_002_000016.cube"]
    assert sorted(path.name for path in Path("film_out.cubes").iterdir()) == names
    record = json.loads(Path("film_out.cubes/residuals.json").read_bytes())
    content, made = pictures("film.mkv"), pictures("film_out.mkv")
    for shot in record["shots"]:
        table = torch.from_numpy(read_cube(Path("film_out.cubes", shot["file"])).table)
        assert table.shape == (9, 9, 9, 3)
        there = shot["measured"]
        tabled = [255 * apply_lut(table, to_frame(content[i]))[0].permute(1, 2, 0).numpy() for i in there]
        levels = np.abs(np.array(tabled) - np.array([made[i] for i in there]))
        # The run's own frames are rounded to whole levels.
        assert abs(np.sqrt((levels**2).mean()) - shot["rmse"]) < 0.2
        assert abs(np.percentile(levels, 95) - shot["p95"]) < 1
        assert np.abs(np.array([content[i] for i in there], float) - [made[i] for i in there]).mean() > levels.mean()
    assert read_image("film_out.cubes/residuals.png").shape[1] > 4 * 320
    refused("exists; choose another folder, or pass --overwrite", capfd, "export", "film_out.run", "--cube")
    Path("film_out.cubes/shot_003_000099.cube").touch()
    assert run("export", "film_out.run", "--cube", "--points", "5", "--quiet", "--overwrite") == 0
    assert sorted(path.name for path in Path("film_out.cubes").iterdir()) == names


def test_one_file_for_one_shot(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("export", "out.mkv", "--cube", "-o", "one.cube", "--points", "5", "--quiet") == 0
    assert sorted(path.name for path in Path().glob("one.*")) == ["one.cube", "one.residuals.json", "one.residuals.png"]
    assert read_cube("one.cube").title == "out, shot 1"
    refused("one.cube exists", capfd, "export", "out.run", "--cube", "-o", "one.cube")
    refused(
        "two.cube is one table, but the clip has 2 shots",
        *(capfd, "export", "film_out.run", "--cube", "-o", "two.cube", "--quiet"),
    )


def test_places_that_cannot_be_written_to_are_refused_before_any_work(capfd: pytest.CaptureFixture[str]) -> None:
    # There is no such run: nothing of it was looked at.
    refused("the folder", capfd, "export", "none.run", "--cube", "-o", "nowhere/a.cube")
    refused("the folder", capfd, "export", "none.run", "--cube", "-o", "nowhere/a")
    refused("the folder", capfd, "export", "none.run", "--grid", "-o", "nowhere/a.npz")
    refused("is a file; give a folder", capfd, "export", "none.run", "--cube", "-o", "photo.png")
    refused("none.run does not exist", capfd, "export", "none.run", "--cube")


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("one at a time", ("--cube", "--grid")),
        ("--size 64x64 is for a trained network", ("--cube", "--size", "64x64")),
        ("--points 9 is for --cube", ("--grid", "--points", "9")),
        ("--points 9 is for --cube", ("--points", "9", "-o", "a.onnx")),
        ("--points 1 is no number of points", ("--cube", "--points", "1")),
        ("for a run say what, --cube or --grid", ("-o", "a.cube")),
    ],
)
def test_options_that_do_not_go_together(
    said: str, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    refused(said, capfd, "export", "out.run", *arguments)


def test_a_network_still_needs_a_place(capfd: pytest.CaptureFixture[str]) -> None:
    refused("a network needs -o OUT", capfd, "export", "net.safetensors")
