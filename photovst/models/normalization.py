"""Normalization of image networks: instance norm [Ulyanov2016] and filter response norm [Singh2020].

Instance norm takes mean and deviation of each channel over the picture. Where a few values are far larger than all
others, what is left of these is scaled to almost nothing, and networks learn to make such values on purpose: they are
seen as bubbles. Filter response norm subtracts no mean and learns from where on a channel counts, and makes no bubbles.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

NormKind = Literal["instance", "filter_response"]


class FilterResponseNorm(nn.Module):
    """``max(gamma x / sqrt(mean(x^2) + |eps|) + beta, tau)`` with the mean over the picture, as [Singh2020] has it.

    Args:
        channels: of the features; each has its gamma, beta and tau.
        epsilon: added to the mean square; not learned, which holds for features of more than one pixel.
        thresholded: the maximum with tau, in place of a ReLU behind.
    """

    def __init__(self, channels: int, epsilon: float = 1e-6, *, thresholded: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.threshold = nn.Parameter(torch.zeros(1, channels, 1, 1)) if thresholded else None
        self.epsilon = epsilon

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The features, normalized, at the same size."""
        power = features.square().mean(dim=(2, 3), keepdim=True)
        normalized = self.weight * features * torch.rsqrt(power + self.epsilon) + self.bias
        return normalized if self.threshold is None else torch.maximum(normalized, self.threshold)


def normalization(kind: NormKind, channels: int, *, activated: bool) -> nn.Sequential:
    """A normalization and, where ``activated``, what cuts off below it: a ReLU, or filter response norm's threshold."""
    if kind == "filter_response":
        return nn.Sequential(FilterResponseNorm(channels, thresholded=activated))
    norm = nn.InstanceNorm2d(channels, affine=True)
    return nn.Sequential(norm, nn.ReLU()) if activated else nn.Sequential(norm)
