"""VGGs of few channels with random weights, for tests of what goes through the layers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from photovst.models.vgg_checkpoints import torchvision_places


def random_state(kind: Literal["vgg16", "vgg19"], channels: int) -> dict[str, Tensor]:
    """A checkpoint in torchvision's layout, the same each time; features keep about the magnitude of the frame."""
    generator = torch.Generator().manual_seed(0)
    state, before = {}, 3
    for place in torchvision_places(kind).values():
        kernel = torch.randn(channels, before, 3, 3, generator=generator)
        state[f"features.{place}.weight"] = kernel * (2 / (9 * before)) ** 0.5
        state[f"features.{place}.bias"] = 0.1 * torch.randn(channels, generator=generator)
        before = channels
    return state
