"""The parts that image transformation networks are made of: padded convolutions and residual blocks [Johnson2016]."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.normalization import NormKind, normalization

STRIDE = 4
"""Pixels from one place to the next where these networks are deepest: they halve twice."""


def convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Sequential:
    """A convolution that mirrors the picture at its border: zeros would be seen there as a frame."""
    return nn.Sequential(nn.ReflectionPad2d(side // 2), nn.Conv2d(inputs, outputs, side, stride))


def block(inputs: int, outputs: int, side: int, stride: int, norm: NormKind) -> nn.Sequential:
    """Convolution, normalization, and nothing below zero."""
    return nn.Sequential(convolution(inputs, outputs, side, stride), normalization(norm, outputs, activated=True))


class ResidualBlock(nn.Module):
    """``x + conv(relu(conv(x)))``, each convolution normalized."""

    def __init__(self, channels: int, norm: NormKind) -> None:
        super().__init__()
        self.first = block(channels, channels, 3, 1, norm)
        self.second = nn.Sequential(convolution(channels, channels, 3), normalization(norm, channels, activated=False))

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Features of the same shape."""
        changed: Tensor = self.second(self.first(features))
        return features + changed


class EncoderDecoder(nn.Module):
    """``network(frame) -> frame`` of the same size, both RGB in [0, 1].

    A frame whose sides are no multiples of 4 is continued on the right and below, and cut again.

    Args:
        encoder: from colors in [-1, 1] to features at a quarter of the size, see `residual_encoder`.
        decoder: back to colors in [-1, 1].
    """

    def __init__(self, encoder: nn.Sequential, decoder: nn.Sequential) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The frame in the style, in [0, 1]."""
        return self.with_features(frame)[0]

    def with_features(
        self, frame: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b c _h _w"]]:
        """The same, and the encoder's features, which training holds steady; a quarter the size, rounded up."""
        height, width = frame.shape[-2:]
        features = self.encoder(2 * padded_to(frame, STRIDE) - 1)
        drawn = (self.decoder(features) + 1) / 2
        return drawn[..., :height, :width], features


def residual_encoder(width: int, blocks: int, norm: NormKind) -> nn.Sequential:
    """Three convolutions that halve twice, to ``width``, twice and four times as many channels, and residual blocks."""
    return nn.Sequential(
        block(3, width, 9, 1, norm),
        block(width, 2 * width, 3, 2, norm),
        block(2 * width, 4 * width, 3, 2, norm),
        *(ResidualBlock(4 * width, norm) for _ in range(blocks)),
    )


def padded_to(frame: Float[Tensor, "b 3 h w"], multiple: int) -> Float[Tensor, "b 3 new_h new_w"]:
    """The frame, continued on the right and below until both sides are multiples: nothing of it moves."""
    height, width = frame.shape[-2:]
    return F.pad(frame, (0, -width % multiple, 0, -height % multiple), mode="replicate")
