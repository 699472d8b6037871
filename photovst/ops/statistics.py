"""Masked Gram matrices: the second-order statistics that style is made of [Gatys2016, Luan2017]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

SPARSE = 0.8
"""A region that takes less than this share of a picture is worked on by its own pixels only."""


class _MaskedGram(torch.autograd.Function):
    """Gram matrices with the gradient written out.

    Autograd would differentiate both factors of ``(m F) F^T`` and keep ``m F`` for every region. Since each Gram
    matrix is symmetric in F, the gradient is one product a region: ``(D + D^T) F m / sum(m)``.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, regions: Sequence[RegionWeights]) -> Tensor:
        # Features of a region's own pixels are kept: to gather them again costs more than the product itself.
        own = [features if r.pixels is None else features.index_select(1, r.pixels) for r in regions]
        ctx.save_for_backward(*own)
        ctx.regions, ctx.shape = regions, features.shape
        grams = []
        for of_region, region in zip(own, regions, strict=True):
            if region.forward.ndim:
                grams.append((of_region * region.forward) @ of_region.T)
            else:
                grams.append((of_region @ of_region.T).mul_(region.forward))
        return torch.stack(grams)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None]:
        gradient = gradients[0] + gradients[0].transpose(1, 2)
        result = gradient.new_zeros(ctx.shape)
        for of_region, region, own in zip(gradient, ctx.regions, ctx.saved_tensors, strict=True):
            if region.backward.ndim:
                change = (of_region @ own).mul_(region.backward)
            else:
                change = (of_region * region.backward) @ own
            if region.pixels is None:
                result += change
            else:
                result.index_add_(1, region.pixels, change)
        return result, None


def masked_gram(
    features: Float[Tensor, "1 c h w"],
    masks: Float[Tensor, "1 k h w"],
    power: Literal[1, 2] = 1,
    masked_gradient: bool = True,
) -> Float[Tensor, "k c c"]:
    """Mean outer product of the features of each region, ``F diag(m_k^power) F^T / sum(m_k)``.

    Differentiable in the features (once), not in the masks. A region with no area gives zeros. A mask of ones gives
    the plain Gram matrix over the number of pixels.

    Args:
        features: of a picture.
        masks: of its regions, at the same size.
        power: 2 masks the features before they are multiplied [Luan2017]; it differs from 1 where masks are soft.
        masked_gradient: the gradient of the above. Without it one factor m_k is left out, as in the released program
            of [Luan2017]: the soft border of a region is then moved as much as its inside.

    Raises:
        ValueError: features and masks differ in size.
    """
    if features.shape[-2:] != masks.shape[-2:]:
        raise ValueError(
            f"features are {tuple(features.shape[-2:])} but masks {tuple(masks.shape[-2:])}; resize the masks"
        )
    return weighted_gram(features, gram_weights(masks, power, masked_gradient))


@dataclass(frozen=True, eq=False)
class RegionWeights:
    """What each pixel counts for the Gram matrix of a region, and for its gradient.

    ``pixels`` are the places of those that count at all, where that saves work; None for all of them. A weight that is
    the same for each is one number.
    """

    pixels: Tensor | None
    forward: Tensor
    backward: Tensor


def gram_weights(
    masks: Float[Tensor, "1 k h w"], power: Literal[1, 2] = 1, masked_gradient: bool = True
) -> tuple[RegionWeights, ...]:
    """The weights of `masked_gram`, one for each region, for masks that serve many times."""
    regions = []
    for mask in masks.flatten(2)[0]:
        total = mask.sum().clamp_min(torch.finfo(mask.dtype).tiny)
        forward = mask**power / total
        backward = forward if masked_gradient else mask ** (power - 1) / total
        pixels = torch.nonzero((forward != 0) | (backward != 0))[:, 0]
        if len(pixels) < SPARSE * len(mask):
            regions.append(RegionWeights(pixels, _one_if_even(forward[pixels]), _one_if_even(backward[pixels])))
        else:
            regions.append(RegionWeights(None, _one_if_even(forward), _one_if_even(backward)))
    return tuple(regions)


def _one_if_even(weights: Float[Tensor, " pixels"]) -> Tensor:
    return weights[0] if len(weights) and bool((weights == weights[0]).all()) else weights


def weighted_gram(features: Float[Tensor, "1 c h w"], regions: Sequence[RegionWeights]) -> Float[Tensor, "k c c"]:
    """`masked_gram` with weights that are at hand."""
    gram: Tensor = _MaskedGram.apply(features.flatten(2)[0], regions)  # type: ignore[no-untyped-call]
    return gram
