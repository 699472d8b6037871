"""VGG-19 distilled to a sixteenth of its size by collaborative distillation [Wang2020].

Same layer order as VGG-19 with widths 16 16 32 32 64x4 128x5, reflection padding and 2x2 max pooling. Its five
style layers are mapped back to VGG-19's widths by the distillation's own 1x1 convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

_BLOCKS = (2, 2, 4, 4, 1)


class Vgg19Cd16x(nn.Module):
    """``encoder(frame) -> {"relu1_1": features, ...}`` in one pass that ends at the deepest layer asked for.

    Args:
        weights: the ``model`` entry of the published checkpoint (``conv0``, ``conv11`` ... ``convXX_aux``).
        layers: which of ``relu1_1 relu2_1 relu3_1 relu4_1 relu5_1`` to return.
    """

    def __init__(self, weights: Mapping[str, Tensor], layers: Sequence[str] = STYLE_LAYERS) -> None:
        super().__init__()
        unknown = sorted(set(layers) - set(STYLE_LAYERS))
        if unknown:
            raise ValueError(f"vgg19_cd16x has no layer {unknown[0]!r}; choose from {', '.join(STYLE_LAYERS)}")
        self.layers = tuple(layers)
        self.names = ["conv0"]
        for block, count in enumerate(_BLOCKS, start=1):
            self.names += [f"conv{block}{index}" for index in range(1, count + 1)]
        for name in [*self.names, *(f"conv{layer[4]}1_aux" for layer in layers)]:
            for part in ("weight", "bias"):
                self.register_buffer(f"{name}_{part}", weights[f"{name}.{part}"].float().clone())

    def _conv(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
        if weight.shape[-1] == 3:
            x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype))

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        """Features of a frame in [0, 1], by the field's layer names; a small frame gets fewer of them."""
        features: dict[str, Tensor] = {}
        x = self._conv(frame, "conv0")
        for name in self.names[1:]:
            if name.endswith("1") and name != "conv11":
                if min(x.shape[-2:]) < 4:
                    break  # half of it is too small to be reflected at its border
                x = F.max_pool2d(x, 2)
            x = self._conv(x, name).relu()
            layer = f"relu{name[4]}_{name[5]}"
            if layer in self.layers:
                features[layer] = self._conv(x, f"{name}_aux").relu()
                if len(features) == len(self.layers):
                    break
        return features
