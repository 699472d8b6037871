"""Clips restyled by trained networks, from the command line to the result and what is made of it."""

from __future__ import annotations

import errno
import functools
import itertools
import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from media.synthetic import make_clip, packet_times, pattern
from random_networks import write_network
from small_runs import SIZE, pictures, refused, run, scene, write_clip, write_inputs

from photovst import stored_frames
from photovst.errors import MediaError
from photovst.evaluation import read_evaluation
from photovst.feedforward import export
from photovst.judges.bench import own_judge
from photovst.media.clip import open_clip
from photovst.media.images import read_image, write_image
from photovst.media.scenes import Look
from photovst.media.tensors import to_frame, to_picture
from photovst.models import network_files
from photovst.models.network_files import load_network
from photovst.progress import progress_for
from photovst.run import RunFolder, read_records
from photovst.settings_io import load_settings
from photovst.shown import read_shown
from photovst.style_pictures import read_style
from photovst.stylize import _warn_of_idle

FRAMES = 5
KINDS = ("reconet", "johnson", "grid")


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder with ``clip.mkv``, ``photo.png`` and three networks."""
    monkeypatch.chdir(tmp_path)
    write_inputs(FRAMES)
    for kind in KINDS:
        write_network(f"{kind}.safetensors", kind)


def restyle(network: str, output: str, *more: str, clip: str = "clip.mkv") -> int:
    return run("stylize", clip, network, "-o", output, "--quiet", "device=cpu", "cache.folder=cache", *more)


def by_hand(network: str, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return to_picture(load_network(network).module(to_frame(image)), image.dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_goes_through_the_network(kind: str) -> None:
    path = f"{kind}.safetensors"
    assert restyle(path, "out", "video.codec=png", "feedforward.channels_last=false") == 0
    made = pictures("out")
    assert len(made) == FRAMES
    for given, result in zip(scene(Look.day, FRAMES), made, strict=True):
        assert np.array_equal(result, by_hand(path, given))
        assert np.abs(result.astype(int) - given).mean() > 3
    # In groups, and with channels together, sums are taken in another order.
    assert restyle(path, "groups", "video.codec=png", "feedforward.batch=3") == 0
    for one, other in zip(made, pictures("groups"), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_a_run_folder_as_of_any_run() -> None:
    assert restyle("reconet.safetensors", "out.mp4", "feedforward.batch=2") == 0
    folder = Path("out.run")
    records = read_records(folder)
    assert [record["frame"] for record in records] == [*range(FRAMES)]
    for record in records:
        assert set(record["seconds"]) == {"network", "decode and encode"}
        assert record["seconds"]["network"] > 0
    assert json.loads((folder / "finished.json").read_text())["result"] == "../out.mp4"
    assert not [*folder.glob("state/*")]  # the result holds them
    shown = read_shown(folder)
    assert shown is not None
    assert [each.frame for each in shown.frames] == [0, 1, 3, 4]
    assert shown.style is not None
    assert shown.style.caption == "reconet.safetensors"
    assert shown.title == "clip.mkv in the style of reconet.safetensors"
    page = (folder / "report.html").read_text()
    assert "frames a second, network alone and end to end" in page
    key = json.loads((folder / "provenance.json").read_text())
    assert key["settings"]["feedforward.batch"] == 2
    assert not [name for name in key["settings"] if name.startswith("objective")]


def test_times_audio_alpha_depth_size_and_strength_are_kept() -> None:
    ticks = (0, 3, 4, 9, 15)
    make_clip(Path("vfr.mp4"), ticks, Fraction(1, 30), audio=("aac",), last=2)
    assert restyle("grid.safetensors", "out.mp4", "feedforward.batch=2", clip="vfr.mp4") == 0
    assert [f.time for f in open_clip("out.mp4")] == [Fraction(t, 30) for t in ticks]
    assert packet_times(Path("out.mp4")) == packet_times(Path("vfr.mp4"))
    assert open_clip("out.mp4").info.has_audio

    deep = [picture.astype(np.uint16) * 257 + 5 for picture in scene(Look.day, 2)]
    alphas = [np.full(SIZE, 1000 * (t + 1), np.uint16) for t in range(2)]
    write_clip("deep.mkv", deep, alphas=alphas)
    assert restyle("grid.safetensors", "deep_out.mkv", "video.codec=ffv1", clip="deep.mkv") == 0
    for frame, picture, alpha in zip(open_clip("deep_out.mkv"), deep, alphas, strict=True):
        assert frame.image.dtype == np.uint16
        assert np.abs(frame.image.astype(int) - by_hand("grid.safetensors", picture)).max() <= 64
        assert np.array_equal(frame.alpha, alpha)

    for strength in ("0", "0.5", "1"):
        more = ("video.codec=png", "feedforward.channels_last=false")
        assert restyle("reconet.safetensors", strength, *more, f"strength={strength}") == 0
    none, half, full = (np.stack(pictures(strength)).astype(int) for strength in ("0", "0.5", "1"))
    assert np.array_equal(none, np.stack(scene(Look.day, FRAMES)))
    assert np.abs(half - (none + full) / 2).max() <= 1
    assert restyle("reconet.safetensors", "small.mp4", "video.size=48") == 0
    assert open_clip("small.mp4").info.size == (32, 48)


def test_a_still_and_a_folder() -> None:
    write_image("still.png", scene(Look.day, 1)[0])
    assert restyle("grid.safetensors", "out.png", "feedforward.batch=8", clip="still.png") == 0
    assert np.abs(read_image("out.png").astype(int) - by_hand("grid.safetensors", read_image("still.png"))).max() <= 1
    Path("frames").mkdir()
    for index in range(3):
        write_image(f"frames/{index}.png", pattern(index))
    assert restyle("grid.safetensors", "made", "video.codec=png", clip="frames") == 0
    assert len(pictures("made")) == 3


class Killed(BaseException):
    """Ends a run as nothing in it expects."""


@pytest.mark.parametrize("share", [0.0, 1e9], ids=["computed again", "stored"])
@pytest.mark.parametrize("at", [1, 4])
def test_a_killed_run_ends_with_the_same_bytes(monkeypatch: pytest.MonkeyPatch, share: float, at: int) -> None:
    """Also where it was stopped in the middle of a group."""
    arguments = ("reconet.safetensors", "out.mp4", "feedforward.batch=2")
    assert restyle(*arguments) == 0
    whole = Path("out.mp4").read_bytes()
    assert restyle("reconet.safetensors", "again.mp4", "feedforward.batch=2") == 0
    assert Path("again.mp4").read_bytes() == whole
    Path("out.mp4").unlink()

    calls: list[int] = []
    ticks = functools.partial(next, itertools.count(0.0))
    monkeypatch.setattr(stored_frames.StoredFrames.__init__, "__defaults__", (share, ticks))
    add = RunFolder.add_record

    def add_record(self: RunFolder, record: Any) -> None:
        add(self, record)
        calls.append(record["frame"])
        if len(calls) == at + 1:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add_record", add_record)
        with pytest.raises(Killed):
            restyle(*arguments, "--overwrite")
    assert not Path("out.mp4").exists()
    # The first is always stored: how long that takes is not known before.
    assert len([*Path("out.run/state").glob("*.npz")]) == (at if share else 1)
    done = [*calls]
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add_record", lambda self, record: (add(self, record), calls.append(record["frame"])))
        assert restyle(*arguments) == 0
    assert Path("out.mp4").read_bytes() == whole
    first = (at // 2) * 2 if share else 0
    assert calls[len(done) :] == [*range(first, FRAMES)]
    assert [record["frame"] for record in read_records(Path("out.run"))] == [*range(FRAMES)]


def test_a_finished_run_is_not_replaced_unasked(capfd: pytest.CaptureFixture[str]) -> None:
    """Its states are gone, but it is no run that ended before its first frame."""
    assert restyle("grid.safetensors", "out.mp4") == 0
    Path("out.mp4").rename("kept.mp4")
    arguments = ("stylize", "clip.mkv", "grid.safetensors", "-o", "out.mp4", "--quiet", "device=cpu")
    refused("out.run belongs to another run (differs in strength)", capfd, *arguments, "strength=0.5")
    # What only optimization looks at makes no other run.
    assert restyle("grid.safetensors", "out.mp4", "objective.style.weight=3", "encoder.stride=2") == 0
    assert Path("out.mp4").read_bytes() == Path("kept.mp4").read_bytes()


def test_bfloat16_and_compilation_are_close() -> None:
    for kind in ("reconet", "grid"):
        assert restyle(f"{kind}.safetensors", kind, "video.codec=png") == 0
        assert restyle(f"{kind}.safetensors", f"{kind}16", "video.codec=png", "feedforward.precision=bfloat16") == 0
        difference = np.stack(pictures(kind)).astype(int) - np.stack(pictures(f"{kind}16"))
        assert 0 < np.abs(difference).mean() < 3


def test_evaluate_compare_sweep_and_report_take_such_runs(capfd: pytest.CaptureFixture[str]) -> None:
    assert restyle("reconet.safetensors", "out.mp4") == 0
    style = load_network("reconet.safetensors").style
    write_image("style.png", style)
    assert np.array_equal(read_style("reconet.safetensors"), read_style("style.png"))
    assert run("evaluate", "out.run", "--quiet") == 0
    judged = read_evaluation(Path("out.run"))
    assert run("evaluate", "out.mp4", "--reference", "clip.mkv", "--style", "style.png", "--quiet") == 0
    same = read_evaluation(Path("out.eval"))
    for name in ("style_gram.steerable", "histogram", "e_stab", "ssim_edge"):
        one, other = judged.metric(name), same.metric(name)
        assert one is not None
        assert other is not None
        assert one.value == other.value is not None

    assert restyle("grid.safetensors", "grid.mp4") == 0
    assert run("report", "out.run", "grid.run", "-o", "page.html", "--quiet") == 0
    assert "reconet.safetensors" in Path("page.html").read_text()

    assert run("compare", "out.run", "grid.run", "-o", "compared.mp4", "--quiet") == 0
    assert len(pictures("compared.mp4")) == FRAMES
    Path("one.yaml").write_text("content: clip.mkv\nstyle: grid.safetensors\ndevice: cpu\ncache: {folder: cache}\n")
    capfd.readouterr()
    assert run("compare", "one.yaml", "-o", "compared", "--quiet") == 0
    assert "\n| one | " in capfd.readouterr().out

    Path("sweep.yaml").write_text(
        "output: swept\nsettings: {device: cpu, cache.folder: cache}\nclips: {clip: clip.mkv}\n"
        "styles: {a: grid.safetensors, b: reconet.safetensors}\ngrid: {feedforward.batch: [1]}\n"
    )
    assert run("sweep", "sweep.yaml", "--quiet") == 0
    assert len([*Path("swept").glob("clip/*/*/*.mp4")]) == 2
    assert "failed" not in Path("swept/sweep.md").read_text()


def test_the_judge_that_trained_a_network_does_not_judge_it() -> None:
    def judge(style: str) -> str | None:
        return own_judge(load_settings((), ["encoder.kind=vgg19"], {"content": "c", "style": style, "output": "o"}))

    assert judge("photo.png") == "vgg19_conv3_1"
    assert judge("reconet.safetensors") is None  # trained by whatever it was, not by vgg19
    write_network("told.safetensors", encoder="vgg19_cd16x")
    assert judge("told.safetensors") == "vgg19_cd16x"


def test_what_does_not_go_together_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("stylize", "clip.mkv", "grid.safetensors", "-o", "out.mp4", "--quiet", "device=cpu")
    refused("float16 is for a GPU", capfd, *arguments, "feedforward.precision=float16")
    onnx = "feedforward.backend=onnxruntime"
    refused("computes in float32", capfd, *arguments, onnx, "feedforward.precision=bfloat16")
    refused("'feedforward.batch'", capfd, *arguments, "feedforward.batsh=2")
    refused("feedforward.batch takes a number from 1 to 256", capfd, *arguments, "feedforward.batch=0")


def _told(data: bytes, value: str, other: str) -> bytes:
    """A file whose header says something else, of the same length."""
    changed = data.replace(value.encode(), other.encode())
    assert changed != data
    return changed


def test_files_that_are_no_network_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path("harm").touch, ())

    Path("code.safetensors").write_bytes(pickle.dumps(Harmful()))
    whole = Path("reconet.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(whole[: len(whole) // 2])
    Path("version.safetensors").write_bytes(_told(whole, r"\"version\": 1", r"\"version\": 9"))
    Path("kind.safetensors").write_bytes(_told(whole, r"\"reconet\"", r"\"johnson\""))
    write_network("speck.safetensors", style=np.zeros((8, 8, 3), np.uint8))
    said = {
        "code": "code.safetensors is no whole safetensors file",
        "cut": "cut.safetensors is no whole safetensors file",
        "version": "layout 9",
        "kind": "does not fit the network it says it is",
        "absent": "absent.safetensors does not exist",
        "speck": "the style image of speck.safetensors is 8x8 pixels",
    }
    for name, text in said.items():
        for verb in (("stylize", "clip.mkv"), ("export",)):
            out = "out.mp4" if len(verb) == 2 else "out.pt"
            if (name, out) != ("speck", "out.pt"):
                refused(text, capfd, *verb, f"{name}.safetensors", "-o", out, *(["--quiet"] if len(verb) == 2 else []))
    assert not Path("harm").exists()
    assert not Path("out.run").exists()


def test_settings_that_have_no_say_are_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert restyle("grid.safetensors", "plain.mp4", "strength=0.5", "feedforward.batch=2", "seed=1") == 0
    assert capfd.readouterr().err == ""
    assert restyle("grid.safetensors", "out.mp4", "objective.style.weight=2") == 0
    said = capfd.readouterr().err
    assert "warning: objective.style.weight changed from the default, which has no say with a trained network" in said
    assert said.count("\n") == 1
    settings = load_settings((), ("feedforward.batch=2",), {"content": "a", "style": "b", "output": "c"})
    with progress_for(quiet=True) as progress:
        _warn_of_idle(settings, ("feedforward",), "a photograph as style", progress)
    assert progress.warnings == [
        "feedforward.batch changed from the default, which has no say with a photograph as style"
    ]


def test_a_place_that_cannot_be_written_to(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export, "write_atomic", full)
    refused("cannot write out.pt (No space left on device)", capfd, "export", "reconet.safetensors", "-o", "out.pt")
    monkeypatch.setattr(network_files, "write_atomic", full)
    with pytest.raises(MediaError, match=r"cannot write the network n\.safetensors \(No space left"):
        network_files.save_network(Path("n.safetensors"), load_network("reconet.safetensors"))
