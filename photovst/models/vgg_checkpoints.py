"""Published weights of the VGG family, each layout turned into the network it belongs to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from photovst.errors import WeightsError
from photovst.models.vgg import CONTENT_LAYER, CONVOLUTIONS, STYLE_LAYERS, Convolution, Vgg, convolution_names

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""RGB statistics that torchvision's networks were trained with."""

CAFFE_MEAN = (103.939, 116.779, 123.68)
"""BGR mean in 0 .. 255 that the authors' network was trained with."""

LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)

_CD16X_BLOCKS = (2, 2, 4, 4, 1)
_CONV3_1_BLOCKS = (2, 2, 1)

State = Mapping[str, Tensor]


def torchvision_vgg(
    state: State, kind: Literal["vgg16", "vgg19"], layers: Sequence[str] = LAYERS, **options: Any
) -> Vgg:
    """VGG of torchvision: RGB less the mean, over the deviation.

    Args:
        state: ``features.N.weight`` and ``features.N.bias``, as in torchvision's checkpoints.
        kind: ``vgg16`` or ``vgg19``.
        layers: which to return.
        options: of `Vgg`: pooling, ceil, padding, gain.
    """
    deviation = torch.tensor(DEVIATION)
    preprocess = Convolution(torch.diag(1 / deviation)[..., None, None], -torch.tensor(MEAN) / deviation)
    return Vgg(_in_sequence(state, kind), layers, preprocess, **options)


def caffe_vgg(state: State, layers: Sequence[str] = LAYERS, *, scale: float = 255.0, **options: Any) -> Vgg:
    """VGG-19 as its authors trained it, converted from Caffe: BGR from 0 to ``scale``, less the mean.

    It is the network that [Gatys2016], [Ruder2016] and [Luan2017] used, so that their weights hold for its features.
    """
    flip = torch.eye(3).flip(0) * scale
    preprocess = Convolution(flip[..., None, None], -torch.tensor(CAFFE_MEAN))
    return Vgg(_in_sequence(state, "vgg19"), layers, preprocess, **options)


def vgg19_cd16x(weights: State, layers: Sequence[str] = STYLE_LAYERS, **options: Any) -> Vgg:
    """VGG-19 distilled to a sixteenth of its size by collaborative distillation [Wang2020].

    VGG-19's order of layers up to 5_1 with widths 16 16 32 32 64x4 128x5 and reflection padding. Its five style layers
    are mapped back to VGG-19's widths by the distillation's own 1x1 convolutions; others come as they are.

    Args:
        weights: the ``model`` entry of the checkpoint (``conv0``, ``conv11`` ... ``convXX_aux``).
        layers: which to return.
        options: of `Vgg`: pooling, ceil, gain.
    """
    convolutions = {name: _pair(weights, f"conv{name.replace('_', '')}") for name in convolution_names(_CD16X_BLOCKS)}
    heads = {layer: _pair(weights, f"conv{layer[4]}{layer[6]}_aux") for layer in STYLE_LAYERS}
    return Vgg(convolutions, layers, _pair(weights, "conv0"), padding="reflect", heads=heads, **options)


def vgg19_conv3_1(weights: State, layers: Sequence[str] = STYLE_LAYERS[:3], **options: Any) -> Vgg:
    """The exact VGG-19 up to conv3_1, each channel scaled to a mean activation of 1 [Gatys2016]; reflection padding.

    Args:
        weights: numbered by place in the publisher's sequence, from 0, the 1x1 preprocessing.
        layers: which to return.
        options: of `Vgg`: pooling, ceil, gain.
    """
    pairs = [_pair(weights, name) for name in sorted({key.split(".")[0] for key in weights}, key=int)]
    convolutions = dict(zip(convolution_names(_CONV3_1_BLOCKS), pairs[1:], strict=True))
    return Vgg(convolutions, layers, pairs[0], padding="reflect", **options)


def torchvision_places(kind: Literal["vgg16", "vgg19"]) -> dict[str, int]:
    """Place of each convolution in torchvision's sequence, where it and its ReLU take two and each pooling one."""
    blocks = CONVOLUTIONS[kind]
    before = list(itertools.accumulate((2 * count + 1 for count in blocks), initial=0))
    places = [before[block] + 2 * place for block, count in enumerate(blocks) for place in range(count)]
    return dict(zip(convolution_names(blocks), places, strict=True))


def _in_sequence(state: State, kind: Literal["vgg16", "vgg19"]) -> dict[str, Convolution]:
    """Convolutions by name."""
    return {name: _pair(state, f"features.{place}") for name, place in torchvision_places(kind).items()}


def _pair(state: State, name: str) -> Convolution:
    try:
        return Convolution(state[f"{name}.weight"], state[f"{name}.bias"])
    except KeyError as error:
        raise WeightsError(
            f"the weights hold no {error.args[0]!r}, so they are of another network; give those the encoder names"
        ) from error
