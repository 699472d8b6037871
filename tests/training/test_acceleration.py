"""Networks in half the bits, or compiled."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from photovst.errors import SettingsError
from photovst.models.precision import InPrecision
from photovst.training import acceleration
from photovst.training.acceleration import compiled
from photovst.training.plan import Plan
from training.tiny_task import TinyTask, losses, run


class Several(nn.Module):
    """Answers with tensors inside a tuple, a dict and a list, and remembers in what it computed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, dict[str, list[torch.Tensor]], int]:
        made = self.conv(frames)
        self.dtype = made.dtype
        return made, {"features": [made, made.argmax(dim=1)]}, 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_losses_see_float32_whatever_the_network_computes_in(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module, frames = Several(), torch.rand(1, 3, 8, 8)
    made, inner, number = InPrecision(module, dtype)(frames)
    assert module.dtype == dtype
    assert made.dtype == inner["features"][0].dtype == torch.float32
    assert (inner["features"][1].dtype, number) == (torch.int64, 3)
    torch.testing.assert_close(made, module(frames)[0], atol=1e-2, rtol=1e-2)


def test_half_the_bits_give_nearly_the_same_training(tmp_path: Path) -> None:
    plan = Plan(steps=4, learning_rate=0.01, log_every=1)
    totals = {}
    for precision in ("float32", "bfloat16", "float16"):
        task = TinyTask()
        run(task, replace(plan, precision=precision), tmp_path / precision)
        totals[precision] = [record["total"] for record in losses(tmp_path / precision)]
        assert {weight.dtype for weight in task.weights().values()} == {torch.float32}
    assert totals["bfloat16"] == pytest.approx(totals["float32"], rel=0.01)
    assert totals["float16"] == pytest.approx(totals["float32"], rel=0.005)
    assert totals["float16"] != totals["float32"] != totals["bfloat16"]


def test_where_nothing_can_be_compiled_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(*given: object, **options: object) -> object:
        def fail(*frames: object) -> None:
            raise RuntimeError("No working C++ compiler found\nand more")

        return fail

    monkeypatch.setattr(acceleration.torch, "compile", compile)
    with pytest.raises(SettingsError, match=r"cannot compile here \(No working C\+\+ compiler found\); install"):
        compiled(nn.Identity(), torch.device("cpu"))
