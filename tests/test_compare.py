"""``photovst compare`` from configs to table, sheet and plots, on a small clip."""

import dataclasses
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_runs import pictures, run, write_inputs

from photovst.compare_pictures import busiest, contact_sheet, plots
from photovst.compare_settings import STILLS, load_members, split_arguments
from photovst.compare_table import Row, table
from photovst.config import SegmentationMethod, SegmentationSettings, Settings
from photovst.errors import SettingsError
from photovst.guidance.survey import survey
from photovst.judges.bench import judging_settings
from photovst.judges.clip import Bench, judge_clip
from photovst.judges.figures import ClipFigures
from photovst.judges.likeness import Look as StyleLook
from photovst.judges.motion import content_motion
from photovst.media.clip import open_clip
from photovst.media.images import READABLE, read_image, write_image
from photovst.media.scenes import LABELS, Look, Scene, still
from photovst.media.tensors import to_frame
from photovst.models.steerable import Steerable

FAST = (
    *("schedule.scales=[32]", "schedule.iterations=[3]", "schedule.next_iterations=[1]"),
    *("segmentation.regions=2", "device=cpu", "cache.folder=cache"),
)
CONFIG = "content: clip.mkv\nstyle: photo.png\noutput: elsewhere.mp4\n"


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of four frames, a photograph, and three configs; no weights are on this machine."""
    monkeypatch.setattr("photovst.models.weight_files.folders", lambda: [tmp_path / "no weights"])
    monkeypatch.chdir(tmp_path)
    write_inputs(4)
    Path("plain.yaml").write_text(CONFIG)
    Path("half.yaml").write_text(CONFIG + "strength: 0.5\nvideo: {codec: ffv1}\n")
    Path("wrong.yaml").write_text(CONFIG + "strenght: 0.5\n")
    Path("no_terms.yaml").write_text(
        CONFIG
        + "objective:\n"
        + "".join(f"  {name}: {{weight: 0}}\n" for name in ("style", "content", "structure"))
        + "  photorealism: {weight: 0}\n  smoothness: {weight: 0}\n  gamut: {weight: 0}\n"
    )
    return tmp_path


def compare(*arguments: str) -> int:
    return run("compare", *arguments, *FAST, "-o", "out", "--quiet")


def test_members_are_run_judged_and_shown_and_not_run_again(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("plain.yaml", "half.yaml") == 0
    out = capsys.readouterr().out
    assert [line.split(" |")[0] for line in out.splitlines()[2:5]] == ["| input", "| plain", "| half"]
    assert out.startswith("| member | e_stab | e_warp 1 |")  # the only judge here is what both were optimized with
    assert "Not judged by vgg19_cd16x and vgg19_conv3_1: no weights here" in out
    assert out.endswith("out/compare.jpg\n")
    place = inputs / "out"
    assert (place / "compare.md").read_text() in out
    assert len(pictures(place / "plain.mp4")) == len(pictures(place / "half.mkv")) == 4
    record = json.loads((place / "compare.json").read_text())
    floor, plain, half = record["rows"]
    assert floor["style"]["steerable"] > 0
    assert plain["style"] == {}
    assert floor["e_warp_detail"] == pytest.approx(1)
    assert half["ssim_content"] > plain["ssim_content"]
    assert plain["iterations"] > 0
    assert floor["e_warp_long"] is None  # four frames: none ten apart
    assert record["members"]["half"] == {"config": "half.yaml", "output": "out/half.mkv"}
    assert (record["regions"], record["flow"], record["failures"]) == ("joint", "dis", {})
    assert read_image(place / "compare.jpg").shape[1] == 150 + 6 * 306  # four frames, two crops
    assert read_image(place / "compare.png").shape == (650, 1100, 3)

    results = [place / "plain.mp4", place / "half.mkv"]
    states = sorted((place / "plain.run" / "state").glob("0*.npz"))
    written = [path.stat().st_mtime_ns for path in (*results, *states)]
    assert compare("plain.yaml", "half.yaml") == 0
    assert [path.stat().st_mtime_ns for path in (*results, *states)] == written
    # As if the first had been stopped before its result had its name.
    whole = results[0].read_bytes()
    for path in (results[0], place / "plain.run" / "finished.json"):
        path.unlink()
    assert compare("plain.yaml", "half.yaml") == 0
    assert results[0].read_bytes() == whole
    assert [path.stat().st_mtime_ns for path in (results[1], *states)] == written[1:]
    capsys.readouterr()
    assert compare("plain.yaml", "half.yaml", "seed=1") == 2  # other settings: nothing is replaced unasked
    assert capsys.readouterr().err.splitlines()[-1] == "photovst: error: 2 of 2 configs failed: plain, half"
    assert compare("plain.yaml", "seed=1", "--overwrite") == 0


def test_one_that_fails_is_told_of_and_the_others_go_on(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("wrong.yaml", "no_terms.yaml", "plain.yaml") == 2
    captured = capsys.readouterr()
    first, second, last = captured.err.splitlines()
    assert first.startswith("photovst: error: wrong: wrong.yaml: unknown setting 'strenght'; did you mean 'strength'?")
    assert second.startswith("photovst: error: no_terms: every weight of the objective is 0")
    assert last == "photovst: error: 2 of 3 configs failed: wrong, no_terms"
    assert "| plain |" in captured.out
    assert "| no_terms |" not in captured.out
    assert list(json.loads(Path("out/compare.json").read_text())["failures"]) == ["wrong", "no_terms"]


def test_lack_of_memory_stops_one_and_a_bug_stops_all(
    inputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(settings: Settings, **_: object) -> Path:
        raise RuntimeError("can't allocate memory" if settings.strength == 1 else "shapes")

    monkeypatch.setattr("photovst.compare.stylize_clip", failing)
    assert compare("plain.yaml") == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == "photovst: error: plain: out of memory"
    assert "| input |" in captured.out
    with pytest.raises(RuntimeError, match="shapes"):
        compare("half.yaml")


def test_overrides_count_for_all_and_exact_flow_judges(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("scene", "-o", "scene", "--size", "96x64", "--frames", "3", "--neighbors", "1", "--quiet") == 0
    given = ("content=scene/frames", "style=scene/photo.png", "video.codec=png", "--flow", "scene/flow")
    assert compare("plain.yaml", *given) == 0
    record = json.loads(Path("out/compare.json").read_text())
    assert record["flow"] == "scene/flow"
    assert record["members"]["plain"]["output"] == "out/plain"
    assert len(pictures("out/plain")) == 3
    capsys.readouterr()
    assert compare("plain.yaml", *given[:-1], "nowhere") == 2
    assert capsys.readouterr().err.startswith("photovst: error: there is no folder nowhere to read flow from;")


def test_style_is_judged_under_the_masks_that_are_given(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("scene", "-o", "scene", "--size", "96x64", "--frames", "3", "--neighbors", "1", "--quiet") == 0
    masks = ("scene/labels", "scene/photo_labels/photo.png")
    common = ("content=scene/frames", "style=scene/photo.png", "segmentation.method=none")
    given = ("--masks-content", masks[0], "--masks-style", masks[1])
    assert compare("plain.yaml", *common, *given) == 0
    record = json.loads(Path("out/compare.json").read_text())
    assert record["regions"] == {"content": masks[0], "style": masks[1]}
    assert record["rows"][1]["mask_flicker"] is None  # one region
    clip = Scene(3, Look.day, (64, 96), 3)
    photo = still(Look.sunset, 11, (64, 96))
    # What judge_clip gives when it is told which regions there are.
    there = [k for k in range(len(LABELS)) if any((clip.labels(t) == k).any() for t in range(3))]

    def planes(labels: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.stack([labels == k for k in there])[None]).float()

    of_photo = planes(photo.labels(0))
    of_photo[:, of_photo.mean(dim=(0, 2, 3)) == 0] = 1  # without a counterpart: all of the photograph
    look = StyleLook.of(
        to_frame(photo.frame(0)),
        of_photo,
        lambda index, frame: planes(clip.labels(index)),
        {"steerable": Steerable()},
        96,
    )
    bench = Bench(content_motion(), survey(open_clip("scene/frames"), None), look, 320)
    expected = judge_clip("scene/frames", None, bench).floor
    assert record["rows"][0]["style"]["steerable"] == pytest.approx(expected.style["steerable"], rel=1e-4)
    capsys.readouterr()
    assert compare("plain.yaml", *common, "--masks-content", "absent.png", "--masks-style", masks[1]) == 2
    assert "absent.png" in capsys.readouterr().err


def test_what_a_member_maps_does_not_judge() -> None:
    by_hand = {"method": SegmentationMethod.files, "content": "a", "style": "b"}
    members = [
        Settings(content="c", style="s", output="o", segmentation=SegmentationSettings(**by_hand, **more))
        for more in ({"map": {"sky": "water"}, "weights": {"sky": 2.0}, "styles": {"sky": "other.png"}}, {})
    ]
    plain = SegmentationSettings(**by_hand)
    assert judging_settings(members).segmentation == plain
    assert judging_settings([members[0]]).segmentation == plain
    given = judging_settings(members, (Path("x"), Path("y"))).segmentation
    assert given == SegmentationSettings(method=SegmentationMethod.files, content="x", style="y")
    other = dataclasses.replace(members[1], segmentation=SegmentationSettings(method=SegmentationMethod.none))
    assert judging_settings([members[0], other]).segmentation == SegmentationSettings()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["plain.yaml", "--masks-content", "m"],
            "--masks-content m needs the photograph's mask too; give --masks-style",
        ),
        (["plain.yaml", "--masks-style", "m"], "--masks-style m needs the clip's masks too; give --masks-content PATH"),
        (["plain.yaml", "plain.yaml"], "plain.yaml and plain.yaml would both be written to plain; rename one of them"),
        (["plain.yaml", "output=a.mp4"], "results of a comparison are named after their configs, in out; leave"),
        (["input.yaml"], "input.yaml would be shown as input, which has another meaning here; rename it"),
        (["plain.yaml", "compare.yaml"], "compare.yaml would be shown as compare, which has another meaning here"),
        (["plain.yaml", "--flow", "few"], "few/forward_1_2.flo does not exist, nor forward_1_2.png"),
        (["seed=3"], "there is no config to compare; give one YAML file or more"),
        (["plain.yaml", "other.yaml"], "plain.yaml has content=clip.mkv but other.yaml has content=b.mkv; give"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    arguments: list[str], line: str, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.yaml").write_text(CONFIG.replace("clip.mkv", "b.mkv"))
    Path("few").mkdir()
    assert compare(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"photovst: error: {line}")
    assert err.count("\n") == 1


def test_results_have_the_suffix_that_content_and_codec_want(inputs: Path) -> None:
    write_image("still.png", Scene(3, Look.day, (32, 48), 1).frame(0))
    for overrides, expected in (
        ([], "out/plain.mp4"),
        (["video.codec=prores"], "out/plain.mov"),
        (["video.codec=png"], "out/plain"),
        (["content=still.png"], "out/plain.png"),
        (["content=frames/*.png"], "out/plain.mp4"),
    ):
        ((member,), failures) = load_members([Path("plain.yaml")], overrides, Path("out"))
        assert (member.settings.output, failures) == (expected, {})
    assert STILLS == READABLE
    Path("a=b.yaml").write_text("")
    assert split_arguments(["x.yaml", "a=b.yaml", "seed=1"]) == ([Path("x.yaml"), Path("a=b.yaml")], ["seed=1"])


def test_nothing_loaded_is_an_error(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("wrong.yaml") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "photovst: error: none of the 1 configs can be loaded; see above"
    )
    with pytest.raises(SettingsError, match="no config"):
        load_members([], [], Path("out"))


def figures(**changes) -> ClipFigures:
    plain = {
        "frames": 20,
        "style": {"a": 0.5, "b": 0.25},
        "e_stab": 0.01,
        "e_warp_short": 1e-4,
        "e_warp_long": math.nan,
        "e_warp_detail": 1.0,
        "ssim_content": 1.0,
        "ssim_edge": 0.5,
        "ssim_adjacent": math.nan,
        "sharpness": [2.0, 2.0, *[9.0] * 16, 1.0, 0.0],
        "color": [(0.1 * k / 20, 0.2, 0.3) for k in range(20)],
        **dict.fromkeys(("matting_energy", "histogram", "lpips", "flow_coverage"), math.nan),
        **{f"{name}_at": [] for name in ("stability", "warp", "adjacent", "content", "edge")},
    }
    return ClipFigures(**{**plain, **changes})


def test_table_of_known_figures() -> None:
    records = (
        {"iterations": 3, "seconds": {"guides": 0.5, "optimize": 1.0}},
        {"iterations": 3, "seconds": {}, "mask_flicker": 0.02},
        {"iterations": 1, "seconds": {}, "mask_flicker": 0.04},
    )
    text = table([Row("input", figures()), Row("a|b", figures(style={"b": 0.125}), records)])
    assert text.splitlines() == [
        "| member | style (b) | e_stab | e_warp 1 | e_warp 10 | e_warp_detail | ssim_content | ssim_edge"
        " | sharpness end/start | mask_flicker | iterations | s |",
        "|---|" + "---:|" * 11,
        "| input | 0.2500 | 0.0100 | 1.00e-04 | - | 1.000 | 1.000 | 0.500 | 0.250 | - | - | - |",
        "| a\\|b | 0.1250 | 0.0100 | 1.00e-04 | - | 1.000 | 1.000 | 0.500 | 0.250 | 0.0300 | 7 | 1.5 |",
    ]


def test_the_sheet_shows_the_pictures_themselves(tmp_path: Path) -> None:
    colors = [(200, 40 * k, 10) for k in range(5)]
    for name, shift in (("one", 0), ("two", 50)):
        (tmp_path / name).mkdir()
        for k, color in enumerate(colors):
            frame = np.full((40, 60, 3), color, np.uint8) + np.uint8(shift)
            write_image(tmp_path / name / f"{k}.png", frame)
    photo = np.full((30, 30, 3), (10, 20, 250), np.uint8)
    clips = {name: str(tmp_path / name) for name in ("one", "two")}
    sheet = contact_sheet(clips, photo, 5)
    begin = 2 * 6 + 200 + 26
    assert sheet.shape == (begin + 2 * 206, 150 + 7 * 306, 3)
    assert sheet[106, 250].tolist() == [10, 20, 250]
    for k, color in enumerate(colors):
        assert sheet[begin + 100, 150 + k * 306 + 150].tolist() == list(color)
        assert sheet[begin + 206 + 100, 150 + k * 306 + 150].tolist() == [value + 50 for value in color]
    assert sheet[begin + 100, 150 + 6 * 306 + 150].tolist() == list(colors[-1])  # the crop of the last
    assert sheet[begin : begin + 200, :150].min() < 100  # a label
    assert sheet[begin - 26 : begin, 150:].min() < 100


def test_the_crop_is_where_most_detail_is() -> None:
    picture = np.full((80, 160, 3), 128, np.uint8)
    picture[40:60, 120:160] = np.random.default_rng(0).integers(0, 255, (20, 40, 1))
    assert busiest(picture) == (0.5, 0.75)


@pytest.mark.parametrize("members", [1, 12])
def test_plots_are_drawn_the_same_each_time_and_whatever_the_names(members: int) -> None:
    clips = {"input": figures()} | {f"_$a{k}$": figures() for k in range(members)}
    data = plots(clips)
    assert data == plots(clips)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (650, 1100, 3)
    single = figures(frames=1, sharpness=[1.0], color=[(0.1, 0.2, 0.3)])
    assert plots({"input": single}) != plots({"input": figures()})
