"""The program end to end: every kind of input, output and method, on clips of a few small frames."""

from __future__ import annotations

import json
import os
import re
import shutil
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from media.synthetic import make_clip, packet_times, pattern
from small_runs import FAST, SIZE, distance_in_color, pictures, run, scene, states, stylize, write_clip, write_inputs

from photovst import demo
from photovst.media.clip import open_clip
from photovst.media.flow_files import write_flow
from photovst.media.images import read_image, write_image
from photovst.media.label_legend import Entry, Legend, write_legend
from photovst.media.label_values import write_labels
from photovst.media.records import as_depth
from photovst.media.scenes import Look


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def inputs(workplace: None) -> None:
    """``clip.mkv`` and ``photo.png``."""
    write_inputs()


def bytes_of(folder: str | Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def packets(path: str) -> list[tuple[bytes, Fraction]]:
    with av.open(path) as container:
        return [(bytes(p), p.pts * p.time_base) for p in container.demux(audio=0) if p.size and p.pts is not None]


def test_a_video_keeps_its_frames_times_and_audio(capfd: pytest.CaptureFixture[str]) -> None:
    write_inputs()
    make_clip(Path("vfr.mp4"), (0, 3, 4, 9, 15), Fraction(1, 30), audio=("aac",), last=2)
    assert stylize("vfr.mp4", "photo.png", "out.mp4") == 0
    assert capfd.readouterr() == ("out.mp4\n", "")
    given, made = open_clip("vfr.mp4"), open_clip("out.mp4")
    assert made.info.size == given.info.size
    assert [f.time for f in made] == [f.time for f in given] == [Fraction(t, 30) for t in (0, 3, 4, 9, 15)]
    assert [f.duration for f in made] == [f.duration for f in given]
    assert packet_times(Path("out.mp4")) == packet_times(Path("vfr.mp4"))
    assert packets("out.mp4") == packets("vfr.mp4")
    assert len(packets("out.mp4")) > 10
    for before, after in zip(given, made, strict=True):
        assert np.abs(after.image.astype(int) - before.image).mean() > 5
    assert sorted(p.name for p in Path().iterdir()) == [
        "cache",
        "clip.mkv",
        "out.mp4",
        "out.run",
        "photo.png",
        "vfr.mp4",
    ]


def test_a_folder_and_a_pattern_become_a_folder(inputs: None) -> None:
    Path("frames").mkdir()
    for index, picture in enumerate(scene(Look.day, 4)):
        write_image(f"frames/f{index + 8}.png", picture)  # f8 f9 f10 f11: their order is that of the numbers
    Path("frames/notes.txt").write_text("no picture")
    assert stylize("frames", "photo.png", "a", "video.codec=png") == 0
    assert sorted(bytes_of("a")) == [f"{i:06d}.png" for i in range(4)]
    assert stylize("frames/*.png", "photo.png", "b", "video.codec=png") == 0
    assert stylize("clip.mkv", "photo.png", "c", "video.codec=png") == 0
    assert bytes_of("a") == bytes_of("b") == bytes_of("c")


def test_a_result_may_lie_among_the_frames(inputs: None) -> None:
    Path("frames").mkdir()
    for index, picture in enumerate(scene(Look.day, 2)):
        write_image(f"frames/{index}.png", picture)
    assert stylize("frames", "photo.png", "frames/out.mp4") == 0
    Path("frames/out.mp4").rename("first.mp4")
    assert stylize("frames", "photo.png", "frames/out.mp4") == 0  # goes on with the run folder among the frames
    assert Path("frames/out.mp4").read_bytes() == Path("first.mp4").read_bytes()


@pytest.mark.parametrize("output", ["out.png", "out.jpg", "out.mp4"])
def test_a_still(inputs: None, output: str) -> None:
    write_image("still.png", scene(Look.day, 4)[0])
    assert stylize("still.png", "photo.png", output, "video.quality=0") == 0
    (made,) = pictures(output)
    photo, still = read_image("photo.png"), read_image("still.png")
    assert distance_in_color(made, photo) < distance_in_color(still, photo)
    if output != "out.png":
        assert stylize("still.png", "photo.png", "exact.png") == 0
        assert np.abs(made.astype(int) - read_image("exact.png")).mean() < 3


def test_an_experiment_file_is_the_same_run(inputs: None) -> None:
    Path("method.yaml").write_text("schedule: {scales: [32, 64], iterations: [4, 2], next_iterations: [2, 1]}\n")
    Path("one.yaml").write_text(
        "base: method.yaml\ncontent: clip.mkv\nstyle: photo.png\noutput: one.mp4\ncache: {folder: cache}\n"
    )
    assert run("run", "one.yaml", "--quiet", "device=cpu") == 0
    assert stylize("clip.mkv", "photo.png", "two.mp4") == 0
    assert Path("one.mp4").read_bytes() == Path("two.mp4").read_bytes()
    assert run("run", "one.run/config.yaml", "-o", "three.mp4", "--quiet") == 0
    assert Path("three.mp4").read_bytes() == Path("two.mp4").read_bytes()


def test_progress_as_text_and_as_json(inputs: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("stylize", "clip.mkv", "photo.png", "-o", "a.mp4", *FAST) == 0
    out, err = capfd.readouterr()
    assert out == "a.mp4\n"
    lines = err.splitlines()
    assert [line for line in lines if line.split()[1] in ("survey", "stylize", "report")] == [
        *("photovst: survey", "photovst: stylize", "photovst: report")
    ]
    assert any(line.startswith("photovst: frame 4/4  loss ") for line in lines)
    assert run("stylize", "clip.mkv", "photo.png", "-o", "b.mp4", "--log-json", *FAST) == 0
    out, err = capfd.readouterr()
    events = [json.loads(line) for line in err.splitlines()]
    assert [e["frame"] for e in events if e["event"] == "frame"] == [0, 1, 2, 3]
    assert events[-1]["event"] == "done"
    logged = [json.loads(line) for line in Path("b.run/log.jsonl").read_text().splitlines()]
    assert [e["event"] for e in logged][-2:] == ["finished", "done"]


def test_strength(inputs: None) -> None:
    """0 is the clip bit for bit, and a half lies in the middle."""
    made = {}
    for strength in ("0", "0.5", "1"):
        assert stylize("clip.mkv", "photo.png", strength, "video.codec=png", f"strength={strength}") == 0
        made[strength] = np.stack(pictures(strength)).astype(int)
    assert np.array_equal(made["0"], np.stack(scene(Look.day, 4)))
    assert np.abs(made["1"] - made["0"]).mean() > 5
    assert np.abs(made["0.5"] - (made["0"] + made["1"]) / 2).max() <= 1
    assert stylize("clip.mkv", "photo.png", "zero.mp4", "strength=0", "video.quality=0") == 0
    assert np.abs(np.stack(pictures("zero.mp4")).astype(int) - made["0"]).mean() < 4  # 4:2:0 halves the color


@pytest.mark.parametrize(("wanted", "size"), [(48, (32, 48)), (50, (34, 50)), (51, (34, 51)), (144, (96, 144))])
def test_size(inputs: None, capfd: pytest.CaptureFixture[str], wanted: int, size: tuple[int, int]) -> None:
    assert stylize("clip.mkv", "photo.png", "out.mp4", f"video.size={wanted}") == 0
    assert open_clip("out.mp4").info.size == size
    assert ("is odd, so color is stored as" in capfd.readouterr().err) == bool(wanted % 2)


METHODS = {
    "pixels": ["parametrization.kind=pixels"],
    "pixels and matting": ["parametrization.kind=pixels", "objective.photorealism.weight=10", "encoder.stride=1"],
    "one transform": ["parametrization.luma=1", "parametrization.rows=1", "parametrization.columns=1"],
    "adam": ["optimizer.kind=adam", "schedule.iterations=[12,6]"],
    "every term": ["objective.photorealism.weight=1", "objective.smoothness.weight=1"],
    "held to output": ["objective.temporal.target=output"],
    "cold start": [
        "schedule.next_start=content",
        "schedule.next_iterations=[4,2]",
        "objective.temporal.weight=0",
        "segmentation.persistence=0",
    ],
    "whole frame": ["segmentation.method=none"],
    "many regions": ["segmentation.regions=9", "segmentation.persistence=1"],
    "one scale": ["schedule.scales=[16]", "schedule.iterations=[9]", "schedule.next_iterations=[2]"],
    "beyond the frame": ["schedule.scales=[32,2000]"],
    "one shot": ["shots.detect=false"],
}


@pytest.mark.parametrize("settings", METHODS.values(), ids=METHODS)
def test_methods(inputs: None, settings: list[str]) -> None:
    write_clip("clip.mkv", scene(Look.day, 4)[:3])
    assert stylize("clip.mkv", "photo.png", "out", "video.codec=png", *settings) == 0
    photo = read_image("photo.png")
    for before, after in zip(scene(Look.day, 4)[:3], pictures("out"), strict=True):
        assert distance_in_color(after, photo) < 0.9 * distance_in_color(before, photo)


def test_distilled_vgg(inputs: None, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(shared / "weights"))
    assert stylize("clip.mkv", "photo.png", "out", "video.codec=png", "encoder.kind=vgg19_cd16x") == 0
    photo = read_image("photo.png")
    for before, after in zip(scene(Look.day, 4), pictures("out"), strict=True):
        assert distance_in_color(after, photo) < distance_in_color(before, photo)


def test_flow_from_files_and_a_run_that_knows_what_they_held(inputs: None, capfd: pytest.CaptureFixture[str]) -> None:
    folder = Path("flow")
    folder.mkdir()
    for t in range(3):
        write_flow(folder / f"forward_{t + 1}_{t + 2}.flo", np.zeros((*SIZE, 2), np.float32))
        write_flow(folder / f"backward_{t + 2}_{t + 1}.flo", np.zeros((*SIZE, 2), np.float32))
    files = ("flow.method=files", "flow.folder=flow", "video.codec=png")
    assert stylize("clip.mkv", "photo.png", "still", *files) == 0
    assert stylize("clip.mkv", "photo.png", "moving", "video.codec=png") == 0
    assert any(not np.array_equal(a, b) for a, b in zip(pictures("still"), pictures("moving"), strict=True))
    write_flow(folder / "forward_1_2.flo", np.ones((*SIZE, 2), np.float32))
    capfd.readouterr()
    assert stylize("clip.mkv", "photo.png", "still", *files) == 2
    shutil.rmtree("still")
    assert stylize("clip.mkv", "photo.png", "still", *files) == 2
    assert "inputs.flow.folder" in capfd.readouterr().err
    (folder / "backward_4_3.flo").unlink()
    assert stylize("clip.mkv", "photo.png", "other", *files) == 2
    assert "backward_4_3.flo does not exist" in capfd.readouterr().err


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    picture = np.empty((*SIZE, 3), np.uint8)
    picture[:, : SIZE[1] // 2], picture[:, SIZE[1] // 2 :] = left, right
    return picture


@pytest.mark.parametrize("many", [False, True])
def test_masks_say_where_each_color_goes(many: bool) -> None:
    """A gray clip takes the photograph's red and blue where its masks say, also as they move."""
    noise = np.random.default_rng(0).integers(-12, 13, (*SIZE, 1))
    write_clip(
        "clip.mkv", [np.clip(128 + np.roll(noise, t, 1) + np.zeros(3, int), 0, 255).astype(np.uint8) for t in range(3)]
    )
    write_image("photo.png", np.clip(halves((200, 60, 60), (60, 60, 200)) + noise, 0, 255).astype(np.uint8))
    one, other = halves((0, 0, 255), (0, 255, 0)), halves((0, 255, 0), (0, 0, 255))
    write_image("photo_mask.png", one)
    Path("masks").mkdir()
    for index, mask in enumerate((one, other, other) if many else (other,)):
        write_image(f"masks/{index + 9}.png", mask)
    more = ("segmentation.method=files", "segmentation.content=masks", "segmentation.style=photo_mask.png")
    # No ties to the last frame: only the masks move between these frames. And more style than by default, where the
    # other terms hold the right half at about 20, however many the iterations.
    free = (
        "schedule.iterations=[20,10]",
        "schedule.next_iterations=[20,10]",
        "objective.style.weight=4",
        "objective.temporal.weight=0",
        "schedule.next_start=content",
        "segmentation.persistence=0",
    )
    assert stylize("clip.mkv", "photo.png", "out", "video.codec=png", "shots.detect=false", *more, *free) == 0
    for index, made in enumerate(pictures("out")):
        redness = made[..., 0].astype(float) - made[..., 2]
        left, right = redness[:, :40].mean(), redness[:, 56:].mean()
        if many and index == 0:
            left, right = right, left
        assert left < -20
        assert right > 20


@pytest.mark.parametrize(
    ("codec", "output"), [("hevc", "o.mov"), ("prores", "o.mov"), ("ffv1", "o.mkv"), ("h264", "o.mkv")]
)
def test_codecs(inputs: None, codec: str, output: str) -> None:
    assert stylize("clip.mkv", "photo.png", output, f"video.codec={codec}") == 0
    assert stylize("clip.mkv", "photo.png", "exact", "video.codec=png") == 0
    with av.open(output) as container:
        assert container.streams.video[0].codec_context.name == codec
    made = [as_depth(picture, np.uint8) for picture in pictures(output)]
    error = np.abs(np.stack(made).astype(int) - np.stack(pictures("exact"))).mean()
    assert error == 0 if codec == "ffv1" else error < {"prores": 3}.get(codec, 6)  # full color, or halved


def test_a_shot_starts_anew(capfd: pytest.CaptureFixture[str]) -> None:
    """What comes of a shot does not depend on the shots before it."""
    coarse = ("schedule.scales=[32]", "schedule.iterations=[3]", "schedule.next_iterations=[1]")
    second = [255 - pattern(t) for t in range(15)]
    write_inputs()
    write_clip("both.mkv", [*[scene(Look.day, 4)[0]] * 16, *second])
    write_clip("second.mkv", second)
    assert stylize("both.mkv", "photo.png", "both", "video.codec=png", *coarse) == 0
    assert stylize("second.mkv", "photo.png", "second", "video.codec=png", *coarse) == 0
    for index in range(15):
        name, alone = f"{16 + index:06d}", f"{index:06d}"
        assert Path(f"both.run/state/{name}.npz").read_bytes() == Path(f"second.run/state/{alone}.npz").read_bytes()
        assert Path(f"both/{name}.png").read_bytes() == Path(f"second/{alone}.png").read_bytes()
    assert "region 1 (from frame 16)" in Path("both.run/report.html").read_text()


def test_ten_bits_stay(inputs: None) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    ramp = (20000 + 250 * x + 10 * y).astype(np.uint16)
    write_clip("deep.mkv", [np.stack([ramp, ramp, ramp], -1)] * 2)
    assert open_clip("deep.mkv").info.bit_depth > 8
    assert stylize("deep.mkv", "photo.png", "same", "video.codec=png", "strength=0") == 0
    assert np.array_equal(np.stack(pictures("same")), np.stack(pictures("deep.mkv")))
    assert stylize("deep.mkv", "photo.png", "out.mp4") == 0
    made = pictures("out.mp4")[0]
    assert made.dtype == np.uint16
    assert len(np.unique(made >> 6)) > len(np.unique(made >> 8)) * 2  # levels between those of 8 bits


def test_alpha_stays_where_it_can(inputs: None, capfd: pytest.CaptureFixture[str]) -> None:
    alphas = [np.tile(np.linspace(0, 255, SIZE[1]).astype(np.uint8), (SIZE[0], 1))] * 3
    write_clip("clip.mkv", scene(Look.day, 4)[:3], alphas=alphas)
    for output, codec in (("out", "png"), ("out.mkv", "ffv1")):
        assert stylize("clip.mkv", "photo.png", output, f"video.codec={codec}", "--overwrite") == 0
        assert capfd.readouterr().err == ""
        assert all(np.array_equal(f.alpha, a) for f, a in zip(open_clip(output), alphas, strict=True))
    assert stylize("clip.mkv", "photo.png", "out.mp4", "--overwrite") == 0
    assert capfd.readouterr().err == "photovst: warning: out.mp4: alpha is dropped; codecs prores, ffv1, png keep it\n"


def test_nothing_moves_in_a_clip_without_motion(inputs: None) -> None:
    write_clip("still.mkv", [scene(Look.day, 4)[0]] * 5)
    settled = ("schedule.iterations=[60,60]", "schedule.next_iterations=[0,4]")
    assert stylize("still.mkv", "photo.png", "out", "video.codec=png", *settled) == 0
    made = np.stack(pictures("out")).astype(int)
    assert np.abs(made[0] - scene(Look.day, 4)[0]).mean() > 20
    steps = np.abs(np.diff(made, axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 0.5


def test_the_same_run_gives_the_same_bytes_with_and_without_a_cache(inputs: None) -> None:
    assert stylize("clip.mkv", "photo.png", "a.mp4") == 0
    assert len(list(Path("cache").glob("*.npz"))) == 3  # the motion between four frames
    assert stylize("clip.mkv", "photo.png", "b.mp4") == 0
    assert stylize("clip.mkv", "photo.png", "c.mp4", "cache.enabled=false") == 0
    assert Path("a.mp4").read_bytes() == Path("b.mp4").read_bytes() == Path("c.mp4").read_bytes()
    assert states("a.run") == states("b.run") == states("c.run")
    kept = next(Path("cache").glob("*.npz"))
    kept.write_bytes(kept.read_bytes()[:-40])  # a damaged guide is computed again
    assert stylize("clip.mkv", "photo.png", "a.mp4", "--overwrite") == 0
    assert Path("a.mp4").read_bytes() == Path("b.mp4").read_bytes()


def test_the_report(inputs: None) -> None:
    assert stylize("clip.mkv", "photo.png", "out.mp4", "seed=7") == 0
    page = Path("out.run/report.html").read_text()
    assert "<h1>clip.mkv in the light of photo.png</h1>" in page
    assert '<video src="../out.mp4"' in page
    assert re.findall(r'alt="Result, (frame \d)"', page) == ["frame 0", "frame 1", "frame 2", "frame 3"]
    assert page.count("Regions of frame") == 2 * 4  # caption and alternative text
    assert all(f"region {k}</td>" in page for k in (1, 2))
    assert "<td>in both</td>" in page
    assert all(
        f'aria-label="{name} by frame"' in page for name in ("loss", "style", "content", "temporal", "roughness")
    )
    assert "seed: 7" in page
    assert all(f"<td>{stage}</td>" in page for stage in ("survey", "stylize"))
    assert not re.search(r"(src|href)=\"(https?:)?//", page)  # needs nothing from elsewhere
    assert page.count("data:image/jpeg;base64,") == 1 + 4 * 2 + 4 + 1
    records = [json.loads(line) for line in Path("out.run/frames.jsonl").read_text().splitlines()]
    assert [r["frame"] for r in records] == [0, 1, 2, 3]
    assert all(0 < r["loss"] < 100 for r in records)


def test_the_demo(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "SIZE", (32, 48))
    monkeypatch.setattr(demo, "FRAMES", 2)
    assert run("demo", "-o", "d", *FAST) == 0
    out, err = capfd.readouterr()
    assert out == "d/day_as_sunset.mp4\n"
    assert "photovst: the clip is d/day_as_sunset.mp4, the report d/day_as_sunset.run/report.html" in err
    assert len(pictures("d/day_as_sunset.mp4")) == 2
    assert run("demo", "-o", "d", *FAST, "--quiet") == 2
    assert capfd.readouterr().err.startswith("photovst: error: d/day_as_sunset.mp4 exists;")
    assert run("demo", "-o", "d", *FAST, "--quiet", "--overwrite") == 0


@pytest.mark.parametrize("name", ['#1 "quoted" [x] ü ${y} %d', os.fsdecode(b"caf\xe9")])
def test_names_are_taken_as_they_are(inputs: None, name: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_image(f"{name}.png", scene(Look.day, 4)[0])
    assert stylize(f"{name}.png", "photo.png", f"{name} out.png") == 0
    out, err = capfdbinary.readouterr()
    assert out == os.fsencode(f"{name} out.png\n")
    assert err == b""
    assert cv2.imdecode(np.fromfile(f"{name} out.png", np.uint8), cv2.IMREAD_COLOR).shape == (*SIZE, 3)
    assert Path(f"{name} out.run/report.html").is_file()
    finished = json.loads(Path(f"{name} out.run/finished.json").read_bytes())
    assert finished["result"] == f"../{name} out.png"


def test_a_legend_is_part_of_what_a_run_is(inputs: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Names changed over in a legend are another run, though no picture changed."""
    legend = Legend((Entry(0, "sky", (0, 0, 255)), Entry(1, "ground", (0, 200, 0))))
    size = open_clip("clip.mkv").info.size
    masks = ["segmentation.method=files"]
    for name, shape in (("content", size), ("style", read_image("photo.png").shape[:2])):
        Path(name).mkdir()
        labels = np.zeros(shape, np.int64)
        labels[shape[0] // 2 :] = 1
        write_labels(Path(name) / "mask.png", labels, legend)
        write_legend(Path(name), legend)
        masks.append(f"segmentation.{name}={name}/mask.png")
    assert stylize("clip.mkv", "photo.png", "out.mp4", *masks) == 0
    swapped = Legend((Entry(0, "ground", (0, 0, 255)), Entry(1, "sky", (0, 200, 0))))
    write_legend(Path("style"), swapped)
    Path("out.mp4").unlink()
    assert stylize("clip.mkv", "photo.png", "out.mp4", *masks) == 2
    assert "legend of segmentation.style" in capsys.readouterr().err
