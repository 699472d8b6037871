"""Region-masked Gram style [Gatys2016, Luan2017], relative to the photograph's own statistics."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from photovst.ops.masks import resize_masks
from photovst.ops.statistics import masked_gram

Grams = dict[str, Tensor]
"""Gram matrices by layer, each ``(regions, channels, channels)``."""


def region_grams(features: Mapping[str, Tensor], masks: Float[Tensor, "1 k h w"]) -> Grams:
    """The Gram matrices of each region in each layer; masks are averaged down to each layer's size."""
    return {name: masked_gram(planes, masks_at(masks, planes)) for name, planes in features.items()}


def masks_at(masks: Float[Tensor, "1 k h w"], features: Float[Tensor, "1 c hf wf"]) -> Tensor:
    """Masks at a feature map's size; averaging keeps their sum at one."""
    return resize_masks(masks, (features.shape[-2], features.shape[-1]))


class StyleTerm:
    """Squared Frobenius distance of Gram matrices, per region and layer, over the squared norm of the style's.

    Regions count by their area in the content, layers count alike. Departures from [Luan2017]: Grams are means over
    a region instead of sums over a masked frame, so the value does not depend on sizes, and the distance is relative,
    so that all layers have one scale: 0 is the photograph's style, about 1 is none of it.

    Args:
        targets: the photograph's Gram matrices by layer, from `region_grams`.
        masks: the frame's regions, at any size; region k takes the style of region k.
    """

    def __init__(self, targets: Grams, masks: Float[Tensor, "1 k h w"]) -> None:
        wanted, given = {len(gram) for gram in targets.values()}, masks.shape[1]
        if wanted != {given}:
            raise ValueError(
                f"{given} regions in the frame but {sorted(wanted)} in the photograph; give both the same regions"
            )
        self.targets = targets
        self.norms = {name: gram.square().sum(dim=(1, 2)).clamp_min(1e-12) for name, gram in targets.items()}
        self.masks = masks
        self._masks: dict[str, Tensor] = {}
        areas = masks.mean(dim=(0, 2, 3))
        self.areas = areas / areas.sum()

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The distance of the features given, averaged over the layers both pictures have."""
        layers = [name for name in features if name in self.targets]
        total = image.new_zeros(())
        for name in layers:
            if name not in self._masks:
                self._masks[name] = masks_at(self.masks, features[name])
            distance = (masked_gram(features[name], self._masks[name]) - self.targets[name]).square()
            total = total + (self.areas * distance.sum(dim=(1, 2)) / self.norms[name]).sum()
        return total / len(layers)
