"""Previews from the command line to the sheet, and the long run that goes on from what they computed."""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from media.synthetic import pattern
from random_networks import write_any_style, write_network
from small_runs import FAST, refused, run, states, stylize, write_clip

from photovst.contact_sheet import HIGHEST, LABELS, MARGIN, WIDEST, Row, cell_size, contact_sheet
from photovst.guidance import survey
from photovst.media.clip import open_clip
from photovst.media.images import read_image, write_image
from photovst.media.records import picked
from photovst.media.shots import Shot, detect_shots
from photovst.preview_cli import read_strengths
from photovst.previewing import chosen_shots
from photovst.run import read_records

COARSE = ("schedule.scales=[16]", "schedule.iterations=[2]", "schedule.next_iterations=[1]")
WHOLE = "segmentation.method=none"
DAY = [pattern(t) for t in range(4)]
SUNSET = (255 - pattern(30)) // 3


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder with ``clip.mkv``, ``photo.png``, and ``cuts.mkv``: two shots of 2 frames."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(survey, "detect_shots", functools.partial(detect_shots, shortest=2))
    write_clip("clip.mkv", DAY[:3])
    write_image("photo.png", SUNSET)
    write_clip("cuts.mkv", [*DAY[:2], SUNSET, SUNSET])


def preview(*arguments: str) -> int:
    return run("preview", *arguments[:2], "--quiet", *FAST, *COARSE, *arguments[2:])


def cells(sheet: np.ndarray, columns: int, cell: tuple[int, int] = (320, 480)) -> list[np.ndarray]:
    """The pictures of the first row, right of its labels."""
    top, left = 240 + 2 * MARGIN + 30, MARGIN + LABELS
    return [sheet[top : top + cell[0], x : x + cell[1]] for x in range(left, sheet.shape[1], cell[1] + 10)][:columns]


def test_the_run_goes_on_from_the_preview_to_the_same_bytes() -> None:
    more = ("video.codec=ffv1", WHOLE, "objective.temporal.weight=0", "schedule.next_start=previous")
    assert stylize("cuts.mkv", "photo.png", "without.mkv", "cache.enabled=false", *COARSE, *more) == 0
    assert preview("cuts.mkv", "photo.png", "strength=0.2", *more) == 0
    assert sorted(path.name for path in Path().iterdir()) == [
        *("cache", "clip.mkv", "cuts.mkv", "photo.png", "preview.png", "without.mkv", "without.run")
    ]
    assert len(list(Path("cache").glob("*.npz"))) == 2
    assert stylize("cuts.mkv", "photo.png", "out.mkv", *COARSE, *more) == 0
    assert states("out.run") == states("without.run")
    assert Path("out.mkv").read_bytes() == Path("without.mkv").read_bytes()
    records, alone = (read_records(Path(folder)) for folder in ("out.run", "without.run"))
    assert [record["frame"] for record in records if record.get("cached")] == [0, 2]
    assert [record["frame"] for record in records if not record["iterations"]] == [0, 2]
    assert not any("cached" in record for record in alone)
    assert [(record["loss"], record["terms"]) for record in records] == [(r["loss"], r["terms"]) for r in alone]


def test_several_passes_over_free_pixels_from_noise() -> None:
    write_clip("two.mkv", DAY[:2])
    more = ("schedule.passes.count=2", "parametrization.kind=pixels", "schedule.start=noise")
    assert stylize("two.mkv", "photo.png", "without.mkv", "cache.enabled=false", *COARSE, *more) == 0
    assert preview("two.mkv", "photo.png", *more) == 0
    assert stylize("two.mkv", "photo.png", "out.mkv", *COARSE, *more) == 0
    assert [r["frame"] for r in read_records(Path("out.run")) if r.get("cached")] == [0]
    assert states("out.run") == states("without.run")


def test_the_sheet_shows_the_frame_and_what_the_run_makes_of_it() -> None:
    longer = ("schedule.iterations=[12]",)
    assert preview("clip.mkv", "photo.png", "--strengths", "1,0.5", WHOLE, *longer) == 0
    sheet = read_image("preview.png")
    content, half, whole = (picture.astype(float) for picture in cells(sheet, 3))
    assert stylize("clip.mkv", "photo.png", "out", "video.codec=png", *COARSE, *longer, WHOLE) == 0
    small = [picture[80::160, 80::160].mean(axis=(0, 1)) for picture in (content, half, whole)]
    assert np.abs(half - (content + whole) / 2).max() <= 1
    frame, result = (next(iter(open_clip(path))).image for path in ("clip.mkv", "out"))
    for shown, given in ((content, frame), (whole, result)):
        assert np.abs(shown.mean(axis=(0, 1)) - given.mean(axis=(0, 1))).max() < 1
    assert np.abs(small[2] - small[0]).max() > 20


def test_a_fade_shows_a_later_frame() -> None:
    pictures = DAY * 4
    faded = [(picture * min(1.0, t / 6)).astype(np.uint8) for t, picture in enumerate(pictures)]
    write_clip("fade.mkv", faded)
    assert preview("fade.mkv", "photo.png", "-o", "sheet.png", "--strengths", "0", WHOLE) == 0
    content, kept = cells(read_image("sheet.png"), 2)
    assert np.array_equal(content, kept)
    assert content.std() > 0.9 * DAY[0].std()
    assert len(list(Path("cache").glob("*.npz"))) == 2  # the run's first frame, and this one


@pytest.mark.parametrize(
    "settings",
    [
        ("photo.png", "styler=predicted", "predicted.network=any.safetensors"),
        ("photo.png", "styler=predicted", "predicted.network=painter.safetensors"),
        ("grid.safetensors",),
    ],
)
def test_networks(settings: tuple[str, ...]) -> None:
    write_any_style("any.safetensors")
    write_any_style("painter.safetensors", "arbitrary")
    write_network("grid.safetensors", "grid")
    photo, *more = settings
    assert preview("clip.mkv", photo, "-o", "sheet.jpg", WHOLE, *more) == 0
    content, *results = cells(read_image("sheet.jpg"), 4)
    steps = [np.abs(result.astype(float) - content).mean() for result in results]
    assert 1 < steps[0] < steps[1] < steps[2]
    assert not list(Path().glob("cache/*.npz"))


def test_a_still_and_a_deep_clip() -> None:
    deep = [picture.astype(np.uint16) * 257 for picture in DAY[:2]]
    write_clip("deep.mkv", deep)
    write_image("still.png", DAY[0])
    sheets, still = [], ("schedule.still_iterations=2", "schedule.still_size=40", WHOLE)
    for clip in ("deep.mkv", "clip.mkv", "still.png"):
        assert preview(clip, "photo.png", "-o", "sheet.png", "--overwrite", *still) == 0
        sheets.append(cells(read_image("sheet.png"), 4))
    assert np.abs(sheets[0][3].astype(int) - sheets[1][3]).mean() < 4  # ten bits of 4:2:0 are another frame, a little
    assert np.array_equal(sheets[1][0], sheets[2][0])
    assert stylize("still.png", "photo.png", "out.png", "video.size=48", "strength=0.3", *COARSE, *still) == 0
    assert read_records(Path("out.run"))[0]["cached"]


def test_bad_input(capfd: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("no clip")
    Path("frames").mkdir()
    write_image("frames/0.png", DAY[0])
    write_image("frames/1.png", DAY[1])
    Path("taken.png").write_bytes(b"mine")
    before = set(Path().rglob("*"))
    for said, *arguments in (
        ("nowhere.mp4 does not exist; check the path", "nowhere.mp4", "photo.png"),
        ("is no clip that can be read|notes.txt", "notes.txt", "photo.png"),
        ("nothing.png does not exist; check the path", "clip.mkv", "nothing.png"),
        ("sheet.mp4 is no name for a contact sheet; use one of .png, .jpg, .jpeg", *io("-o", "sheet.mp4")),
        ("taken.png exists; choose another name, or pass --overwrite", *io("-o", "taken.png")),
        ("output and style are both photo.png", *io("-o", "photo.png")),
        ("the folder /", *io("-o", "absent/sheet.png")),
        ("frames/s.png would lie among the frames of frames", "frames", "photo.png", "-o", "frames/s.png"),
        ("--strengths a,b are no numbers with commas between, such as 0.4,0.7,1", *io("--strengths", "a,b")),
        ("--strengths 0.5,2 takes numbers from 0 to 1", *io("--strengths", "0.5,2")),
        ("--strengths nan takes numbers from 0 to 1", *io("--strengths", "nan")),
        ("are 9, but a sheet has room for 8", *io("--strengths", "0,.1,.2,.3,.4,.5,.6,.7,.8")),
        ("Invalid value for '--shots'", *io("--shots", "0")),
        ("unknown setting 'strenth'|strenth", *io("strenth=1")),
    ):
        refused(said.split("|")[-1], capfd, "preview", *arguments, "--quiet", *FAST)
    assert {path for path in Path().rglob("*") if path.parts[0] != "cache"} == before
    assert Path("taken.png").read_bytes() == b"mine"


def io(*arguments: str) -> tuple[str, ...]:
    return ("clip.mkv", "photo.png", *arguments)


def test_strengths_ascend_and_count_once() -> None:
    assert read_strengths("1, .25,1,0") == [0, 0.25, 1]


def test_shots_are_spread_and_long() -> None:
    shots = [Shot(10 * k, 10 * k + 10) for k in range(40)]
    chosen = chosen_shots(shots, 8)
    assert [shot.first // 50 for shot in chosen] == list(range(8))
    assert chosen_shots(shots[:3], 12) == shots[:3]
    uneven = [Shot(0, 1), Shot(1, 90), Shot(90, 91), Shot(91, 93), Shot(93, 100)]
    assert chosen_shots(uneven, 2) == [Shot(1, 90), Shot(93, 100)]
    assert len(chosen_shots(uneven, 4)) == 4  # a span without a middle of a shot gives its place to the longest left


@pytest.mark.parametrize(
    ("frame", "count", "strengths"),
    [
        ((1080, 1920), 12, [0.4, 0.7, 1.0]),
        ((1080, 1920), 24, [k / 8 for k in range(8)]),
        ((1920, 1080), 1, [1.0]),
        ((20, 640), 12, [1.0]),
        ((640, 20), 2, [0.4, 0.7, 1.0]),
    ],
)
def test_any_sheet_holds_its_pictures_whole(frame: tuple[int, int], count: int, strengths: list[float]) -> None:
    cell = cell_size(frame, Fraction(1), count, 1 + len(strengths))
    row = Row(
        ["shot 12 of 24", "frame 123456", "1:02:03.45", "after the fade"], *[np.full((*cell, 3), 255, np.uint8)] * 2
    )
    sheet = contact_sheet(["x" * 500, "y"], pattern(0), [row] * count, strengths)
    assert max(sheet.shape[0] / HIGHEST, sheet.shape[1] / WIDEST) <= 1
    right = sheet[240 + 2 * MARGIN :, MARGIN + LABELS :].min(axis=2)
    assert (right == 255).sum() == count * (1 + len(strengths)) * cell[0] * cell[1]
    assert cell[0] / cell[1] == pytest.approx(frame[0] / frame[1], rel=0.6 / min(cell))


def test_pixels_that_are_not_square_are_shown_as_players_do() -> None:
    assert cell_size((576, 720), Fraction(16, 15), 1, 4) == (360, 480)


def test_single_frames_of_a_clip_and_no_more_are_decoded() -> None:
    clip = open_clip("cuts.mkv")
    whole = [frame.image for frame in clip]
    found = {frame.index: frame.image for frame in picked(clip, {1, 3})}
    assert list(found) == [1, 3]
    assert all(np.array_equal(image, whole[index]) for index, image in found.items())
    assert [frame.index for frame in picked(clip, {1}).thumbnails(32)] == [1]
    assert not list(picked(clip, set()))


def test_help_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preview", "--help") == 0
    assert re.search(r"--strengths", re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out))
