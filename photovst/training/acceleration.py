"""A network made faster: in half the bits, compiled; its weights stay where and what they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from photovst.errors import SettingsError


class Autocast(nn.Module):
    """A network that computes in ``dtype`` and answers in float32, so that no loss need know of it.

    Losses sum over many pixels; in half the bits they would overflow or lose the small ones.

    Args:
        module: answers with a tensor, or with tuples, lists and dicts of tensors.
        dtype: bfloat16 or float16.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.module, self.dtype = module, dtype

    def forward(self, frames: Tensor) -> Any:
        """What the network answers, in float32."""
        with torch.autocast(frames.device.type, self.dtype):
            return _in_float32(self.module(frames))


def _in_float32(answer: Any) -> Any:
    if isinstance(answer, Tensor):
        return answer.float() if answer.is_floating_point() else answer
    if isinstance(answer, tuple | list):
        return type(answer)(_in_float32(part) for part in answer)
    if isinstance(answer, dict):
        return {name: _in_float32(part) for name, part in answer.items()}
    return answer


def compiled(module: nn.Module, device: torch.device) -> nn.Module:
    """The network, compiled by PyTorch as of its first call; every size of frames is compiled anew.

    Raises:
        SettingsError: PyTorch cannot compile here, most often for want of a C++ compiler.
    """
    try:
        # A small program first: it shows what is missing before data is read.
        torch.compile(torch.sin, dynamic=False)(torch.zeros(8, device=device))
    except RuntimeError as error:
        raise SettingsError(
            f"compile=true, but PyTorch cannot compile here ({str(error).strip().splitlines()[0]}); install a C++"
            " compiler, or leave it off"
        ) from error
    fast: nn.Module = torch.compile(module, dynamic=False)  # type: ignore[assignment]
    return fast
