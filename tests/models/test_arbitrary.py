"""The network of any style: regions, sizes and files; that the published form is Magenta's stands in test_magenta."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from photovst.models.arbitrary import Arbitrary, ContractNorm
from photovst.models.magenta import OPTIONS
from photovst.models.network_files import TrainedNetwork, load_network, save_network

SMALL = {"width": 4, "blocks": 2, "bottleneck": 6}


@pytest.fixture(params=["conditional", "batch"])
def network(request: pytest.FixtureRequest) -> Arbitrary:
    norm: ContractNorm = request.param
    return Arbitrary(**SMALL, contract_norm=norm).eval().requires_grad_(False)


def _masks(regions: int, height: int, width: int) -> Tensor:
    return (4 * torch.randn(2, regions, height, width)).softmax(dim=1)


@pytest.mark.parametrize("size", [(16, 16), (17, 19), (24, 41), (50, 20)])
def test_frames_of_any_size_keep_it_and_stay_in_range(network: Arbitrary, size: tuple[int, int]) -> None:
    frame, vectors = torch.rand(2, 3, *size), torch.randn(2, 1, 6)
    result, inner = network.with_features(frame, vectors)
    assert result.shape == frame.shape
    assert 0 <= float(result.min()) < float(result.max()) <= 1
    assert inner.shape == (2, 16, -(-size[0] // 4), -(-size[1] // 4))
    assert torch.equal(network(frame, vectors), result)


@pytest.mark.parametrize(("size", "masks"), [((20, 28), (20, 28)), ((21, 30), (21, 30)), ((21, 30), (7, 8))])
def test_equal_vectors_with_any_masks_are_one_vector(
    network: Arbitrary, size: tuple[int, int], masks: tuple[int, int]
) -> None:
    frame, vectors = torch.rand(2, 3, *size), torch.randn(2, 1, 6)
    several = network(frame, vectors.expand(2, 3, 6), _masks(3, *masks))
    torch.testing.assert_close(several, network(frame, vectors), atol=1e-5, rtol=1e-4)


def test_vectors_of_a_whole_are_those_under_masks_of_ones(network: Arbitrary) -> None:
    picture = torch.rand(2, 3, 40, 33)
    whole = network.style_vectors(picture)
    assert whole.shape == (2, 1, network.vector_size)
    torch.testing.assert_close(network.style_vectors(picture, torch.ones(2, 1, 40, 33)), whole)
    regions = network.style_vectors(picture, _masks(3, 40, 33))
    assert regions.shape == (2, 3, network.vector_size)
    # The bottleneck is linear and the masks sum to 1, so the regions' vectors lie around that of the whole.
    assert float((regions - whole).abs().max()) < float((regions.max() - regions.min()).abs())


def test_a_region_takes_its_own_vector(network: Arbitrary) -> None:
    for layer in [*network.gammas[:-1], *network.betas[:-1]]:
        layer.weight.zero_()  # the last normalization alone heeds vectors: all before it see the whole picture
    frame, vectors = torch.rand(1, 3, 24, 32), torch.randn(1, 2, 6)
    left = (torch.arange(32) < 12).float().expand(1, 1, 24, 32)
    masks = torch.cat([left, 1 - left], dim=1)
    result = network(frame, vectors, masks)
    first, second = (network(frame, each) for each in vectors.split(1, dim=1))
    torch.testing.assert_close(result, torch.where(left > 0, first, second))
    assert not torch.allclose(first, second, atol=1e-3)


def test_vectors_alone_make_the_style(network: Arbitrary) -> None:
    frame, vectors = torch.rand(1, 3, 32, 32), torch.randn(1, 1, 6)
    assert not torch.allclose(network(frame, vectors), network(frame, vectors + 1), atol=1e-3)


def test_gradients_reach_every_weight() -> None:
    network = Arbitrary(**SMALL)
    frame, style = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    network(frame, network.style_vectors(style)).square().sum().backward()
    reached = {name for name, each in network.named_parameters() if each.grad is not None and bool(each.grad.any())}
    # A bias in front of a normalization has none but rounding; the others all count.
    silent = {name for name, _ in network.named_parameters() if name not in reached}
    assert all(name.startswith(("contract", "residual", "expand")) and name.endswith("bias") for name in silent)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize("regions", [0, 3])
def test_vectors_and_masks_that_do_not_go_together(network: Arbitrary, regions: int) -> None:
    frame, vectors = torch.rand(2, 3, 16, 16), torch.randn(2, 2, 6)
    given = f"masks of {regions}" if regions else "no masks"
    with pytest.raises(ValueError, match=f"scales of 2 regions, but {given}; give one mask a region"):
        network(frame, vectors, _masks(regions, 16, 16) if regions else None)


def test_the_published_form_sets_no_style_on_the_way_in_and_fits_a_file(tmp_path: Path) -> None:
    network = Arbitrary(**OPTIONS).eval().requires_grad_(False)
    assert network.depths == (*[128] * 10, 64, 32, 3)
    assert Arbitrary(width=32, blocks=5).depths == (32, 64, 128, *[128] * 10, 64, 32, 3)
    assert network.vector_size == 100
    path = tmp_path / "it.safetensors"
    save_network(path, TrainedNetwork(network, "arbitrary", dict(OPTIONS), None, {}), torch.float32)
    loaded = load_network(path).module
    frame, style = torch.rand(1, 3, 18, 21), torch.rand(1, 3, 30, 80)
    vectors = network.style_vectors(style)
    assert torch.equal(loaded.style_vectors(style), vectors)
    assert torch.equal(loaded(frame, vectors), network(frame, vectors))


def test_results_are_given_the_colors_of_the_style() -> None:
    torch.manual_seed(0)
    network = Arbitrary(width=2, blocks=1, bottleneck=4, colors=True).eval()
    style = 0.3 + 0.2 * torch.rand(1, 3, 33, 40) * torch.tensor([1.0, 0.5, 0.2])[:, None, None]
    with torch.no_grad():
        vectors = network.style_vectors(style)
        result = network(torch.rand(1, 3, 30, 41), vectors)
    assert vectors.shape == (1, 1, network.vector_size) == (1, 1, 10)
    torch.testing.assert_close(result.mean((2, 3)), style.mean((2, 3)), atol=0.01, rtol=0)
    masks = torch.rand(1, 2, 10, 12).softmax(dim=1)
    assert network(torch.rand(1, 3, 30, 41), vectors.expand(-1, 2, -1), masks).shape == (1, 3, 30, 41)
