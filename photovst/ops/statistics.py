"""Masked Gram matrices: the second-order statistics that style is made of [Gatys2016, Luan2017]."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


class _MaskedGram(torch.autograd.Function):
    """Gram matrices with the gradient written out.

    Autograd would differentiate both factors of ``(m F) F^T`` and keep ``m F`` for every region. Since each Gram
    matrix is symmetric in F, the gradient is one product a region: ``(D + D^T) F m / sum(m)``.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(features, weights)
        return torch.stack([(features * weight) @ features.T for weight in weights])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None]:
        features, weights = ctx.saved_tensors
        gradient = gradients[0] + gradients[0].transpose(1, 2)
        result = torch.zeros_like(features)
        for region, weight in zip(gradient, weights, strict=True):
            result.addcmul_(region @ features, weight)
        return result, None


def masked_gram(features: Float[Tensor, "1 c h w"], masks: Float[Tensor, "1 k h w"]) -> Float[Tensor, "k c c"]:
    """Mean outer product of the features of each region, ``F diag(m_k) F^T / sum(m_k)``.

    Differentiable in the features (once), not in the masks. A region with no area gives zeros. A mask of ones gives
    the plain Gram matrix over the number of pixels.

    Raises:
        ValueError: features and masks differ in size.
    """
    if features.shape[-2:] != masks.shape[-2:]:
        raise ValueError(
            f"features are {tuple(features.shape[-2:])} but masks {tuple(masks.shape[-2:])}; resize the masks"
        )
    weights = masks.flatten(2)[0]
    total = weights.sum(dim=1, keepdim=True)
    weights = weights / total.clamp_min(torch.finfo(weights.dtype).tiny)
    gram: Tensor = _MaskedGram.apply(features.flatten(2)[0], weights)  # type: ignore[no-untyped-call]
    return gram
