"""Region-masked Gram style [Gatys2016, Luan2017]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from photovst.ops.masks import resize_masks
from photovst.ops.statistics import gram_weights, masked_gram, weighted_gram
from photovst.types import TermScale

Grams = dict[str, Tensor]
"""Gram matrices by layer, each ``(regions, channels, channels)``."""

LayerMasks = Mapping[str, Tensor]
"""Region masks by layer, each ``(1, regions, h, w)`` of the layer's size."""


def layer_masks(masks: Float[Tensor, "1 k h w"], features: Mapping[str, Tensor]) -> LayerMasks:
    """Masks averaged down to each layer's size; they go on summing to one."""
    return {name: resize_masks(masks, (planes.shape[-2], planes.shape[-1])) for name, planes in features.items()}


def region_grams(features: Mapping[str, Tensor], masks: LayerMasks, scale: TermScale = "relative") -> Grams:
    """The Gram matrices of each region in each layer that has masks."""
    return {name: masked_gram(features[name], masks[name], _power(scale)) for name in features if name in masks}


class StyleTerm:
    """Squared Frobenius distance of Gram matrices of each region and layer to the photograph's.

    With G_k the mean of outer products over region k, a_k its share of the frame, C the number of channels:

    - ``relative``: ``sum_k a_k |G_k - S_k|^2 / |S_k|^2``: 0 is the photograph's style, about 1 is none of it, on every
      layer of every encoder. Ours: the sum over a masked frame of [Luan2017] would depend on sizes.
    - ``paper``: ``sum_k |G_k - S_k|^2 / (2 C^4)``. The text divides by 2 C^2 and leaves open what divides G; only with
      the program's C do its weights and the program's agree.
    - ``coded``: ``sum_k a_k |G_k - S_k|^2 / C^4``, as in the released program.

    The two latter mask features before they are multiplied, so that masks enter squared.

    Args:
        targets: the photograph's Gram matrices by layer, from `region_grams` on the same scale.
        masks: the frame's regions at each layer's size; region k takes the style of region k.
        scale: as above.
        layers: the weight of each layer that counts; the mean of all that both pictures have when not given.
        masked_gradient: see `masked_gram`.
        regions: factor on the distance of each region; 1 when not given.
    """

    def __init__(
        self,
        targets: Grams,
        masks: LayerMasks,
        scale: TermScale = "relative",
        layers: Mapping[str, float] | None = None,
        masked_gradient: bool = True,
        regions: Float[Tensor, " k"] | None = None,
    ) -> None:
        shared = [name for name in masks if name in targets]
        weights = {name: 1 / len(shared) for name in shared}
        if layers is not None:
            # A frame too small for a deep layer does without it.
            weights = {name: layers[name] for name in shared if name in layers}
        for name in weights:
            if len(targets[name]) != masks[name].shape[1]:
                raise ValueError(
                    f"{masks[name].shape[1]} regions in the frame but {len(targets[name])} in the photograph; give both"
                    " the same regions"
                )
        self.targets = targets
        self.factors = {name: weight * _factor(targets[name], masks[name], scale) for name, weight in weights.items()}
        if regions is not None:
            self.factors = {name: factor * regions for name, factor in self.factors.items()}
        self.weights = {name: gram_weights(masks[name], _power(scale), masked_gradient) for name in weights}

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The weighted sum over regions and layers."""
        total = image.new_zeros(())
        for name, factor in self.factors.items():
            distance = (weighted_gram(features[name], self.weights[name]) - self.targets[name]).square()
            total = total + (factor * distance.sum(dim=(1, 2))).sum()
        return total


def _factor(target: Tensor, masks: Tensor, scale: TermScale) -> Float[Tensor, " k"]:
    """What the squared distance of each region counts at a layer."""
    share, channels = masks.mean(dim=(0, 2, 3)), float(target.shape[-1])
    match scale:
        case "relative":
            return share / share.sum() / target.square().sum(dim=(1, 2)).clamp_min(1e-12)
        case "paper":
            return (share > 0).to(share) / (2 * channels**4)
        case "coded":
            return share / channels**4


def _power(scale: TermScale) -> Literal[1, 2]:
    return 1 if scale == "relative" else 2
