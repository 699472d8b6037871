"""How different two pictures look to a trained network: protocol ``lpips`` [Zhang2018]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError

FLOOR = 1e-8
"""Added to the squared length of features, so that the figure stays differentiable where there are none."""


def lpips(
    features_output: Mapping[str, Tensor], features_reference: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> Float[Tensor, " b"]:
    """Learned perceptual image patch similarity, of each pair; 0 for equal pictures, and larger is less alike.

    ``sum over layers of mean over positions of sum_c w_c (f_c / |f| - g_c / |g|)^2``, f and g the features of the two
    pictures at a position, |f| their length over channels. Differentiable.

    Args:
        features_output: Features ``(b, C, H, W)`` by layer.
        features_reference: Features of the other pictures, of the same shapes.
        weights: ``(C,)`` of each layer that counts; 0 or more.

    Raises:
        MediaError: features differ in shape, or lack a layer that has weights.
    """
    distances = []
    for layer, weight in weights.items():
        if layer not in features_output or layer not in features_reference:
            raise MediaError(
                f"the features have no layer {layer}: their picture is too small for it; give a larger one"
            )
        output, reference = features_output[layer], features_reference[layer]
        if output.shape != reference.shape:
            raise MediaError(
                f"layer {layer} is {tuple(output.shape)} and {tuple(reference.shape)}; give pictures of one size"
            )
        squares = (_unit(output) - _unit(reference)).square().mean(dim=(2, 3))
        distances.append(squares @ weight.to(squares))
    return torch.stack(distances).sum(dim=0)


@dataclass(frozen=True)
class Lpips:
    """`lpips` of pictures: an encoder and its weights by layer, as `photovst.models.lpips.lpips_vgg16` gives them.

    The figure depends on both: print their name beside it.
    """

    encoder: Callable[[Tensor], dict[str, Tensor]]
    weights: Mapping[str, Tensor]

    def __call__(self, output: Float[Tensor, "b 3 h w"], reference: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        """LPIPS of each pair; RGB in [0, 1].

        Raises:
            MediaError: the pictures differ in size, or are too small for the deepest layer.
        """
        return lpips(self.encoder(output), self.encoder(reference), self.weights)


def _unit(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Features of length 1 at each position."""
    return features * (features.square().sum(dim=1, keepdim=True) + FLOOR).rsqrt()
