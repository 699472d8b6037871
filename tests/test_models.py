"""The networks that come with photovst: small, whole, and what they say they are."""

from pathlib import Path

import pytest
import torch

from photovst.media.scenes import Look, photograph
from photovst.media.tensors import to_frame
from photovst.metrics.fidelity import ssim_edge
from photovst.models.network_files import load_network, network_kind
from photovst.models.networks import CONDITIONED
from photovst.models.steerable import Steerable
from photovst.ops.grams import batch_grams
from photovst.trained import PHOTOGRAPHIC
from photovst.training_settings import load_training

MODELS = Path(__file__).resolve().parents[1] / "models"
FILES = [*sorted(MODELS.glob("*.safetensors")), PHOTOGRAPHIC]
OF_ONE_STYLE = [path for path in FILES if network_kind(path) not in CONDITIONED]
FRAME = to_frame(photograph(Look.day, 3, (144, 240)))


def test_all_are_there() -> None:
    assert [path.stem for path in FILES] == ["dusk", "night", "painter", "photographic"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_small_and_has_the_config_that_made_it(path: Path) -> None:
    assert path.stat().st_size < 4 << 20
    network, settings = load_network(path), load_training([MODELS / f"{path.stem}.yaml"])
    assert network.kind == settings.network.kind.value
    assert network.about["name"] == path.stem
    assert network.about["license"] == settings.license
    assert network.about["steps"].startswith(f"{settings.steps} ")
    assert (MODELS / "README.md").read_text(encoding="utf-8").count(path.stem) > 1


@pytest.mark.parametrize("path", OF_ONE_STYLE, ids=lambda path: path.stem)
def test_a_frame_comes_nearer_to_the_style(path: Path) -> None:
    network, encoder = load_network(path), Steerable()
    result = network.module(FRAME)

    def grams(frame: torch.Tensor) -> torch.Tensor:
        planes = encoder(frame)["level2"]
        return batch_grams(planes, planes.new_ones(1, 1, *planes.shape[-2:]))

    style = grams(to_frame(network.style))
    before, after = ((grams(frame) - style).norm() / style.norm() for frame in (FRAME, result))
    assert after < 0.8 * before


def test_dusk_is_warmer_and_keeps_edges() -> None:
    result = load_network(MODELS / "dusk.safetensors").module(FRAME)
    red, _, blue = (result - FRAME).mean(dim=(0, 2, 3))
    assert red > blue + 0.05
    assert ssim_edge(result, FRAME) > 0.7


@pytest.mark.parametrize("path", [MODELS / "painter.safetensors", PHOTOGRAPHIC], ids=lambda path: path.stem)
def test_a_network_of_any_style_brings_a_frame_nearer_to_each(path: Path) -> None:
    network = load_network(path).module
    for look, seed in ((Look.sunset, 31), (Look.night, 32), (Look.winter, 33)):
        style = to_frame(photograph(look, seed, (144, 240)))
        with torch.no_grad():
            result = network(FRAME, network.style_vectors(style))
        before, after = ((frame.mean((2, 3)) - style.mean((2, 3))).norm() for frame in (FRAME, result))
        assert after < 0.6 * before


def test_the_photographic_network_keeps_edges_and_leaves_a_frame_in_its_own_light() -> None:
    network = load_network(PHOTOGRAPHIC).module
    style = to_frame(photograph(Look.sunset, 31, (144, 240)))
    with torch.no_grad():
        result = network(FRAME, network.style_vectors(style))
        same = network(FRAME, network.style_vectors(FRAME))
    assert ssim_edge(result, FRAME) > 0.7
    assert float((same - FRAME).abs().mean()) < 0.03
