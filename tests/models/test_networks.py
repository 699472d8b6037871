import itertools

import pytest
import torch
from torch import nn

from photovst.errors import WeightsError
from photovst.models.grid_network import GridNetwork
from photovst.models.johnson import Johnson
from photovst.models.networks import CONDITIONED, KINDS, build_network
from photovst.models.normalization import FilterResponseNorm, normalization
from photovst.models.reconet import ReCoNet
from photovst.models.residual import padded_to

SMALL = {"reconet": {"width": 4, "blocks": 1}, "johnson": {"width": 4, "blocks": 1}, "grid": {"width": 4, "size": 32}}
ONE_STYLE = sorted(KINDS.keys() - CONDITIONED)


def convolutions(network: nn.Module) -> list[tuple[int, int, int, int]]:
    layers = (m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))
    return [(m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0]) for m in layers]


def test_reconet_has_the_published_layers() -> None:
    blocks = [(192, 192, 3, 1)] * 8
    down, up = [(3, 48, 9, 1), (48, 96, 3, 2), (96, 192, 3, 2)], [(192, 96, 3, 1), (96, 48, 3, 1), (48, 3, 9, 1)]
    assert convolutions(ReCoNet()) == [*down, *blocks, *up]
    blocks = [(128, 128, 3, 1)] * 10
    down, up = [(3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2)], [(128, 64, 3, 1), (64, 32, 3, 1), (32, 3, 9, 1)]
    assert convolutions(ReCoNet(32, 5)) == [*down, *blocks, *up]


def test_johnson_comes_back_by_transposed_convolutions() -> None:
    up = [m for m in Johnson().modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels, m.stride) for m in up] == [(128, 64, (2, 2)), (64, 32, (2, 2))]


@pytest.mark.parametrize(
    ("kind", "norm"),
    [*itertools.product(["reconet", "johnson"], ["instance", "filter_response"]), ("grid", None)],
)
@pytest.mark.parametrize("size", [(16, 16), (37, 50), (64, 33)])
def test_any_size_comes_out_as_it_went_in(kind: str, norm: str | None, size: tuple[int, int]) -> None:
    options = {} if norm is None else {"norm": norm}
    network = build_network(kind, SMALL[kind] | options).eval()
    frame = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    out = network(frame)
    assert out.shape == frame.shape
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("kind", ["reconet", "johnson"])
def test_a_size_that_is_no_multiple_moves_nothing(kind: str) -> None:
    # What is padded is on the right and below: the picture's own pixels get what the continued picture's get.
    torch.manual_seed(0)
    network = build_network(kind, SMALL[kind]).eval()
    frame = torch.rand(1, 3, 30, 41)
    wide = padded_to(frame, 4)
    assert wide.shape[-2:] == (32, 44)
    torch.testing.assert_close(wide[..., :30, :41], frame, rtol=0, atol=0)
    torch.testing.assert_close(network(frame), network(wide)[..., :30, :41])


@pytest.mark.parametrize("kind", ONE_STYLE)
def test_frames_of_a_batch_do_not_see_each_other(kind: str) -> None:
    torch.manual_seed(0)
    network = build_network(kind, SMALL[kind]).eval()
    if kind == "grid":
        nn.init.normal_(network.get_submodule("head").weight, std=0.1)  # type: ignore[arg-type]
    frames = torch.rand(3, 3, 24, 32)
    alone = torch.cat([network(frame[None]) for frame in frames])
    torch.testing.assert_close(network(frames), alone)
    assert (alone - frames).abs().mean() > 0.01


@pytest.mark.parametrize("kind", ONE_STYLE)
def test_with_features_gives_what_forward_gives(kind: str) -> None:
    network = build_network(kind, SMALL[kind])
    frame = torch.rand(1, 3, 20, 24)
    out, features = network.with_features(frame)
    torch.testing.assert_close(out.clamp(0, 1), network(frame))
    if kind != "grid":
        assert features.shape == (1, 16, 5, 6)


def test_an_untrained_grid_changes_nothing() -> None:
    frame = torch.rand(1, 3, 40, 60)
    torch.testing.assert_close(GridNetwork()(frame), frame)


def test_every_weight_of_a_grid_network_is_trained() -> None:
    network = GridNetwork(width=4, size=32)
    nn.init.normal_(network.head.weight, std=0.1)
    (network(torch.rand(1, 3, 24, 32)) - 0.5).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_filter_response_norm_is_its_formula() -> None:
    norm = FilterResponseNorm(2, epsilon=0.5)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, 1.0]).view(1, 2, 1, 1))
        norm.bias.copy_(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1))
        norm.threshold.copy_(torch.tensor([-1.0, 0.0]).view(1, 2, 1, 1))  # type: ignore[union-attr]
    features = torch.tensor([[[[3.0, -4.0]], [[1.0, 1.0]]]])
    expected = [[2 * 3 / 13**0.5, -1.0], [1 / 1.5**0.5 + 1] * 2]  # mean squares 12.5 and 1, plus .5
    torch.testing.assert_close(norm(features)[0, :, 0], torch.tensor(expected))


def test_filter_response_norm_forgets_the_scale() -> None:
    norm = FilterResponseNorm(3)
    features = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(norm(100 * features), norm(features), rtol=1e-4, atol=1e-5)


def test_filter_response_norm_has_the_gradient_of_differences() -> None:
    norm = FilterResponseNorm(2, thresholded=False).double()
    features = torch.randn(1, 2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(norm, features.requires_grad_())


def test_what_is_not_activated_goes_below_zero() -> None:
    features = torch.randn(1, 2, 8, 8)
    for kind in ("instance", "filter_response"):
        assert normalization(kind, 2, activated=True)(features).min() >= 0  # type: ignore[arg-type]
        assert normalization(kind, 2, activated=False)(features).min() < 0  # type: ignore[arg-type]


def test_kinds_and_options_that_are_not_there() -> None:
    with pytest.raises(WeightsError, match="no kind of network 'recon'; did you mean 'reconet'"):
        build_network("recon", {})
    with pytest.raises(WeightsError, match=r"cannot be made with .*'depth'"):
        build_network("reconet", {"depth": 3})


def test_a_grid_network_sees_no_border() -> None:
    # A picture that is the same everywhere gets the same transform everywhere, at its borders, too.
    torch.manual_seed(0)
    network = GridNetwork(width=4, size=64, rows=4, columns=6)
    nn.init.normal_(network.head.weight, std=0.3)
    grid = network.grids(torch.full((1, 3, 40, 60), 0.3))
    torch.testing.assert_close(grid, grid[:, :, :1, :1].expand_as(grid), rtol=1e-4, atol=1e-5)
    wide = torch.rand(1, 3, 33, 61)
    assert network(wide).shape == wide.shape
    assert network(wide[..., :16, :]).shape == (1, 3, 16, 61)
