"""Bad clips, photographs, settings, weights and masks: exit code 2, one line on stderr that says what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from media.synthetic import make_clip, pattern
from small_runs import FAST, run, stylize

from photovst.media.images import write_image

TERMS = ("content", "style", "structure", "photorealism", "temporal", "smoothness", "gamut")


def audio_only() -> None:
    with av.open("audio.mp4", "w") as output:
        stream = output.add_stream("aac", rate=48000, layout="stereo")
        for index in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
            frame.sample_rate, frame.pts = 48000, index * 1024
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def test_clips(refused: Callable[..., None]) -> None:
    refused("none.mp4 does not exist; check the path", "none.mp4")
    hint = "for numbered frames give the folder or a pattern such as 'frames/*.png'"
    refused(f"f%03d.png does not exist; check the path; {hint}", "f%03d.png")
    Path("empty.mp4").write_bytes(b"")
    refused("empty.mp4 is empty (0 bytes); give a file that holds a clip", "empty.mp4")
    Path("text.mp4").write_text("no video")
    unreadable = "cannot be read as a video (Invalid data found when processing input); is it complete, and a video?"
    refused(f"text.mp4 {unreadable}", "text.mp4")
    make_clip(Path("whole.mp4"))
    Path("cut.mp4").write_bytes(Path("whole.mp4").read_bytes()[:300])
    refused(f"cut.mp4 {unreadable}", "cut.mp4")
    audio_only()
    refused("audio.mp4 holds no video (found: audio); give a clip with pictures", "audio.mp4")
    write_image("dot.png", pattern(0)[:1, :1])
    refused("dot.png is 1x1 pixels; the shorter side needs at least 16", "dot.png", "photo.png", "out.png")
    for size in ((2, 2), (64, 8)):
        make_clip(Path("small.mp4"), size=size)
        said = f"small.mp4 is {size[1]}x{size[0]} pixels; the shorter side needs at least 16"
        refused(said, "small.mp4")


def test_folders_of_frames(refused: Callable[..., None]) -> None:
    Path("frames").mkdir()
    kinds = "it needs files ending in .png, .jpg, .jpeg, .bmp, .tif, .tiff, .webp"
    refused(f"the folder frames holds no pictures; {kinds}", "frames")
    refused(f"the pattern frames/*.png holds no pictures; {kinds}", "frames/*.png")
    write_image("frames/0.png", pattern(0))
    write_image("frames/1.png", pattern(1)[:48])
    differ = "frames differ in size: frames/0.png is 96x64, frames/1.png is 96x48; give frames of one size"
    refused(differ, "frames")
    Path("frames/1.png").write_bytes(Path("frames/0.png").read_bytes()[:200])
    refused("frames/1.png is cut off: the picture's end is missing; copy or export it again", "frames")


def test_photographs(refused: Callable[..., None]) -> None:
    refused("none.jpg does not exist; check the path", "clip.mkv", "none.jpg")
    kinds = "is not a picture that can be read; give one of .png, .jpg, .jpeg, .bmp, .tif, .tiff, .webp"
    Path("text.jpg").write_text("no picture")
    refused(f"text.jpg {kinds}", "clip.mkv", "text.jpg")
    refused(f"clip.mkv {kinds}", "clip.mkv", "clip.mkv")
    Path("empty.png").write_bytes(b"")
    refused("empty.png is empty (0 bytes); give a file that holds a picture", "clip.mkv", "empty.png")
    Path("folder").mkdir()
    refused("folder cannot be read (Is a directory)", "clip.mkv", "folder")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("objective.style.weight=nan", "objective.style.weight takes a number of at least 0, but nan was given"),
        ("objective.style.weight=-1", "objective.style.weight takes a number of at least 0, but -1.0 was given"),
        ("objective.style.weight=inf", "objective.style.weight takes a number of at least 0, but inf was given"),
        (
            "objective.style.wieght=1",
            "unknown setting 'objective.style.wieght'; did you mean 'objective.style.weight'?",
        ),
        ("style.weight=1", "style is set as a whole"),
        ("sead=1", "unknown setting 'sead'; did you mean 'seed'?"),
        ("seed=abc", "seed takes a whole number, but the text 'abc' was given"),
        ("seed=1.5", "seed takes a whole number, but 1.5 was given"),
        ("strength=2", "strength takes a number from 0 to 1, but 2.0 was given"),
        ("strength=", "strength takes a number, but null was given"),
        ("shots.detect=maybe", "shots.detect takes true or false, but the text 'maybe' was given"),
        ("schedule.scales=32", "schedule.scales takes a list of whole numbers, but 32 was given"),
        ("schedule.scales=[a,b]", "schedule.scales takes a list of whole numbers, but ['a', 'b'] was given"),
        ("schedule.scales=[8,64]", "schedule.scales[0] takes a number from 16 to 8192, but 8 was given"),
        (
            "encoder.kind=vgg",
            "encoder.kind takes one of steerable, vgg19, vgg16, vgg19_caffe, vgg19_cd16x, but the text 'vgg' was given",
        ),
        ("output=b.mp4", "'output=b.mp4' sets what is given as an argument already"),
        ("seed", "'seed' is not key=value, such as seed=1"),
    ],
)
def test_settings(refused: Callable[..., None], override: str, line: str) -> None:
    if override == "style.weight=1":
        line = f"unknown setting 'style.weight'; {line}"
    refused(f"command line: {line}", "clip.mkv", "photo.png", "out.mp4", override)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["schedule.scales=[64,32]"], "schedule.scales must not descend, but [64, 32] was given"),
        (
            ["schedule.scales=[32]"],
            "schedule.iterations has 2 entries [4, 2], but schedule.scales has 1 [32]; give one count a scale",
        ),
        (["device=banana"], "device=banana is no device; choose auto, cpu, cuda or cuda:N"),
        (["device=cuda:x"], "device=cuda:x is no device; choose auto, cpu, cuda or cuda:N"),
        (["segmentation.method=files"], "segmentation.method=files needs segmentation.content=PATH"),
        (
            ["cache.folder=photo.png"],
            "cannot make the cache folder photo.png (File exists); set cache.folder, or cache.enabled=false",
        ),
        (
            ["optimizer.kind=adam", "optimizer.learning_rate=1e9"],
            "the loss became inf after 1 evaluations; lower the weights or the learning rate",
        ),
        (
            [f"objective.{term}.weight=0" for term in TERMS],
            "every weight of the objective is 0 but of terms between frames or of later stages, so no frame would"
            " change; set one, such as objective.style.weight=1",
        ),
        (
            ["objective.photorealism.weight=1", "objective.photorealism.from_stage=2"],
            "objective.photorealism.from_stage=2 comes after the last of 2 entries of schedule.scales, counted from 0;"
            " lower it",
        ),
        (
            ["objective.temporal.neighbors=[10,1]"],
            "objective.temporal.neighbors must ascend, each once, but [10, 1] was given; such as [1, 10, 20, 40]",
        ),
        (
            ["schedule.next_start=noise"],
            "schedule.next_start=noise needs parametrization.kind=pixels; a grid starts from the frame",
        ),
        (
            ["video.size=20"],
            "video.size=20 makes frames of 20x14 pixels, but the shorter side needs at least 16; give a larger one",
        ),
    ],
)
def test_settings_together(refused: Callable[..., None], overrides: list[str], line: str) -> None:
    refused(line, "clip.mkv", "photo.png", "out.mp4", *overrides)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_where_there_is_none(refused: Callable[..., None]) -> None:
    line = "device=cuda, but this machine has 0 CUDA devices; use device=cpu"
    refused(line, "clip.mkv", "photo.png", "out.mp4", "device=cuda")


def test_absent_weights(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", "weights")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache_home"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # where nobody answers: as without a network
    assert stylize("clip.mkv", "photo.png", "out.mp4", "encoder.kind=vgg19_cd16x") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("photovst: error: vgg19_cd16x.pth (3.9 MB, MIT) is not in weights or ")
    assert "put it there or name its folder in PHOTOVST_WEIGHTS" in line
    assert not Path("out.run").exists()
    Path("weights").mkdir()
    Path("weights/vgg19_cd16x.pth").write_bytes(b"other")
    assert stylize("clip.mkv", "photo.png", "out.mp4", "encoder.kind=vgg19_cd16x") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("photovst: error: weights/vgg19_cd16x.pth is not the published vgg19_cd16x.pth: its sha256")


def test_masks(refused: Callable[..., None]) -> None:
    write_image("mask.png", np.zeros((64, 96, 3), np.uint8))
    files = ("clip.mkv", "photo.png", "out.mp4", "segmentation.method=files", "segmentation.style=mask.png")
    refused("none.png does not exist, and as a pattern it matches no file", *files, "segmentation.content=none.png")
    Path("masks").mkdir()
    refused("the mask folder masks holds no pictures; put one a frame there", *files, "segmentation.content=masks")
    for index in range(2):
        write_image(f"masks/{index}.png", np.zeros((64, 96, 3), np.uint8))
    few = "masks holds 2 masks, but the clip has 3 frames; give one a frame, or one for all"
    refused(few, *files, "segmentation.content=masks")
    Path("masks/1.png").write_text("no picture")
    kinds = "is not a picture that can be read; give one of .png, .jpg, .jpeg, .bmp, .tif, .tiff, .webp"
    refused(f"masks/1.png {kinds}", *files, "segmentation.content=masks")
    write_image("small.png", np.zeros((32, 48, 3), np.uint8))
    size = "the mask small.png is 48x32, but its picture 96x64; give one of the picture's size"
    refused(size, *files, "segmentation.content=small.png")
    refused(size, *files[:4], "segmentation.style=small.png", "segmentation.content=mask.png")
    colors = "blue, green, black, white, red, yellow, grey, lightblue, purple"
    pale = np.full((64, 96, 3), (60, 180, 200), np.uint8)
    write_image("pale.png", pale)
    unpainted = f"the mask pale.png is not painted in the nine colors ({colors}): only 0% of its pixels are near one"
    refused(unpainted, *files, "segmentation.content=pale.png")


def test_layers(refused: Callable[..., None]) -> None:
    layer = "the encoder has no layer 'relu1_1'; choose from level0, level1, level2, level3, level4"
    refused(layer, "clip.mkv", "photo.png", "out.mp4", "objective.style.layers=[relu1_1]")
    refused(layer, "clip.mkv", "photo.png", "out.mp4", "objective.content.layer=relu1_1")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- a", "bad.yaml: a config is a mapping of names to values, but this is a list"),
        (
            "style: photo.png\noutput: out.mp4",
            "content is missing; set content=... (The clip: a video file, a folder or glob of frames, or a still.)",
        ),
        ("base: bad.yaml", "bad.yaml: its 'base' leads back to itself; break the circle"),
    ],
)
def test_experiment_files(capfd: pytest.CaptureFixture[str], text: str, line: str) -> None:
    Path("bad.yaml").write_text(text + "\n")
    assert run("run", "bad.yaml") == 2
    assert capfd.readouterr() == ("", f"photovst: error: {line}\n")


def test_as_a_process_there_is_no_traceback_either() -> None:
    command = [sys.executable, "-m", "photovst", "stylize", "clip.mkv", "clip.mkv", "-o", "out.mp4", *FAST]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("photovst: error: clip.mkv is not a picture that can be read;")
    assert sorted(p.name for p in Path().iterdir()) == ["clip.mkv", "photo.png"]
