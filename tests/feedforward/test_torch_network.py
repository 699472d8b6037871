"""A network in other precisions, and one that gives no numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from photovst.errors import NumericalError
from photovst.feedforward.torch_network import TorchNetwork
from photovst.models.grid_network import GridNetwork

CPU = torch.device("cpu")


class Scaled(nn.Module):
    """Multiplies by what may be too much."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.seen: list[torch.dtype] = []

    def forward(self, frame: Tensor) -> Tensor:
        self.seen.append(frame.dtype)
        return frame * self.factor * self.factor / self.factor


def test_what_is_no_number_is_an_error() -> None:
    frames = torch.full((1, 3, 16, 16), 0.5)
    assert torch.equal(TorchNetwork(Scaled(1000.0), CPU)(frames), frames * 1000)
    with pytest.raises(NumericalError, match=r"no number in float16; set feedforward\.precision=float32$"):
        TorchNetwork(Scaled(1000.0), CPU, torch.float16)(frames)
    with pytest.raises(NumericalError, match=r"no number in float32; .* train it again"):
        TorchNetwork(Scaled(1e30), CPU)(frames)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_network_sees_the_precision_and_gives_float32(dtype: torch.dtype) -> None:
    module = Scaled(1.0)
    frames = torch.rand(2, 3, 16, 17)
    result = TorchNetwork(module, CPU, dtype, channels_last=True)(frames)
    assert module.seen == [dtype]
    assert result.dtype is torch.float32
    assert torch.equal(result, frames.to(dtype).float())


def test_transforms_of_a_grid_are_applied_in_float32() -> None:
    """An untrained grid is the identity: in bfloat16 it would leave 8 bits of each color."""
    frames = torch.rand(1, 3, 40, 50)
    result = TorchNetwork(GridNetwork(width=4).eval(), CPU, torch.bfloat16)(frames)
    assert (result - frames).abs().max() < 1e-5
