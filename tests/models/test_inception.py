"""Against torchvision's own Inception-v3 where both are the same; what Magenta's program makes of it: test_magenta."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photovst.models.inception import SMALLEST, Inception, InsideMean
from photovst.models.torchvision_ops import import_torchvision
from photovst.ops.resize import resize

STATISTICS = {"beta": "bias", "mean": "running_mean", "variance": "running_var"}
"""Their names of what ours are."""


@pytest.fixture(scope="module")
def network() -> Inception:
    torch.manual_seed(0)
    return Inception().eval().requires_grad_(False)


def test_the_parts_are_torchvisions_to_mixed_6e(network: Inception) -> None:
    import_torchvision()
    with torch.device("meta"):
        theirs = importlib.import_module("torchvision.models.inception").Inception3(init_weights=False)
    shapes = {
        name: tuple(value.shape)
        for name, value in theirs.state_dict().items()
        if name.endswith("conv.weight") and not name.startswith(("Mixed_7", "AuxLogits"))
    }
    ours = {name: tuple(value.shape) for name, value in network.layers.state_dict().items()}
    assert {name: shape for name, shape in ours.items() if name.endswith("conv.weight")} == shapes


def test_away_from_bound_and_border_it_is_torchvisions_network(network: Inception) -> None:
    import_torchvision()
    theirs = importlib.import_module("torchvision.models.inception").Inception3(init_weights=False).eval()
    state = dict(theirs.state_dict())
    for name, value in network.layers.state_dict().items():
        layer, _, part = name.rpartition(".")
        if part == "weight":
            state[name] = value
        else:  # ours has norm where theirs has bn
            state[f"{layer.removesuffix('norm')}bn.{STATISTICS[part]}"] = value
    theirs.load_state_dict(state)
    picture = 0.1 * torch.rand(1, 3, 171, 171)  # so dark that no feature comes to 6
    ours: dict[str, Tensor] = {}
    expected: dict[str, Tensor] = {}
    for kept, model in ((ours, network.layers), (expected, theirs)):
        model.Mixed_5b.register_forward_hook(lambda _, __, result, kept=kept: kept.update(mixed=result))
    network(picture)
    with torch.no_grad():
        theirs(picture)
    assert 0 < float(expected["mixed"].max()) < 6
    torch.testing.assert_close(ours["mixed"][..., 1:-1, 1:-1], expected["mixed"][..., 1:-1, 1:-1], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(ours["mixed"], expected["mixed"], atol=1e-3)  # means at the border are others


def test_a_mean_at_the_border_is_over_what_lies_inside() -> None:
    features = torch.randn(2, 3, 5, 4)
    zeros = F.avg_pool2d(features, 3, stride=1, padding=1)
    inside = F.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)
    torch.testing.assert_close(InsideMean()(zeros), inside)


def test_no_feature_is_above_6(network: Inception) -> None:
    bounded = [module for module in network.modules() if isinstance(module, nn.ReLU6)]
    assert len(bounded) == sum(isinstance(module, nn.Conv2d) for module in network.modules())
    first = network.layers.Conv2d_1a_3x3(100 * torch.rand(1, 3, 75, 75))
    assert (float(first.min()), float(first.max())) == (0, 6)


@pytest.mark.parametrize("size", [(75, 75), (76, 131)])
def test_sizes_of_features(network: Inception, size: tuple[int, int]) -> None:
    features = network(torch.rand(2, 3, *size))
    expected = []
    for side in size:
        for shrink in (2, 1, 2, 1, 2, 2):  # strides of what is not padded, in order; all are 3 wide
            side = (side - 3) // shrink + 1
        expected.append(side)
    assert features.shape == (2, Inception.channels, *expected)


@pytest.mark.parametrize(("size", "enlarged"), [((30, 40), (75, 100)), ((74, 300), (75, 304)), ((1, 1), (75, 75))])
def test_a_small_picture_is_enlarged_in_proportion(
    network: Inception, size: tuple[int, int], enlarged: tuple[int, int]
) -> None:
    assert min(enlarged) == SMALLEST
    picture = torch.rand(1, 3, *size)
    assert torch.equal(network(picture), network(resize(picture, enlarged)))


def test_training_mode_changes_nothing(network: Inception) -> None:
    picture = torch.rand(1, 3, 80, 75)
    expected = network(picture)
    torch.testing.assert_close(network.train()(picture), expected)
    network.eval()
