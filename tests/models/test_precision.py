import pytest
import torch
from torch import Tensor, nn

from photovst.errors import SettingsError
from photovst.models.precision import InPrecision, compiled


class Small(nn.Module):
    """One convolution and its ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, frame: Tensor) -> dict[str, Tensor]:
        return {"conv": self.conv(frame), "relu": self.conv(frame).relu()}


def test_convolutions_are_rounded_and_features_are_not_half() -> None:
    encoder, frame = Small().requires_grad_(False), torch.rand(1, 3, 9, 9, requires_grad=True)
    exact, half = encoder(frame), InPrecision(encoder, torch.bfloat16)(frame)
    for layer, planes in half.items():
        assert planes.dtype is torch.float32
        torch.testing.assert_close(planes, exact[layer], rtol=0, atol=0.02)
        assert torch.equal(planes, planes.bfloat16().float())  # seven bits: it was computed so
    (gradient,) = torch.autograd.grad(half["conv"].square().sum(), frame)
    (expected,) = torch.autograd.grad(exact["conv"].square().sum(), frame)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=0.03 * expected.abs().max().item())


def test_it_is_compiled_and_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # The compiler itself is slow to start: what is tested is that its product is tried, and what it says when it fails.
    encoder, seen = Small().requires_grad_(False), list[tuple[int, ...]]()

    def compiler(module: nn.Module, dynamic: bool) -> nn.Module:
        assert not dynamic
        module.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
        return module

    monkeypatch.setattr("torch.compile", compiler)
    fast = compiled(encoder, torch.device("cpu"))
    assert seen == [(1, 3, 32, 32)]
    frame = torch.rand(1, 3, 9, 9)
    assert torch.equal(fast(frame)["relu"], encoder(frame)["relu"])


def test_where_it_cannot_be_compiled_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiler(module: nn.Module, dynamic: bool) -> nn.Module:
        def fail(frame: Tensor) -> None:
            raise RuntimeError("No working C++ compiler found\nand more")

        return fail  # type: ignore[return-value]

    monkeypatch.setattr("torch.compile", compiler)
    with pytest.raises(
        SettingsError, match=r"^encoder\.compile=true, but .* here \(No working C\+\+ compiler found\); install a C\+\+"
    ):
        compiled(Small(), torch.device("cpu"))
