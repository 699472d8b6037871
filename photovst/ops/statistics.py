"""Masked Gram matrices: the second-order statistics that style is made of [Gatys2016, Luan2017]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor


class _MaskedGram(torch.autograd.Function):
    """Gram matrices with the gradient written out.

    Autograd would differentiate both factors of ``(m F) F^T`` and keep ``m F`` for every region. Since each Gram
    matrix is symmetric in F, the gradient is one product a region: ``(D + D^T) F m / sum(m)``.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor, gradient_weights: Tensor) -> Tensor:
        ctx.save_for_backward(features, gradient_weights)
        return torch.stack([(features * weight) @ features.T for weight in weights])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None]:
        features, weights = ctx.saved_tensors
        gradient = gradients[0] + gradients[0].transpose(1, 2)
        result = torch.zeros_like(features)
        for region, weight in zip(gradient, weights, strict=True):
            result.addcmul_(region @ features, weight)
        return result, None, None


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
class GramWeights:
    """What each pixel counts for the Gram matrix of each region, and for its gradient: ``(regions, pixels)``."""

    forward: Tensor
    backward: Tensor


def gram_weights(
    masks: Float[Tensor, "1 k h w"], power: Literal[1, 2] = 1, masked_gradient: bool = True
) -> GramWeights:
    """The weights of `masked_gram`, for masks that serve many times."""
    planes = masks.flatten(2)[0]
    total = planes.sum(dim=1, keepdim=True).clamp_min(torch.finfo(planes.dtype).tiny)
    forward = planes**power / total
    return GramWeights(forward, forward if masked_gradient else planes ** (power - 1) / total)


def weighted_gram(features: Float[Tensor, "1 c h w"], weights: GramWeights) -> Float[Tensor, "k c c"]:
    """`masked_gram` with weights that are at hand."""
    gram: Tensor = _MaskedGram.apply(  # type: ignore[no-untyped-call]
        features.flatten(2)[0], weights.forward, weights.backward
    )
    return gram
