"""Clips in the light of any photograph by a network that is told it, from the command line to what is made of it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from random_networks import write_any_style, write_network
from small_runs import FAST, distance_in_color, pictures, refused, run, scene, states, write_inputs

from photovst.evaluation import read_evaluation
from photovst.feedforward.conversion import torchscript_call
from photovst.judges.bench import own_judge
from photovst.media.images import read_image, write_image
from photovst.media.scenes import Look
from photovst.media.tensors import to_frame, to_picture
from photovst.models.network_files import load_network
from photovst.models.style_files import load_style
from photovst.ops.bilateral_grid import slice_affine
from photovst.run import RunFolder, read_records
from photovst.settings_io import load_settings
from photovst.style_pictures import read_style
from photovst.stylize import is_finished

FRAMES = 4
NET = "predicted.network=any.safetensors"
WHOLE = "segmentation.method=none"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder with ``clip.mkv``, ``photo.png``, ``night.png`` and untrained networks of any style."""
    monkeypatch.chdir(tmp_path)
    write_inputs(FRAMES)
    write_image("night.png", scene(Look.night, 1, seed=5)[0])
    write_any_style("any.safetensors")
    write_any_style("painter.safetensors", "arbitrary")


def predict(output: str, *more: str, clip: str = "clip.mkv", photo: str = "photo.png") -> int:
    fixed = ("--quiet", "device=cpu", "cache.folder=cache", "styler=predicted")
    network = () if any(each.startswith("predicted.network=") for each in more) else (NET,)
    return run("stylize", clip, photo, "-o", output, *fixed, *network, "segmentation.regions=2", *more)


def key(name: str) -> dict[str, object]:
    return dict(json.loads(Path(f"{name}.run/provenance.json").read_text()))


def test_a_clip_takes_the_look_of_the_photograph() -> None:
    assert predict("out", "video.codec=png") == 0
    made, photo = pictures("out"), scene(Look.sunset, 1, seed=11)[0]
    assert len(made) == FRAMES
    for given, result in zip(scene(Look.day, FRAMES), made, strict=True):
        assert distance_in_color(result, photo) < 0.5 * distance_in_color(given, photo)
    for record in read_records(Path("out.run")):
        assert record["iterations"] == 0
        assert set(record["seconds"]) == {"regions", "guides", "network"}
        assert "loss" not in record
    assert "objective.style.weight" not in key("out")["settings"]  # type: ignore[operator]
    assert (Path("out.run") / "report.html").is_file()
    assert predict("none", "video.codec=png", "predicted.content=1") == 0
    for given, result in zip(scene(Look.day, FRAMES), pictures("none"), strict=True):
        assert np.abs(result.astype(int) - given).max() <= 2


def test_what_has_no_say_makes_no_other_run() -> None:
    assert predict("out.mp4", WHOLE) == 0
    Path("other").mkdir()
    for name in ("any.safetensors", "photo.png"):
        Path(name).rename(Path("other") / name)

    def same(*more: str) -> bool:
        fixed = {"content": "clip.mkv", "style": "other/photo.png", "output": "out.mp4"}
        given = ("styler=predicted", "device=cpu", WHOLE, "segmentation.regions=2")
        network = "predicted.network=other/any.safetensors"
        return is_finished(load_settings((), (*given, network, *more), fixed), Path("out.run"))

    dusk = "predicted.styles.dusk=night.png"
    assert same()
    assert same("objective.style.weight=3", "feedforward.batch=2", "predicted.weights.style=1", dusk)
    assert same(dusk, "predicted.keyframes=[{time: 1, style: 1, dusk: 0}, {time: 2, style: 1}]")
    assert not same(dusk, "predicted.weights={style: 0.5, dusk: 0.5}")
    assert not same("predicted.content=0.5")
    assert not same("predicted.steadiness=0.5")
    write_any_style("other/any.safetensors", seed=1)
    assert not same()


def test_what_has_no_say_is_told_of(capfd: pytest.CaptureFixture[str]) -> None:
    assert predict("out.mp4", WHOLE, "objective.style.weight=3", "feedforward.batch=2") == 0
    said = "objective.style.weight, feedforward.batch changed from the default, which has no say with styler=predicted"
    assert said in capfd.readouterr().err
    assert run("stylize", "clip.mkv", "photo.png", "-o", "two.mp4", "--quiet", *FAST, "predicted.content=.5") == 0
    said = "predicted.content changed from the default, which has no say with a photograph as style"
    assert said in capfd.readouterr().err


class Killed(BaseException):
    """Ends a run as nothing in it expects."""


def test_a_killed_run_goes_on_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    more = ("predicted.steadiness=0.5", "video.codec=png")
    assert predict("whole", *more) == 0
    stored = RunFolder.save_carry
    count = itertools.count()

    def dies(self: RunFolder, *arguments: object) -> None:
        if next(count) == 2:
            raise Killed
        stored(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFolder, "save_carry", dies)
    with pytest.raises(Killed):
        predict("cut", *more)
    assert len(states("cut.run")) == 4  # three frames and a carry
    monkeypatch.setattr(RunFolder, "save_carry", stored)
    assert predict("cut", *more) == 0
    assert states("cut.run") == states("whole.run")
    for one, other in zip(pictures("cut"), pictures("whole"), strict=True):
        assert np.array_equal(one, other)


def grids(name: str) -> list[np.ndarray]:
    return [np.load(path)["grid"] for path in sorted(Path(f"{name}.run/state").glob("0*.npz"))]


def test_steadiness_is_a_share_of_the_frame_before() -> None:
    more = (
        WHOLE,
        "predicted.keyframes=[{time: 0, style: 1}, {time: 0.12, night: 1}]",
        "predicted.styles.night=night.png",
    )
    assert predict("free.mp4", *more) == 0
    assert predict("held.mp4", *more, "predicted.steadiness=0.75") == 0
    free, held = grids("free"), grids("held")
    assert np.array_equal(free[0], held[0])
    for t in range(1, FRAMES):
        np.testing.assert_allclose(held[t], 0.25 * free[t] + 0.75 * held[t - 1], atol=1e-6)


def test_keyframes_move_from_one_photograph_to_another() -> None:
    more = (WHOLE, "video.codec=png")
    assert predict("style", *more) == 0
    blend = ("predicted.styles.night=night.png", *more)
    assert predict("night", "predicted.weights.night=1", *blend) == 0
    moving = "predicted.keyframes=[{time: 0.05, style: 1}, {time: 0.12, night: 1}]"
    assert predict("moving", moving, *blend) == 0
    style, night, moved = (np.stack(pictures(name)).astype(int) for name in ("style", "night", "moving"))
    assert np.abs(style - night).mean() > 10
    assert np.array_equal(moved[:2], style[:2])
    assert np.array_equal(moved[3], night[3])
    between = np.abs(moved[2] - style[2]).mean(), np.abs(moved[2] - night[2]).mean()
    assert min(between) > 3
    assert (
        predict("same", "predicted.weights={style: 0.5, night: 0.5}", *blend, "predicted.styles.night=photo.png") == 0
    )
    assert np.abs(np.stack(pictures("same")).astype(int) - style).max() <= 1


def test_no_flow_and_no_encoder_where_nothing_needs_them(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr("photovst.stylization.build_motion", never)
    monkeypatch.setattr("photovst.stylize.build_encoder", never)
    assert predict("out.mp4", WHOLE, "predicted.steadiness=0.5") == 0
    assert predict("joint.mp4", "segmentation.every=3", "flow.method=farneback") == 0
    said = "segmentation.every, flow.method changed from the default, which has no say with styler=predicted"
    assert said in capfd.readouterr().err


def test_a_region_with_a_photograph_of_its_own_and_one_left_as_it_is() -> None:
    masks = np.zeros((64, 96, 3), np.uint8)
    masks[:32], masks[32:] = (0, 0, 255), (0, 255, 0)
    write_image("masks.png", masks)
    by_hand = ("segmentation.method=files", "segmentation.content=masks.png", "video.codec=png")
    assert predict("plain", *by_hand) == 0
    assert predict("own", *by_hand, "segmentation.styles.blue=night.png") == 0
    assert predict("left", *by_hand, "segmentation.weights.blue=0") == 0
    clip = np.stack(scene(Look.day, FRAMES)).astype(int)
    plain, own, left = (np.stack(pictures(name)).astype(int) for name in ("plain", "own", "left"))
    assert np.abs(plain - own)[:, :20].mean() > 5
    assert np.abs(plain - own)[:, 44:].mean() < 1
    assert np.abs(left - clip)[:, :20].mean() < 2
    assert np.abs(left - plain)[:, 44:].mean() < 1


def test_judged_and_compared_as_any_run() -> None:
    assert predict("out.mp4") == 0
    assert run("evaluate", "out.run", "--quiet") == 0
    evaluation = read_evaluation(Path("out.run"))
    assert evaluation is not None
    assert any(metric.name.startswith("style_gram") for metric in evaluation.metrics)
    assert run("report", "out.run", "-o", "one.html") == 0
    page = Path("one.html").read_text(encoding="utf-8")
    assert "frames a second, network alone" in page
    assert "network alone and end to end" not in page  # what lifts and encodes works beside it, and is not recorded


def test_a_still() -> None:
    write_image("still.png", scene(Look.day, 1)[0])
    assert predict("one.png", WHOLE, clip="still.png") == 0
    assert predict("out", WHOLE, "video.codec=png") == 0
    assert np.array_equal(read_image("one.png"), pictures("out")[0])


def test_a_painterly_network_of_any_style() -> None:
    painter = "predicted.network=painter.safetensors"
    more = ("video.codec=png", "feedforward.channels_last=false", painter)
    assert predict("style", *more) == 0
    assert {*read_records(Path("style.run"))[0]["seconds"]} == {"network", "decode and encode"}
    blend = (*more, "predicted.styles.night=night.png")
    assert predict("night", *blend, "predicted.weights.night=1") == 0
    moving = "predicted.keyframes=[{time: 0.05, style: 1}, {time: 0.12, night: 1}]"
    assert predict("moving", *blend, moving) == 0
    assert predict("batch", *blend, moving, "feedforward.batch=3") == 0
    style, night, moved, batch = (np.stack(pictures(n)).astype(int) for n in ("style", "night", "moving", "batch"))
    assert np.abs(style - night).max() > 1
    assert np.abs(moved[:2] - style[:2]).max() <= 1
    assert np.abs(moved[3] - night[3]).max() <= 1
    assert np.abs(batch - moved).max() <= 1
    assert predict("own", *more, "predicted.content=1") == 0
    assert np.abs(np.stack(pictures("own")).astype(int) - style).max() > 1


def test_the_optimizer_starts_from_the_prediction() -> None:
    """Without a step it ends there, which is the run that only predicts."""
    cells = ("parametrization.luma=4", "parametrization.rows=6", "parametrization.columns=8")
    none = ("schedule.scales=[64]", "schedule.iterations=[0]", "schedule.next_iterations=[0]")
    start = ("schedule.start=predicted", "schedule.next_start=content", NET)
    own = ("segmentation.persistence=0", "segmentation.hysteresis=0", "segmentation.every=1")  # as predicted runs do
    more = ("--quiet", "device=cpu", "cache.folder=cache", "segmentation.regions=2", "predicted.content=0.25")
    assert run("stylize", "clip.mkv", "photo.png", "-o", "start.mp4", *more, *own, *start, *cells, *none) == 0
    assert predict("out.mp4", "predicted.content=0.25") == 0
    assert states("start.run").keys() == states("out.run").keys()
    for one, other in zip(grids("start"), grids("out"), strict=True):
        assert np.array_equal(one, other)
    finer = (*start, "schedule.iterations=[1]", *none[:1], *none[2:])
    assert run("stylize", "clip.mkv", "photo.png", "-o", "finer.mp4", *more, *finer) == 0
    assert grids("finer")[1].shape == (8, 16, 24, 12)  # of the optimizer's cells
    frame = to_frame(scene(Look.day, FRAMES)[1])
    made = [slice_affine(torch.from_numpy(grids(name)[1]), frame) for name in ("finer", "out")]
    assert float((made[0] - made[1]).abs().mean()) < 0.02


def test_saved_styles_stand_for_photographs(capfd: pytest.CaptureFixture[str]) -> None:
    made = ("-o", "dusk.safetensors", "--network", "any.safetensors")
    assert run("style", "photo.png", "night.png", *made, "--weights", ".75,.25") == 0
    assert "made of photo.png 0.75, night.png 0.25" in capfd.readouterr().out
    refused("exists", capfd, "style", "photo.png", *made)
    saved = load_style("dusk.safetensors")
    assert saved.made_of == {"photo.png": 0.75, "night.png": 0.25}
    assert np.array_equal(saved.picture, scene(Look.sunset, 1, seed=11)[0])
    blend = ("predicted.styles.night=night.png", "predicted.weights={style: 0.75, night: 0.25}", WHOLE)
    assert predict("blend.mp4", *blend) == 0
    # Vectors of whole photographs know no regions, so none are looked for.
    assert predict("saved.mp4", photo="dusk.safetensors") == 0
    for one, other in zip(grids("blend"), grids("saved"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert (
        predict("both.mp4", "predicted.styles.dusk=dusk.safetensors", "predicted.weights={style: 0.5, dusk: 0.5}") == 0
    )
    assert np.array_equal(read_style("dusk.safetensors"), saved.picture)  # what it is judged by
    Path("any.safetensors").rename("same.safetensors")  # it is the weights that count
    assert predict("again.mp4", "predicted.network=same.safetensors", photo="dusk.safetensors") == 0
    write_any_style("any.safetensors", seed=1)
    to = ("-o", "x.mp4", "device=cpu", NET)
    said = "dusk.safetensors is a style of another network (kind photographic, weights"
    refused(said, capfd, "stylize", "clip.mkv", "dusk.safetensors", *to, "styler=predicted")
    said = "is a style of another network"
    dusk = ("predicted.styles.dusk=dusk.safetensors", "predicted.weights={style: 0.5, dusk: 0.5}")
    refused(said, capfd, "stylize", "clip.mkv", "photo.png", *to, "styler=predicted", *dusk)
    refused("is a saved style, which only a network understands", capfd, "stylize", "clip.mkv", "dusk.safetensors", *to)
    refused("is a saved style, not a network", capfd, "stylize", "clip.mkv", "photo.png", *to[:-1], "styler=predicted",
            "predicted.network=dusk.safetensors")  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("dusk.png", "--weights", "1,0"), "--weights 1,0 are 2, but there are 1 photographs"),
        (("dusk.png", "--weights", "a"), "--weights a are no numbers with commas between"),
        (("photo.png", "night.png", "--weights", ".5,.6"), "--weights .5,.6 sum to 1.1, but a blend needs a sum of 1"),
        (("photo.png", "night.png", "--weights", "2,-1"), "--weights 2,-1 takes numbers of at least 0"),
        (("photo.png", "-o", "dusk.png"), "dusk.png is no name for a saved style; give it the suffix .safetensors"),
        (("none.png",), "none.png does not exist"),
        (("photo.png", "--network", "one.safetensors"), "is a network of one style (kind reconet)"),
        (("tiny.png",), "tiny.png is 40x24 pixels, but to see a style a network needs at least 32 a side"),
        (
            ("photo.png", "--overwrite", "-o", "any.safetensors"),
            "any.safetensors is the network itself, which the style",
        ),
    ],
)
def test_styles_that_cannot_be_saved(more: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    write_network("one.safetensors")
    write_image("tiny.png", np.zeros((24, 40, 3), np.uint8))
    output = () if "-o" in more else ("-o", "out.safetensors")
    network = () if "--network" in more else ("--network", "any.safetensors")
    refused(said, capfd, "style", *more, *output, *network)
    assert not Path("out.safetensors").exists()
    load_network("any.safetensors")


@pytest.mark.parametrize(
    ("style", "more", "said"),
    [
        ("one.safetensors", (), "takes a photograph or a saved style, but one.safetensors is a network; leave"),
        ("any.safetensors", (), "if it is a network of any style, give it as predicted.network"),
        ("photo.png", ("predicted.network=one.safetensors",), "is a network of one style (kind reconet)"),
        ("photo.png", ("predicted.network=none.safetensors",), "none.safetensors does not exist"),
        ("none.safetensors", (), "none.safetensors does not exist"),
        ("photo.png", ("predicted.styles.a=any.safetensors", "predicted.weights.a=1"), "styles.a: any.safetensors is"),
        ("tiny.png", (), "tiny.png is 40x24 pixels, but to see a style a network needs at least 32 a side"),
        ("photo.png", ("styler=optimized", "schedule.start=predicted", "predicted.network=painter.safetensors"),
         "starts from color transforms, but painter.safetensors is a network of kind arbitrary"),
        ("photo.png", ("predicted.styles.a=tiny.png", "predicted.weights.a=1"), "styles.a: tiny.png is 40x24"),
        ("photo.png", ("predicted.styles.a=none.png", "predicted.weights.a=1"), "none.png does not exist"),
        ("photo.png",
         ("predicted.network=painter.safetensors", "feedforward.backend=onnxruntime", "predicted.content=1"),
         "feedforward.backend=onnxruntime takes one style throughout"),
    ],
)  # fmt: skip
def test_styles_that_cannot_be_taken(
    style: str, more: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    write_network("one.safetensors")
    write_image("tiny.png", np.zeros((24, 40, 3), np.uint8))
    network = () if any(each.startswith("predicted.network=") for each in more) else (NET,)
    styler = () if "styler=optimized" in more else ("styler=predicted",)
    refused(
        said, capfd, "stylize", "clip.mkv", style, "-o", "out.mp4", "--quiet", "device=cpu", *styler, *network, *more
    )
    assert not Path("out.mp4").exists()


def test_a_region_takes_a_photograph_not_a_saved_style(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("style", "night.png", "-o", "night.safetensors", "--network", "any.safetensors") == 0
    more = ("-o", "out.mp4", "--quiet", "device=cpu", "segmentation.styles={region 1: night.safetensors}")
    said = "segmentation.styles.region 1 takes a photograph, but night.safetensors is a saved style"
    refused(said, capfd, "stylize", "clip.mkv", "photo.png", *more, "styler=predicted", NET)
    refused(said, capfd, "stylize", "clip.mkv", "photo.png", *more)
    assert not Path("out.run").exists()


def test_the_judge_that_trained_a_network_of_any_style_does_not_judge_it() -> None:
    def judge(*more: str) -> str | None:
        chosen = ("encoder.kind=vgg19", "styler=predicted", *more)
        return own_judge(load_settings((), chosen, {"content": "c", "style": "photo.png", "output": "o"}))

    assert judge(NET) is None  # told of none
    write_any_style("told.safetensors", encoder="vgg19_cd16x")
    assert judge("predicted.network=told.safetensors") == "vgg19_cd16x"
    assert judge(NET, "styler=optimized") == "vgg19_conv3_1"


def test_a_gray_photograph_is_one_in_color() -> None:
    gray = scene(Look.sunset, 1, seed=11)[0].mean(axis=2).astype(np.uint8)
    cv2.imwrite("gray.png", gray)
    write_image("rgb.png", np.repeat(gray[:, :, None], 3, axis=2))
    assert predict("gray.mp4", WHOLE, photo="gray.png") == 0
    assert predict("rgb.mp4", WHOLE, photo="rgb.png") == 0
    assert states("gray.run") == states("rgb.run")


def test_a_painterly_network_is_exported_with_its_style(capfd: pytest.CaptureFixture[str]) -> None:
    refused("is a network of any style; say which", capfd, "export", "painter.safetensors", "-o", "out.pt")
    photo = ("--style", "photo.png", "-o", "out.pt")
    refused("is a photographic network, which needs the regions", capfd, "export", "any.safetensors", *photo)
    write_network("one.safetensors")
    refused("is for a network of any style, but one.safetensors has one", capfd, "export", "one.safetensors", *photo)
    assert run("export", "painter.safetensors", *photo) == 0
    assert predict("out", "predicted.network=painter.safetensors", "video.codec=png") == 0
    exported = torchscript_call(Path("out.pt").read_bytes())(to_frame(scene(Look.day, 1)[0]))
    assert np.abs(to_picture(exported).astype(int) - pictures("out")[0]).max() <= 1
