"""``photovst segment`` end to end, and the way back: what it writes is read as masks."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import run, scene, write_clip, write_inputs

from photovst.build_regions import build_regions
from photovst.guidance.label_masks import LabelMasks
from photovst.media.clip import open_clip
from photovst.media.images import read_image, write_image
from photovst.media.scenes import Look
from photovst.settings_io import load_settings

SIZE = (64, 96)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder with a clip and a photograph."""
    monkeypatch.chdir(tmp_path)
    write_inputs(3)


def segment(*arguments: str) -> int:
    return run("segment", *arguments, "--quiet", "device=cpu", "cache.enabled=false", "schedule.scales=[32,64,96]")


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_overlay_table_and_labels_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert segment("clip.mkv", "photo.png", "-o", "out") == 0
    out = capsys.readouterr().out
    assert out.startswith("in the picture")
    assert "region 1" in out
    assert "3 frames" in out
    assert names("out") == ["clip", "coverage.csv", "overlay.mp4", "photo"]
    assert names("out/clip") == ["000000.png", "000001.png", "000002.png", "labels.csv"]
    assert names("out/photo") == ["labels.csv", "overlay.png", "photo.png"]
    assert [frame.image.shape for frame in open_clip("out/overlay.mp4")] == [(*SIZE, 3)] * 3
    rows = list(csv.DictReader(Path("out/coverage.csv").read_text().splitlines()))
    assert sum(float(row["area_in_clip"]) for row in rows) == pytest.approx(1, abs=1e-4)


def test_what_is_written_is_read_back_as_masks() -> None:
    assert segment("clip.mkv", "photo.png", "-o", "out") == 0
    masks = LabelMasks.open("out/clip", "out/photo/photo.png")
    assert set(masks.classes) <= {"nothing", "region 1", "region 2", "region 3", "region 4", "region 5", "region 6"}
    settings = load_settings(
        [],
        ["segmentation.method=files", "segmentation.content=out/clip", "segmentation.style=out/photo/photo.png"],
        {"content": "clip.mkv", "style": "photo.png", "output": "x.mp4"},
    )
    photo = torch.from_numpy(read_image("photo.png")).permute(2, 0, 1)[None].float() / 255
    regions = build_regions(settings, [photo], photo, 3, SIZE)
    assert all(row.why == "in both" for row in regions.coverage)
    torch.testing.assert_close(regions.of(1, photo).sum(dim=1), torch.ones(1, *photo.shape[-2:]))


def test_an_edited_label_is_taken(tmp_path: Path) -> None:
    assert segment("clip.mkv", "photo.png", "-o", "out") == 0
    before = LabelMasks.open("out/clip", None).frame(0, SIZE)
    picture = read_image("out/clip/000000.png")  # as an editor shows it: colors
    picture[:8, :8] = picture[-1, -1]
    write_image(Path("out/clip/000000.png"), picture)
    after = LabelMasks.open("out/clip", None).frame(0, SIZE)
    assert (before != after).any(dim=1)[0, 8:].sum() == 0
    assert torch.equal(after[0, :, :8, :8], after[0, :, -1:, -1:].expand(-1, 8, 8))


def test_without_a_photograph_the_clip_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert segment("clip.mkv", "-o", "out", "segmentation.regions=3") == 0
    assert names("out") == ["clip", "coverage.csv", "overlay.mp4"]
    assert "not in the photograph" not in capsys.readouterr().out


def test_a_still_has_an_overlay_that_is_a_picture() -> None:
    assert segment("photo.png", "photo.png", "-o", "out") == 0
    assert names("out") == ["clip", "coverage.csv", "overlay.png", "photo"]
    assert names("out/clip") == ["000000.png", "labels.csv"]


def test_results_in_the_way_are_kept_unless_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert segment("clip.mkv", "photo.png", "-o", "out") == 0
    assert segment("clip.mkv", "photo.png", "-o", "out") == 2
    assert capsys.readouterr().err.endswith("exists; choose another folder, or pass --overwrite\n")
    Path("out/clip/000099.png").write_bytes(b"of a longer clip")
    Path("out/notes.txt").write_text("mine")
    assert segment("clip.mkv", "-o", "out", "--overwrite") == 0
    assert names("out") == ["clip", "coverage.csv", "notes.txt", "overlay.mp4"]  # no photograph this time
    assert "000099.png" not in names("out/clip")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clip.mkv", "photo.png", "video.size=64"], "works at the clip's own size; leave video.size out"),
        (["clip.mkv", "none.png"], "none.png"),
        (["none.mkv", "photo.png"], "none.mkv"),
        (["clip.mkv", "photo.png", "segmentation.regions=0"], "segmentation.regions takes a number from 1 to 9"),
        (["clip.mkv", "photo.png", "segmentation.map.sky=water"], "there is no region 'sky'"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert segment(*arguments, "-o", "out") == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not Path("out").exists() or names("out") == []


def test_shots_are_matched_anew(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (scene(look, 16, seed) for look, seed in ((Look.day, 3), (Look.night, 5)))
    write_clip("cut.mkv", [*first, *second])
    assert segment("cut.mkv", "photo.png", "-o", "out") == 0
    said = capsys.readouterr()
    assert "shot from frame 16" in said.out
    assert "photo/photo.png holds the regions of the first shot" in said.err
    firsts = {row["first_frame"] for row in csv.DictReader(Path("out/coverage.csv").read_text().splitlines())}
    assert firsts == {"0", "16"}
    for t in range(32):
        assert np.asarray(read_image(f"out/clip/{t:06d}.png")).shape == (*SIZE, 3)


def test_what_a_killed_run_left_is_removed_and_a_failed_one_leaves_nothing() -> None:
    left = Path("out/.regions.999999999.partial")
    left.mkdir(parents=True)
    assert segment("clip.mkv", "-o", "out") == 0
    assert not left.exists()
    assert segment("clip.mkv", "photo.png", "-o", "new/deep", "segmentation.map.sky=water") == 2
    assert not Path("new/deep").exists()
