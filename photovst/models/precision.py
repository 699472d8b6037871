"""Networks computed in half the bits, and encoders compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.errors import SettingsError


class InPrecision(nn.Module):
    """A network under autocast that answers in float32, so that no loss need know of it.

    Losses sum over many pixels; in half the bits they would overflow or lose the small ones.

    Args:
        network: answers with a tensor, or with tuples, lists and dicts of tensors.
        dtype: what convolutions are computed in.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, frames: Float[Tensor, "b 3 h w"], *more: Tensor | None) -> Any:
        """What the network answers, in float32; ``more`` is what else it is called with."""
        with torch.autocast(frames.device.type, self.dtype):
            return _in_float32(self.network(frames, *more))


def _in_float32(answer: Any) -> Any:
    if isinstance(answer, Tensor):
        return answer.float() if answer.is_floating_point() else answer
    if isinstance(answer, tuple | list):
        return type(answer)(_in_float32(part) for part in answer)
    if isinstance(answer, dict):
        return {name: _in_float32(part) for name, part in answer.items()}
    return answer


def compiled(encoder: nn.Module, device: torch.device) -> Callable[[Tensor], dict[str, Tensor]]:
    """The encoder, compiled by PyTorch; every size of picture is compiled anew.

    Raises:
        SettingsError: PyTorch cannot compile here, most often for want of a C++ compiler.
    """
    fast: Callable[[Tensor], dict[str, Tensor]] = torch.compile(encoder, dynamic=False)
    try:
        # Compiled on the first call: better now than at the first frame.
        fast(torch.zeros(1, 3, 32, 32, device=device))
    except RuntimeError as error:
        raise SettingsError(
            f"encoder.compile=true, but PyTorch cannot compile the encoder here ({str(error).strip().splitlines()[0]});"
            " install a C++ compiler, or leave it off"
        ) from error
    return fast
