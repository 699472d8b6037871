"""Converted networks give what the network itself gives, at any size, or are refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from random_networks import write_network
from small_runs import pictures, run, write_inputs

from photovst.errors import SettingsError, WeightsError
from photovst.export_cli import parse_size
from photovst.feedforward import export
from photovst.feedforward.conversion import largest_difference, onnx_call, to_onnx, torchscript_call
from photovst.feedforward.export import export_network
from photovst.models.network_files import load_network

UNSEEN = [(3, (33, 50)), (1, (16, 129))]
"""Numbers and sizes of frames that no conversion was made or checked with."""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty current folder, and shapes unchecked: what PyTorch traces has none that beartype understands."""
    import jaxtyping

    monkeypatch.chdir(tmp_path)
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_onnx_of_any_size(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxscript")
    write_network("net.safetensors", "johnson")
    assert run("export", "net.safetensors", "-o", "net.onnx") == 0
    said = capfd.readouterr()
    assert said.out.startswith("net.onnx: ONNX, ")
    assert "frames of any size; largest difference from net.safetensors" in said.out
    assert said.err == ""
    module = load_network("net.safetensors").module
    assert largest_difference(module, onnx_call(Path("net.onnx").read_bytes(), 1), UNSEEN) < 1e-5


def test_onnx_runtime_as_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a grid network, which is converted for one size; once, and then it is found in the cache."""
    pytest.importorskip("onnxscript")
    write_network("net.safetensors", "grid")
    write_inputs(3)
    arguments = ("stylize", "clip.mkv", "net.safetensors", "--quiet", "device=cpu", "cache.folder=cache")
    more = ("feedforward.backend=onnxruntime", "feedforward.batch=2", "video.codec=png")
    assert run(*arguments, "-o", "torch", "video.codec=png") == 0
    assert run(*arguments, "-o", "onnx", *more) == 0
    assert len([*Path("cache").glob("*.npz")]) == 1
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert run(*arguments, "-o", "again", *more) == 0
    for one, other, again in zip(pictures("torch"), pictures("onnx"), pictures("again"), strict=True):
        assert abs(one.astype(int) - other).max() <= 1
        assert (other == again).all()


@pytest.mark.parametrize("kind", ["reconet", "grid"])
def test_torchscript(kind: str) -> None:
    model = write_network("net.safetensors", kind)
    module = load_network(model).module
    if kind == "grid":
        with pytest.raises(SettingsError, match="exported for one size of frame; give it, such as --size 1280x720"):
            export_network(model, Path("net.pt"))
        said = export_network(model, Path("net.pt"), (35, 50))
        assert "frames of 50x35" in said
        shapes = [(1, (35, 50))]
    else:
        assert "any size" in export_network(model, Path("net.pt"))
        shapes = UNSEEN
    assert largest_difference(module, torchscript_call(Path("net.pt").read_bytes()), shapes) < 1e-5


def test_what_differs_is_refused_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_network("net.safetensors")
    module = load_network(model).module
    name, convert, _ = export.FORMATS[".pt"]
    for run_it, said in (
        (lambda frames: module(frames) + 0.002, r"differs from the network itself by 0\.002 of \[0, 1\] at 96x64"),
        (lambda frames: module(frames) * float("nan"), "differs from the network itself by nan"),
        (lambda frames: module(frames)[..., 1:], "frames of another size at 96x64"),
    ):
        monkeypatch.setitem(export.FORMATS, ".pt", (name, convert, lambda data, call=run_it: call))
        with pytest.raises(WeightsError, match=said):
            export_network(model, Path("net.pt"))
    assert [path.name for path in Path().iterdir()] == ["net.safetensors"]


def test_where_it_goes_is_checked_first(capfd: pytest.CaptureFixture[str]) -> None:
    write_network("net.safetensors")
    Path("there.pt").write_text("mine")
    for output, size, said in (
        ("net.tflite", (), "net.tflite says no format; give it the suffix .onnx or .pt"),
        ("there.pt", (), "there.pt exists"),
        ("no/net.pt", (), "the folder"),
        ("net.pt", ("--size", "12x9000"), "--size 12x9000 is no size; give WIDTHxHEIGHT from 16 to 16384"),
        ("net.pt", ("--size", "large"), "--size large is no size"),
    ):
        assert run("export", "net.safetensors", "-o", output, *size) == 2
        err = capfd.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert Path("there.pt").read_text() == "mine"
    assert run("export", "net.safetensors", "-o", "there.pt", "--overwrite", "--size", "40x24") == 0
    assert parse_size("1280x720") == (720, 1280)


@pytest.mark.parametrize("package", ["onnxscript", "onnxruntime"])
def test_absent_packages_are_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    use = {"onnxruntime": lambda: onnx_call(b"", 1), "onnxscript": lambda: to_onnx(torch.nn.Identity())}[package]
    with pytest.raises(SettingsError, match=r"pip install 'photovst\[onnx\]'"):
        use()


def test_torch_is_told_of_a_tolerance_that_shows() -> None:
    """The largest difference that passes is less than half a level of 8 bits."""
    assert largest_difference(torch.nn.Identity(), lambda frames: frames + 0.0009, UNSEEN) < 0.5 / 255
