"""What looks at a style picture and says it in few numbers: the style prediction networks [Ghiasi2017].

``inception`` is the published one: Inception-v3 to Mixed_6e. ``mobile`` is about the size of a small MobileNet, made of
inverted residuals [Sandler2018] with no normalization, which would take away what a style is: means and contrasts.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.ops.masks import resize_masks

PredictorKind = Literal["inception", "mobile"]


class Predictor(Protocol):
    """Features of a picture, ``(b, 3, h, w)`` RGB in [0, 1] to ``(b, channels, _h, _w)``."""

    @property
    def channels(self) -> int:
        """How many there are."""
        ...

    def __call__(self, picture: Tensor) -> Tensor:
        """The features."""
        ...


LENGTH = 0.1
"""Root mean square of the mobile predictor's features. A style vector sets every scale and shift at once, and Adam
moves each weight by about its learning rate, whatever that is multiplied with: with features of length 1 the first
steps threw all pictures into black or white, where nothing is learned any more."""


class Inverted(nn.Module):
    """``x + project(depthwise(expand(x)))``; without the sum where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int = 3) -> None:
        super().__init__()
        middle = expansion * inputs
        self.change = nn.Sequential(
            nn.Conv2d(inputs, middle, 1),
            nn.ReLU(),
            nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, padding_mode="replicate"),
            nn.ReLU(),
            nn.Conv2d(middle, outputs, 1),
        )
        self.sums = stride == 1 and inputs == outputs

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b _c _h _w"]:
        """Features of the next layer."""
        changed: Tensor = self.change(features)
        return features + changed if self.sums else changed


class Mobile(nn.Module):
    """See `Predictor`; 96 channels at a sixteenth of the size, 0.1 million parameters."""

    channels = 96

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 24, 3, 2, 1, padding_mode="replicate"),
            nn.ReLU(),
            Inverted(24, 32, 2),
            Inverted(32, 32, 1),
            Inverted(32, 64, 2),
            Inverted(64, 64, 1),
            Inverted(64, self.channels, 2),
            Inverted(self.channels, self.channels, 1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c _h _w"]:
        """Features of a picture in [0, 1], each place's of the same length."""
        features: Tensor = self.layers(2 * picture - 1)
        power = features.square().mean(dim=1, keepdim=True)
        return LENGTH * features * torch.rsqrt(power + 1e-6)


def masked_mean(features: Float[Tensor, "b c h w"], masks: Float[Tensor, "b k _h _w"]) -> Float[Tensor, "b k c"]:
    """Mean of each channel in each region; of a region with no area, zeros."""
    small = resize_masks(masks, (features.shape[-2], features.shape[-1])).to(features.dtype).flatten(2)
    shares = small / small.sum(dim=2, keepdim=True).clamp_min(torch.finfo(features.dtype).tiny)
    means: Tensor = shares @ features.flatten(2).transpose(1, 2)
    return means
