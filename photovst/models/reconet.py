"""ReCoNet: one style's network whose features and output are trained to be steady [Gao2018, Mahakalkar2022].

An encoder of three convolutions that halve twice, and residual blocks; a decoder that doubles twice. [Gao2018] has
channels 48, 96, 192 and four residual blocks, [Mahakalkar2022] 32, 64, 128 and five, each with instance norm.
"""

from __future__ import annotations

from torch import nn

from photovst.models.normalization import NormKind
from photovst.models.residual import EncoderDecoder, block, convolution, residual_encoder


class ReCoNet(EncoderDecoder):
    """``network(frame) -> frame`` of any size, both RGB in [0, 1]; see `EncoderDecoder`.

    Args:
        width: channels of the first layer; twice and four times as many follow.
        blocks: residual blocks.
        norm: ``instance``, as published, or ``filter_response``, which makes no bubbles.
    """

    def __init__(self, width: int = 48, blocks: int = 4, norm: NormKind = "instance") -> None:
        encoder = residual_encoder(width, blocks, norm)
        decoder = nn.Sequential(
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            block(4 * width, 2 * width, 3, 1, norm),
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            block(2 * width, width, 3, 1, norm),
            convolution(width, 3, 9),
            nn.Tanh(),
        )
        super().__init__(encoder, decoder)
