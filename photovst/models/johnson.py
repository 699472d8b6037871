"""The image transformation network of Johnson et al. 2016, applied frame by frame: the baseline [Johnson2016].

Channels 32, 64, 128, five residual blocks, and two transposed convolutions on the way back. Departures: instance norm
in place of batch norm, as [Ulyanov2016] found better and everyone since has it, and convolutions that mirror at the
border throughout, in place of a wide mirrored margin that unpadded blocks use up, so that small frames go, too.
"""

from __future__ import annotations

from torch import nn

from photovst.models.normalization import NormKind, normalization
from photovst.models.residual import EncoderDecoder, convolution, residual_encoder


class Johnson(EncoderDecoder):
    """``network(frame) -> frame`` of any size, both RGB in [0, 1]; see `EncoderDecoder`.

    Args:
        width: channels of the first layer; twice and four times as many follow.
        blocks: residual blocks.
        norm: ``instance`` or ``filter_response``.
    """

    def __init__(self, width: int = 32, blocks: int = 5, norm: NormKind = "instance") -> None:
        encoder = residual_encoder(width, blocks, norm)
        decoder = nn.Sequential(
            _doubled(4 * width, 2 * width, norm),
            _doubled(2 * width, width, norm),
            convolution(width, 3, 9),
            nn.Tanh(),
        )
        super().__init__(encoder, decoder)


def _doubled(inputs: int, outputs: int, norm: NormKind) -> nn.Sequential:
    up = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(up, normalization(norm, outputs, activated=True))
