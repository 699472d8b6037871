"""Encoders computed in half the bits, or compiled."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.errors import SettingsError


class InPrecision(nn.Module):
    """An encoder under autocast; its features come back in float32, for Gram matrices sum over many pixels.

    Args:
        encoder: as it would be called otherwise.
        dtype: what convolutions are computed in.
    """

    def __init__(self, encoder: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.encoder, self.dtype = encoder, dtype

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        """Features by layer."""
        with torch.autocast(frame.device.type, self.dtype):
            features: dict[str, Tensor] = self.encoder(frame)
        return {layer: planes.float() for layer, planes in features.items()}


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
