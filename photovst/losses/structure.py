"""Structure: the correlation part of structural similarity [Wang2004]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.color import rec601_luma
from photovst.ops.resize import thinning

WINDOW, SIGMA = 11, 1.5
"""Side and standard deviation of the Gaussian window of [Wang2004], in pixels."""

WINDOWS = 160
"""Windows along the longer side beyond which their mean hardly changes; larger frames skip pixels between them."""


class StructureTerm:
    """One minus the mean local correlation of luma with the frame's own.

    Brightness and contrast may change freely, as they must for another light, but not what goes up where: edges that
    vanish, appear or turn over cost up to 2. This is what keeps flat skies flat and skylines without halos.

    Args:
        frame: the frame as it was, RGB in [0, 1].
        floor: variance below which a window counts as flat; larger forgives more in smooth places.
    """

    def __init__(self, frame: Float[Tensor, "1 3 h w"], floor: float = 1e-4) -> None:
        self.floor = floor
        window, size = _gaussian(frame), (frame.shape[-2], frame.shape[-1])
        stride = thinning(size, WINDOWS, WINDOW // 3)
        self.down, self.across = (_windows(window, length, stride) for length in size)
        self.luma = rec601_luma(frame)
        self.mean = self._blur(self.luma)
        self.variance = (self._blur(self.luma.square()) - self.mean.square()).clamp_min(0) + floor

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """0 for the frame itself, or any brighter, darker, harder or softer copy of it."""
        luma = rec601_luma(image)
        mean, square, product = self._blur(torch.cat([luma, luma.square(), luma * self.luma]))
        variance = (square - mean.square()).clamp_min(0) + self.floor
        covariance = product - mean * self.mean
        correlation: Tensor = (covariance + self.floor) * (variance * self.variance).rsqrt()
        return 1 - correlation.mean()

    def _blur(self, plane: Tensor) -> Tensor:
        # As products with matrices that are mostly zeros: at working sizes several times as fast as one-plane filters.
        return self.down @ (plane @ self.across.T)


def _gaussian(frame: Tensor) -> Tensor:
    # A frame narrower than the window gets the largest odd window that fits.
    side = min(WINDOW, *(length - 1 + length % 2 for length in frame.shape[-2:]))
    offset = torch.arange(side, dtype=frame.dtype, device=frame.device) - side // 2
    weights = torch.exp(-offset.square() / (2 * SIGMA**2))
    return weights / weights.sum()


def _windows(window: Float[Tensor, " side"], length: int, stride: int) -> Float[Tensor, "windows length"]:
    """The weights of each window that fits into so many pixels, every ``stride`` pixels one."""
    count = (length - len(window)) // stride + 1
    weights = window.new_zeros(count, length)
    for index in range(count):
        weights[index, index * stride : index * stride + len(window)] = window
    return weights
