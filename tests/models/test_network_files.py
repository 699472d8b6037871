import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from photovst.errors import WeightsError
from photovst.models.network_files import TrainedNetwork, is_network, load_network, save_network
from photovst.models.networks import build_network

OPTIONS = {"width": 4, "blocks": 1}


def network(kind: str = "reconet") -> TrainedNetwork:
    torch.manual_seed(0)
    style = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    options = OPTIONS if kind == "reconet" else {"width": 4, "size": 32}
    return TrainedNetwork(build_network(kind, options), kind, options, style, {"name": "dots", "steps": "3"})


@pytest.mark.parametrize("kind", ["reconet", "grid"])
def test_what_is_saved_is_read(tmp_path: Path, kind: str) -> None:
    path, saved = tmp_path / "n.safetensors", network(kind)
    save_network(path, saved, torch.float32)
    read = load_network(path)
    assert (read.kind, read.options, read.about) == (saved.kind, saved.options, saved.about)
    np.testing.assert_array_equal(read.style, saved.style)
    frame = torch.rand(1, 3, 20, 24)
    torch.testing.assert_close(read.module(frame), saved.module.eval()(frame), rtol=0, atol=0)
    assert not any(p.requires_grad for p in read.module.parameters())


@pytest.mark.parametrize("kind", ["arbitrary", "photographic"])
def test_a_network_of_any_style_has_no_picture(tmp_path: Path, kind: str) -> None:
    path, options = tmp_path / "n.safetensors", {"width": 2}
    module = build_network(kind, options)
    save_network(path, TrainedNetwork(module, kind, options, None, {}), torch.float32)
    read = load_network(path)
    assert read.style is None
    frame, vectors = torch.rand(1, 3, 20, 24), torch.rand(1, 1, module.vector_size)  # type: ignore[arg-type]
    torch.testing.assert_close(read.module(frame, vectors), module.eval()(frame, vectors), rtol=0, atol=0)
    with pytest.raises(WeightsError, match=f"'{kind}' takes any style; it has no picture"):
        save_network(path, TrainedNetwork(module, kind, options, np.zeros((4, 4, 3), np.uint8), {}))


def test_a_network_of_one_style_has_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    with pytest.raises(WeightsError, match="'reconet' has one style; give its picture"):
        save_network(path, replace(network(), style=None))
    assert not path.exists()


def test_half_the_bits_take_half_the_room(tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_network(whole, network(), torch.float32)
    save_network(half, network())
    assert half.stat().st_size < 0.7 * whole.stat().st_size
    frame = torch.rand(1, 3, 20, 24)
    assert load_network(half).module(frame).dtype is torch.float32
    torch.testing.assert_close(load_network(half).module(frame), load_network(whole).module(frame), rtol=0, atol=5e-3)


def test_equal_networks_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_network(tmp_path / f"{name}.safetensors", network())
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_only_the_suffix_tells() -> None:
    assert is_network("a/b.SafeTensors")
    assert not is_network("photo.png")


def broken(tmp_path: Path, change: str) -> Path:
    path = tmp_path / "n.safetensors"
    save_network(path, network())
    with safetensors.safe_open(path, framework="pt") as file:
        said, tensors = json.loads(file.metadata()["photovst"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    first = next(name for name in tensors if name.startswith("network."))
    match change:
        case "version":
            said["version"] = 7
        case "foreign":
            path.write_bytes(safetensors.torch.save(tensors, {"format": "pt"}))
            return path
        case "kind":
            said["kind"] = "unet"
        case "options":
            said["options"] = {"width": 8, "blocks": 1}
        case "about":
            said["about"] = 3
        case "style":
            del tensors["style"]
        case "missing":
            del tensors[first]
        case "extra":
            tensors["network.more"] = torch.zeros(2)
        case "nan":
            tensors[first] = torch.full_like(tensors[first], torch.nan)
    path.write_bytes(safetensors.torch.save(tensors, {"photovst": json.dumps(said)}))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("version", "layout 7, but this photovst reads layout 1"),
        ("foreign", "no network of photovst"),
        ("kind", "no kind of network 'unet'"),
        ("options", r"has encoder.0.0.1.weight as \(4, 3, 9, 9\), not \(8, 3, 9, 9\)"),
        ("about", "is damaged"),
        ("style", "is damaged"),
        ("missing", "lacks "),
        ("extra", "has more, which is none of its weights"),
        ("nan", "no number"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        load_network(broken(tmp_path, change))


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))  # type: ignore[return-value]


def test_a_pickle_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.safetensors").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(WeightsError, match=r"no whole safetensors file.*Pickles"):
        load_network("n.safetensors")
    assert not Path("ran").exists()


def test_a_file_cut_short_and_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    save_network(path, network())
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="no whole safetensors file"):
        load_network(path)
    with pytest.raises(WeightsError, match="does not exist"):
        load_network(tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="is a folder, not a network"):
        load_network(tmp_path)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    ill = network()
    with torch.no_grad():
        next(ill.module.parameters()).fill_(1e6)
    path = tmp_path / "n.safetensors"
    with pytest.raises(WeightsError, match=r"no number in torch\.float16"):
        save_network(path, ill)
    assert not path.exists()
