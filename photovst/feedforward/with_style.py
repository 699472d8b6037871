"""A painterly network of any style, told one: from then on it takes frames as one that was trained for that style."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.arbitrary import Arbitrary
from photovst.ops.resize import limit_long_side, resize

STYLE_SIDE = 256
"""Longer side in pixels at which a picture's style is taken, as [Ghiasi2017] train: texture has a size."""


class WithStyle(nn.Module):
    """``network(frames) -> frames``, RGB in [0, 1].

    Args:
        network: of any style.
        vector: the style.
        content: share of each frame's own style: 1 leaves it as it is, as far as the network can.
    """

    vector: Tensor

    def __init__(self, network: Arbitrary, vector: Float[Tensor, " vector"], content: float = 0.0) -> None:
        super().__init__()
        self.network, self.content = network, content
        self.register_buffer("vector", vector.clone())

    def forward(
        self, frames: Float[Tensor, "b 3 h w"], vectors: Float[Tensor, "b vector"] | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """The frames in that style, or each in one of its own where ``vectors`` are given."""
        told = self.vector.expand(frames.shape[0], -1) if vectors is None else vectors.to(self.vector.dtype)
        told = told[:, None]
        if self.content:
            told = torch.lerp(told, painterly_vectors(self.network, frames), self.content)
        drawn: Tensor = self.network(frames, told)
        return drawn


def painterly_vectors(network: Arbitrary, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 vector"]:
    """The style vectors of whole pictures, of any size."""
    size = limit_long_side((pictures.shape[-2], pictures.shape[-1]), STYLE_SIDE)
    return network.style_vectors(resize(pictures, size))
