"""VGG-16 and VGG-19 [Simonyan2014], and networks in their order of layers, as encoders in one pass.

Layers have the field's names: ``conv4_2`` is the second convolution of the fourth block, ``relu4_2`` what is left of it
above zero. A block ends in a pooling to half the size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.layers import check_layers
from photovst.ops.masks import resize_masks

CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions of each block."""

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The style layers of [Gatys2016] and [Luan2017]."""

CONTENT_LAYER = "relu4_2"
"""Their content layer."""


class Convolution(NamedTuple):
    """A kernel ``(out, in, side, side)`` and its bias ``(out,)``."""

    kernel: Tensor
    bias: Tensor


def convolution_names(blocks: Sequence[int]) -> list[str]:
    """``1_1``, ``1_2``, ``2_1`` ...: block and place of each convolution, in the order of the network."""
    return [f"{block}_{place}" for block, count in enumerate(blocks, start=1) for place in range(1, count + 1)]


class Vgg(nn.Module):
    """``encoder(frame) -> {"relu1_1": features, ...}`` in one pass that ends at the deepest layer asked for.

    Args:
        convolutions: by ``1_1``, ``1_2``, ... in the order of the network; those behind the last layer are left out.
        layers: which to return.
        preprocess: 1x1 convolution from RGB in [0, 1] to the network's input.
        pooling: between blocks; ``average`` gives smoother pictures [Gatys2016].
        ceil: odd sizes are rounded up when halved, as in Caffe; torchvision rounds down.
        padding: what lies beyond the border of a feature map: ``zeros``, as the networks were trained, or ``reflect``.
        heads: 1x1 convolutions with ReLU that some layers are returned through.
        gain: factor on the features that are returned.

    Raises:
        SettingsError: there is no such layer.
    """

    def __init__(
        self,
        convolutions: Mapping[str, Convolution],
        layers: Sequence[str],
        preprocess: Convolution,
        *,
        pooling: Literal["max", "average"] = "max",
        ceil: bool = False,
        padding: Literal["zeros", "reflect"] = "zeros",
        heads: Mapping[str, Convolution] | None = None,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        names = list(convolutions)
        check_layers(layers, [f"{kind}{name}" for name in names for kind in ("conv", "relu")])
        self.layers = tuple(dict.fromkeys(layers))
        self.names = names[: max(names.index(layer[4:]) for layer in layers) + 1]
        self.pooling, self.ceil, self.padding, self.gain = pooling, ceil, padding, gain
        self._keep("preprocess", preprocess)
        for name in self.names:
            self._keep(f"conv{name}", convolutions[name])
        self.heads = frozenset(heads or ()) & frozenset(self.layers)
        for layer in self.heads:
            assert heads is not None
            self._keep(f"head_{layer}", heads[layer])

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        """Features of a frame, finest first; a frame too small for a block gets no layers of it."""
        features: dict[str, Tensor] = {}
        x = self._convolved(frame, "preprocess")
        for name in self.names:
            if starts_block(name):
                if not self._can_halve(x):
                    break
                x = self._halved(x)
            x = self._convolved(x, f"conv{name}")
            self._take(features, f"conv{name}", x)
            x = x.relu()
            self._take(features, f"relu{name}", x)
        return features

    def _take(self, features: dict[str, Tensor], layer: str, x: Tensor) -> None:
        if layer in self.layers:
            if layer in self.heads:
                x = self._convolved(x, f"head_{layer}").relu()
            features[layer] = x if self.gain == 1 else self.gain * x

    def _convolved(self, x: Tensor, name: str) -> Tensor:
        kernel, bias = self.get_buffer(f"{name}_kernel"), self.get_buffer(f"{name}_bias")
        kernel, bias = kernel.to(x.dtype), bias.to(x.dtype)
        radius = kernel.shape[-1] // 2
        if radius and self.padding == "reflect":
            return F.conv2d(F.pad(x, (radius,) * 4, mode="reflect"), kernel, bias)
        return F.conv2d(x, kernel, bias, padding=radius)

    def _halved(self, x: Tensor) -> Tensor:
        pool = F.max_pool2d if self.pooling == "max" else F.avg_pool2d
        return pool(x, 2, ceil_mode=self.ceil)

    def _can_halve(self, x: Tensor) -> bool:
        # Reflection needs two pixels a side afterwards, zeros one.
        smallest = 2 if self.padding == "reflect" else 1
        return (min(x.shape[-2:]) + self.ceil) // 2 >= smallest

    def _keep(self, name: str, convolution: Convolution) -> None:
        # Copied, and no parameter: an encoder is never trained.
        self.register_buffer(f"{name}_kernel", convolution.kernel.detach().clone().float())
        self.register_buffer(f"{name}_bias", convolution.bias.detach().clone().float())


def starts_block(name: str) -> bool:
    """Whether a pooling comes before this convolution, given as ``block_place``."""
    return bool(re.fullmatch(r"[2-9]_1", name))


def follow(
    masks: Float[Tensor, "1 k h w"], features: Mapping[str, Tensor], blocks: Sequence[int]
) -> dict[str, Float[Tensor, "1 k _h _w"]]:
    """Region masks at each layer as [Luan2017]'s program takes them through the network.

    Averaged 3x3 at each convolution, zeros beyond the border, and halved, rounded up, at each pooling: they see as far
    as the features do, and fade at the border of the picture, where they no longer sum to 1.

    Args:
        masks: at the size of the picture.
        features: of the picture by layer; masks are brought to their sizes where those were rounded down.
        blocks: convolutions of each block.
    """
    followed: dict[str, Tensor] = {}
    for name in convolution_names(blocks):
        if starts_block(name):
            masks = resize_masks(masks, (-(-masks.shape[-2] // 2), -(-masks.shape[-1] // 2)))
        masks = F.avg_pool2d(masks, 3, stride=1, padding=1)
        for layer in (f"conv{name}", f"relu{name}"):
            if layer in features:
                followed[layer] = resize_masks(masks, (features[layer].shape[-2], features[layer].shape[-1]))
    return followed
