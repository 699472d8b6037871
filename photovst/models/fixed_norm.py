"""Batch normalization with statistics that stay: that of a network trained elsewhere [Szegedy2016].

As published networks of the kind have it: there is a shift and no scale, which the layer behind has anyway. Statistics
are never taken from what passes through: two frames are too few to take them from, and a frame's result would depend
on its neighbors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

EPSILON = 1e-3
"""Added to the variance, in Inception-v3 and in the published transform network alike."""


class FixedNorm(nn.Module):
    """``(x - mean) / sqrt(variance + 0.001) + beta``, each a number a channel; untrained, nearly the identity.

    Args:
        channels: of the features.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The features, normalized, at the same size."""
        return F.batch_norm(features, self.mean, self.variance, bias=self.beta, training=False, eps=EPSILON)
