"""The steerable encoder: fixed, analytic features that need no weights.

In the line of [HeegerBergen1995] and [PortillaSimoncelli2000]: a pyramid of opponent colors, their half-wave rectified
distances from middle gray, and half-wave rectified responses of oriented derivative filters. Gram matrices of these
features hold color mean and covariance, contrast by orientation and scale, and how contrast goes with color.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photovst.ops.color import OPPONENT
from photovst.ops.resize import thinning

SAMPLES = 80
"""Places along the longer side of a level beyond which a Gram matrix, which is a mean over them, hardly changes."""


def oriented_filters(
    orientations: int = 6, size: int = 7, wavelength: float = 4.5, sigma: tuple[float, float] = (1.2, 2.0)
) -> Float[Tensor, "filters 1 size size"]:
    """Even and odd Gabor filters, zero mean and unit L1 norm: first all even ones, then all odd ones.

    Args:
        orientations: how many directions over half a turn.
        size: side of the square filters in pixels; odd.
        wavelength: of the carrier, in pixels.
        sigma: standard deviations across and along the stripes, in pixels.
    """
    radius = size // 2
    axis = torch.arange(-radius, radius + 1, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    bank = []
    for phase in (0.0, math.pi / 2):
        for index in range(orientations):
            angle = math.pi * index / orientations
            across = x * math.cos(angle) + y * math.sin(angle)
            along = y * math.cos(angle) - x * math.sin(angle)
            envelope = torch.exp(-0.5 * ((across / sigma[0]) ** 2 + (along / sigma[1]) ** 2))
            kernel = envelope * torch.cos(2 * math.pi * across / wavelength - phase)
            kernel = kernel - envelope * (kernel.sum() / envelope.sum())
            bank.append(kernel / kernel.abs().sum())
    return torch.stack(bank)[:, None].to(torch.float32)


class Steerable(nn.Module):
    """``encoder(frame) -> {"level0": features, ...}``; each level is half the size of the one before.

    Channels of a level: 3 opponent colors, the positive and the negative parts of their distances from middle gray,
    then the positive and the negative parts of 12 luma responses and of 6 odd responses of each chroma: 57 in all.

    Args:
        levels: pyramid levels; a frame gets fewer when its short side would fall below ``minimum`` pixels.
        gain: factor on filter responses, which brings them to the scale of the colors.
        chroma: factor on both chromas. A relative Gram distance hears the loudest channel, and without this it is luma.
        minimum: smallest short side of a level, in pixels.
        stride: at most so many pixels from one sample to the next, on levels with more than ``SAMPLES`` to a side. The
            filters still see every pixel, but their mean products are taken over fewer places. Free pixels want 1, or
            most of them never see a color.
    """

    opponent: Tensor
    middle: Tensor
    bank: Tensor

    def __init__(
        self, levels: int = 5, gain: float = 10.0, chroma: float = 2.0, minimum: int = 4, stride: int = 1
    ) -> None:
        super().__init__()
        self.levels = levels
        self.minimum = minimum
        self.stride = stride
        filters = oriented_filters() * gain
        odd = filters[len(filters) // 2 :]
        opponent = torch.tensor(OPPONENT) * torch.tensor([1.0, chroma, chroma])[:, None]
        self.register_buffer("opponent", opponent[..., None, None])
        self.register_buffer("middle", torch.tensor([0.5, 0.0, 0.0]).view(1, 3, 1, 1))
        bank = torch.zeros(len(filters) + 2 * len(odd), 3, *filters.shape[-2:])
        bank[: len(filters), 0] = filters[:, 0]
        bank[len(filters) : len(filters) + len(odd), 1] = odd[:, 0] / chroma
        bank[len(filters) + len(odd) :, 2] = odd[:, 0] / chroma
        self.register_buffer("bank", bank)

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        """Features of a frame in [0, 1], finest level first."""
        opponent = F.conv2d(frame, self.opponent.to(frame.dtype))
        features = {}
        radius = self.bank.shape[-1] // 2
        for level in range(self.levels):
            if level:
                if min(opponent.shape[-2:]) < 2 * self.minimum:
                    break
                opponent = F.avg_pool2d(opponent, 2)
            padded = F.pad(opponent, (radius,) * 4, mode="replicate")
            stride = thinning((opponent.shape[-2], opponent.shape[-1]), SAMPLES, self.stride)
            response = F.conv2d(padded, self.bank.to(frame.dtype), stride=stride)
            color = opponent[..., ::stride, ::stride]
            distance = color - self.middle.to(frame.dtype)
            parts = [color, distance.relu(), (-distance).relu(), response.relu(), (-response).relu()]
            features[f"level{level}"] = torch.cat(parts, dim=1)
        return features
