"""A network compiled for training; its weights stay where and what they are."""

from __future__ import annotations

import torch
from torch import nn

from photovst.errors import SettingsError


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
