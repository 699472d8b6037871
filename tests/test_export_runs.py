"""``photovst export RUN``: tables and color transforms of real runs, held against the runs' own frames."""

import contextlib
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from media.synthetic import pattern
from small_runs import pictures, refused, run, stylize, write_clip

from photovst import run_grids
from photovst.guidance import survey
from photovst.media.cube_files import read_cube
from photovst.media.grid_files import read_grid_file
from photovst.media.images import read_image, write_image
from photovst.media.shots import detect_shots
from photovst.media.tensors import resized, to_frame
from photovst.ops.color_lut import apply_lut
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.neighbors import Stylized
from photovst.rendering import Renderer
from photovst.run_grids import PRIOR
from photovst.storage import read_npz, write_npz

PAGE = Path(__file__).resolve().parents[1] / "docs" / "export.md"
SHOT = 5
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``out``, every frame of a short clip, mixed; ``film``, keyframes of a clip with a cut."""
    folder = tmp_path_factory.mktemp("runs")
    coarse = ("schedule.scales=[32]", "schedule.iterations=[2]", "schedule.next_iterations=[1]")
    quick = ("video.codec=ffv1", "segmentation.method=none", *coarse)
    with _short_shots(), contextlib.chdir(folder):
        write_clip("clip.mkv", [pattern(t) for t in range(2)])
        write_image("photo.png", 255 - pattern(30) // 2)
        assert stylize("clip.mkv", "photo.png", "out.mkv", *quick, "strength=0.75", "video.size=80") == 0
        # Far apart in time, so that their grids move by cells.
        write_clip("film.mkv", [*(pattern(3 * t) for t in range(SHOT)), *(255 - pattern(3 * t) for t in range(SHOT))])
        keyframes = ("schedule.keyframes.kind=every", "schedule.keyframes.every=9")
        assert stylize("film.mkv", "photo.png", "film_out.mkv", *quick, *keyframes) == 0
    return folder


@contextlib.contextmanager
def _short_shots() -> Iterator[None]:
    """A shot may be as short as a test's."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (survey, run_grids):
            patch.setattr(module, "detect_shots", functools.partial(detect_shots, shortest=SHOT))
        yield


@pytest.fixture(autouse=True)
def _there(runs: Path) -> Iterator[None]:
    with _short_shots(), contextlib.chdir(runs):
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


def test_frames_between_keyframes_need_their_motion() -> None:
    assert run("export", "film_out.mkv", "--grid", "-o", "again.npz", "--overwrite", "--quiet") == 0
    film, page = dict(np.load("again.npz")), documented()
    carried = page["grid_of"](film, 2)
    assert np.abs(film["to_former"]).max() > 1
    del film["to_former"], film["to_later"]
    in_place, picture = page["grid_of"](film, 2), frames_of("film.mkv", film["size"])[2] / 255
    assert np.abs(page["render"](picture, carried) - page["render"](picture, in_place)).max() > 2 / 255


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
        grid = BilateralGrid(torch.from_numpy(film["grids"][index]).flatten(-2), PRIOR)
        again = Renderer(CPU, strength).picture(picture, Stylized(grid, to_frame(picture), {}, 0, 0))
        np.testing.assert_array_equal(again, pictures("out.mkv")[index])
    assert not film["between"].size
    assert not {"to_former", "to_later"} & set(film)
    before = Path("out.grids.npz").read_bytes()
    assert run("export", "out.run", "--grid", "--quiet", "--overwrite") == 0
    assert Path("out.grids.npz").read_bytes() == before


def test_keyframes_are_what_is_stored() -> None:
    assert run("export", "film_out.run", "--grid", "--quiet") == 0
    film = read_grid_file("film_out.grids.npz")
    assert film["shots"].tolist() == [[0, SHOT], [SHOT, 2 * SHOT]]
    assert film["frames"].tolist() == [0, SHOT - 1, SHOT, 2 * SHOT - 1]
    assert film["between"].tolist() == [index for index in range(2 * SHOT) if index not in film["frames"]]
    for name in ("to_former", "to_later"):
        stored = [read_npz(Path(f"film_out.run/state/{index:06d}.npz"))[name] for index in (SHOT - 1, 2 * SHOT - 1)]
        np.testing.assert_array_equal(film[name], np.concatenate(stored), strict=True)
        assert film[name].shape == (len(film["between"]), 2, *film["grids"].shape[2:4])


def test_motion_as_another_version_stored_it_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    state = Path("film_out.run", "state", f"{SHOT - 1:06d}.npz")
    kept = state.read_bytes()
    arrays = read_npz(state)
    write_npz(state, {"grid": arrays["grid"], "to_former": arrays["to_former"][0], "to_here": arrays["to_later"][0]})
    said = f"lacks the motion of {SHOT - 2} frames before keyframe {SHOT - 1}"
    refused(said, capfd, "export", "film_out.run", "--grid", "-o", "other.npz", "--quiet")
    assert not Path("other.npz").exists()
    state.write_bytes(kept)


def test_a_folder_that_cannot_be_made() -> None:
    """Root may write anywhere but there."""
    if Path("/proc/self").is_dir():
        assert run("export", "film_out.run", "--cube", "-o", "/proc/tables", "--quiet") == 2


def test_a_table_a_shot(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("export", "film_out.run", "--cube", "--points", "9", "--quiet") == 0
    out = capfd.readouterr().out
    assert f"{SHOT} to {2 * SHOT - 1}" in out
    names = ["residuals.json", "residuals.png", "shot_001_000000.cube", f"shot_002_{SHOT:06d}.cube"]
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
