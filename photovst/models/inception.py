"""Inception-v3 to its layer Mixed_6e [Szegedy2016], as the style prediction network of [Ghiasi2017] has it.

torchvision's blocks, with three departures that the published weights were trained with: nothing above 6 behind a
convolution (Inception itself has no such bound), means at the border over what lies inside, where torchvision counts
zeros outside it, too, and no scale in the normalization, whose statistics stay.
"""

from __future__ import annotations

import importlib
from collections import OrderedDict

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.fixed_norm import FixedNorm
from photovst.models.torchvision_ops import import_torchvision
from photovst.ops.resize import resize

SMALLEST = 75
"""Pixels of the shorter side that Inception-v3 asks for; a smaller picture is enlarged to it."""


class Inception(nn.Module):
    """See `photovst.models.style_predictors.Predictor`; 768 channels at about a sixteenth of the size.

    Colors go in as they are, in [0, 1]: the published network was trained so, not on [-1, 1]. It was trained on, and
    is run by its makers with, pictures of 256 pixels on the shorter side.
    """

    channels = 768

    def __init__(self) -> None:
        super().__init__()
        import_torchvision()
        blocks = importlib.import_module("torchvision.models.inception")
        layers: dict[str, nn.Module] = {
            "Conv2d_1a_3x3": _convolution(3, 32, kernel_size=3, stride=2),
            "Conv2d_2a_3x3": _convolution(32, 32, kernel_size=3),
            "Conv2d_2b_3x3": _convolution(32, 64, kernel_size=3, padding=1),
            "maxpool1": nn.MaxPool2d(3, 2),
            "Conv2d_3b_1x1": _convolution(64, 80, kernel_size=1),
            "Conv2d_4a_3x3": _convolution(80, 192, kernel_size=3),
            "maxpool2": nn.MaxPool2d(3, 2),
            "Mixed_5b": _averaging(blocks.InceptionA(192, 32, _convolution)),
            "Mixed_5c": _averaging(blocks.InceptionA(256, 64, _convolution)),
            "Mixed_5d": _averaging(blocks.InceptionA(288, 64, _convolution)),
            "Mixed_6a": blocks.InceptionB(288, _convolution),
            "Mixed_6b": _averaging(blocks.InceptionC(768, 128, _convolution)),
            "Mixed_6c": _averaging(blocks.InceptionC(768, 160, _convolution)),
            "Mixed_6d": _averaging(blocks.InceptionC(768, 160, _convolution)),
            "Mixed_6e": _averaging(blocks.InceptionC(768, 192, _convolution)),
        }
        self.layers = nn.Sequential(OrderedDict(layers))

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c _h _w"]:
        """Features of a picture in [0, 1]; one with a side below 75 pixels is enlarged first, in proportion."""
        height, width = picture.shape[-2:]
        shorter = min(height, width)
        if shorter < SMALLEST:
            picture = resize(picture, (round(height * SMALLEST / shorter), round(width * SMALLEST / shorter)))
        features: Tensor = self.layers(picture)
        return features


class InsideMean(nn.Module):
    """What a 3x3 mean with zeros outside the border gives, made the mean of what lies inside."""

    def forward(self, means: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The means, larger at the border."""
        inside = F.avg_pool2d(means.new_ones(1, 1, *means.shape[-2:]), 3, stride=1, padding=1)
        return means / inside


def _convolution(inputs: int, outputs: int, **options: int | tuple[int, int]) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, bias=False, **options)  # type: ignore[arg-type]
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(OrderedDict(conv=convolution, norm=FixedNorm(outputs), activation=nn.ReLU6()))


def _averaging(block: nn.Module) -> nn.Module:
    """A block of torchvision's, its mean over the inside only: the branch behind it begins with what mends it."""
    branch = block.get_submodule("branch_pool")
    block.branch_pool = nn.Sequential(OrderedDict(inside=InsideMean(), **dict(branch.named_children())))
    return block
