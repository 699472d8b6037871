"""Saved styles as files: what is written is read, and what does not fit is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from photovst.errors import WeightsError
from photovst.models.network_files import (
    TrainedNetwork,
    is_network,
    is_saved_style,
    load_network,
    network_kind,
    save_network,
)
from photovst.models.networks import build_network
from photovst.models.style_files import SavedStyle, load_style, save_style, weights_sha256

OPTIONS = {"width": 2, "learned": 3}


def network(seed: int = 0) -> TrainedNetwork:
    torch.manual_seed(seed)
    return TrainedNetwork(build_network("photographic", OPTIONS), "photographic", OPTIONS, None, {})


def style(of: TrainedNetwork) -> SavedStyle:
    picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    return SavedStyle(torch.linspace(-1, 1, 24), picture, of.kind, weights_sha256(of), {"a.png": 0.25, "b.png": 0.75})


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    path, saved = tmp_path / "s.safetensors", style(network())
    save_style(path, saved)
    read = load_style(path, network())
    assert torch.equal(read.vector, saved.vector)
    np.testing.assert_array_equal(read.picture, saved.picture)
    assert (read.kind, read.network, read.made_of) == (saved.kind, saved.network, saved.made_of)
    save_style(tmp_path / "t.safetensors", saved)
    assert path.read_bytes() == (tmp_path / "t.safetensors").read_bytes()


def test_a_style_is_no_network_and_a_network_no_style(tmp_path: Path) -> None:
    save_style(tmp_path / "s.safetensors", style(network()))
    save_network(tmp_path / "n.safetensors", network())
    assert is_saved_style(tmp_path / "s.safetensors")
    assert not is_network(tmp_path / "s.safetensors")
    assert is_network(tmp_path / "n.safetensors")
    assert not is_saved_style(tmp_path / "n.safetensors")
    assert network_kind(tmp_path / "n.safetensors") == "photographic"
    for read in (load_network, network_kind):
        with pytest.raises(WeightsError, match="is a saved style, not a network"):
            read(tmp_path / "s.safetensors")
    with pytest.raises(WeightsError, match="no saved style; give one made by 'photovst style'"):
        load_style(tmp_path / "n.safetensors")


def test_it_is_the_weights_that_tell_networks_apart(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    save_style(path, style(network()))
    load_style(path, replace(network(), about={"name": "the same"}))
    with pytest.raises(WeightsError, match=r"style of another network \(kind photographic, weights [0-9a-f]{12}\)"):
        load_style(path, network(seed=1))
    with pytest.raises(WeightsError, match="style of another network"):
        load_style(path, replace(network(), options={**OPTIONS, "ridge": 0.1}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("version", "is a style of layout 7, but this photovst reads layout 1"),
        ("made_of", "is damaged"),
        ("vector", "is damaged .*its vector is none"),
        ("nan", "is damaged .*its vector is none"),
        ("picture", "is damaged .*its picture is none"),
        ("cut", "no whole safetensors file .*'photovst style'"),
        ("absent", "does not exist; check the path of the style"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, change: str, said: str) -> None:
    path = tmp_path / "s.safetensors"
    save_style(path, style(network()))
    with safetensors.safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["photovst style"])
        tensors = {name: file.get_tensor(name) for name in ("vector", "picture")}
    match change:
        case "version":
            header["version"] = 7
        case "made_of":
            header["made_of"] = 3
        case "vector":
            tensors["vector"] = torch.zeros(2, 2)
        case "nan":
            tensors["vector"][0] = torch.nan
        case "picture":
            tensors["picture"] = torch.zeros(4, 4, 3)
    path.write_bytes(safetensors.torch.save(tensors, {"photovst style": json.dumps(header)}))
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    if change == "absent":
        path.unlink()
    with pytest.raises(WeightsError, match=said):
        load_style(path)
