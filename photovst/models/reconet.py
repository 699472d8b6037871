"""ReCoNet: one style's network whose features and output are trained to be steady [Gao2018, Mahakalkar2022].

An encoder of three convolutions that halve twice, and residual blocks; a decoder that doubles twice. [Gao2018] has
channels 48, 96, 192 and four residual blocks, [Mahakalkar2022] 32, 64, 128 and five, each with instance norm.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.normalization import NormKind
from photovst.models.residual import STRIDE, ResidualBlock, block, convolution, padded_to


class ReCoNet(nn.Module):
    """``network(frame) -> frame`` of the same size, both RGB in [0, 1].

    A frame whose sides are no multiples of 4 is continued on the right and below, and cut again.

    Args:
        width: channels of the first layer; twice and four times as many follow.
        blocks: residual blocks.
        norm: ``instance``, as published, or ``filter_response``, which makes no bubbles.
    """

    def __init__(self, width: int = 48, blocks: int = 4, norm: NormKind = "instance") -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            block(3, width, 9, 1, norm),
            block(width, 2 * width, 3, 2, norm),
            block(2 * width, 4 * width, 3, 2, norm),
            *(ResidualBlock(4 * width, norm) for _ in range(blocks)),
        )
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            block(4 * width, 2 * width, 3, 1, norm),
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            block(2 * width, width, 3, 1, norm),
            convolution(width, 3, 9),
            nn.Tanh(),
        )

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
