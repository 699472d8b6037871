"""The image transformation network of Johnson et al. 2016, applied frame by frame: the baseline [Johnson2016].

Channels 32, 64, 128, five residual blocks, and two transposed convolutions on the way back. Departures: instance norm
in place of batch norm, as [Ulyanov2016] found better and everyone since has it, and convolutions that mirror at the
border throughout, in place of a wide mirrored margin that unpadded blocks use up, so that small frames go, too.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.normalization import NormKind, normalization
from photovst.models.residual import STRIDE, ResidualBlock, block, convolution, padded_to


class Johnson(nn.Module):
    """``network(frame) -> frame`` of the same size, both RGB in [0, 1].

    Args:
        width: channels of the first layer; twice and four times as many follow.
        blocks: residual blocks.
        norm: ``instance`` or ``filter_response``.
    """

    def __init__(self, width: int = 32, blocks: int = 5, norm: NormKind = "instance") -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            block(3, width, 9, 1, norm),
            block(width, 2 * width, 3, 2, norm),
            block(2 * width, 4 * width, 3, 2, norm),
            *(ResidualBlock(4 * width, norm) for _ in range(blocks)),
        )
        self.decoder = nn.Sequential(
            _doubled(4 * width, 2 * width, norm),
            _doubled(2 * width, width, norm),
            convolution(width, 3, 9),
            nn.Tanh(),
        )

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The frame in the style, in [0, 1]."""
        return self.with_features(frame)[0]

    def with_features(
        self, frame: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b c _h _w"]]:
        """The same, and the features of the last residual block; a quarter the size, rounded up."""
        height, width = frame.shape[-2:]
        features = self.encoder(2 * padded_to(frame, STRIDE) - 1)
        drawn = (self.decoder(features) + 1) / 2
        return drawn[..., :height, :width], features


def _doubled(inputs: int, outputs: int, norm: NormKind) -> nn.Sequential:
    up = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(up, normalization(norm, outputs, activated=True))
