"""RAFT against torchvision's own network, with random weights: its published ones are not at hand."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from photovst.errors import MediaError
from photovst.guidance.flow import FlowEstimator
from photovst.guidance.raft import Raft
from photovst.models.torchvision_ops import import_torchvision


@pytest.fixture(scope="module")
def network() -> nn.Module:
    import_torchvision()
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    return raft_small().eval()


def _theirs(network: nn.Module, first: Tensor, second: Tensor, updates: int = 12) -> Tensor:
    with torch.no_grad():
        return network(2 * first - 1, 2 * second - 1, num_flow_updates=updates)[-1]


def test_a_size_that_fits_is_given_as_it_is(network: nn.Module) -> None:
    first, second = torch.rand(2, 3, 128, 144), torch.rand(2, 3, 128, 144)
    estimator = Raft(network, "raft_small 0")
    assert isinstance(estimator, FlowEstimator)
    flow = estimator(first, second)
    torch.testing.assert_close(flow, _theirs(network, first, second), rtol=1e-4, atol=1e-4)
    assert not flow.requires_grad
    fewer = Raft(network, "raft_small 0", updates=2)
    torch.testing.assert_close(fewer(first, second), _theirs(network, first, second, 2), rtol=1e-4, atol=1e-4)
    assert not torch.equal(fewer(first, second), flow)


@pytest.mark.parametrize(("size", "filled"), [((1, 1), (128, 128)), ((30, 150), (128, 152)), ((129, 40), (136, 128))])
def test_other_sizes_are_filled_up_at_the_far_sides(
    network: nn.Module, size: tuple[int, int], filled: tuple[int, int]
) -> None:
    first, second = torch.rand(1, 3, *size), torch.rand(1, 3, *size)
    more = ((0, 0), (0, 0), (0, filled[0] - size[0]), (0, filled[1] - size[1]))
    whole = [torch.from_numpy(np.pad(frame.numpy(), more, mode="edge")) for frame in (first, second)]
    flow = Raft(network, "raft_small 0", updates=3)(first, second)
    assert flow.shape == (1, 2, *size)
    expected = _theirs(network, whole[0], whole[1], 3)[..., : size[0], : size[1]]
    torch.testing.assert_close(flow, expected, rtol=1e-4, atol=1e-4)


def test_batch_dtype_and_empty_batch(network: nn.Module) -> None:
    estimator = Raft(network, "raft_small 0", updates=2)
    first, second = torch.rand(2, 3, 20, 24), torch.rand(2, 3, 20, 24)
    both = estimator(first, second)
    torch.testing.assert_close(both[1:], estimator(first[1:], second[1:]), rtol=1e-3, atol=1e-3)
    assert estimator(first.double(), second.double()).dtype == torch.float64
    assert estimator(first[:0], second[:0]).shape == (0, 2, 20, 24)


def test_the_name_tells_weights_updates_and_device(network: nn.Module) -> None:
    names = {
        Raft(network, "raft_small 0").name,
        Raft(network, "raft_small 1").name,
        Raft(network, "raft_small 0", 3).name,
    }
    assert len(names) == 3
    assert all(" cpu" in name for name in names)


@pytest.mark.usefixtures("shapes_unchecked")
def test_frames_that_do_not_fit_are_refused(network: nn.Module) -> None:
    estimator, frame = Raft(network, "raft_small 0"), torch.rand(1, 3, 20, 30)
    with pytest.raises(MediaError, match=r"first frame is \(1, 3, 20, 30\) but the second \(1, 3, 20, 31\)"):
        estimator(frame, torch.rand(1, 3, 20, 31))
    with pytest.raises(MediaError, match="not finite numbers"):
        estimator(frame, frame * float("nan"))
