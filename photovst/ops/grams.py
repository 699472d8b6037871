"""Gram matrices of a batch, each of a whole picture or of its regions [Gatys2016, Luan2017].

`masked_gram` (statistics.py) serves one picture under masks that stay; here pictures and masks change at every step.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.masks import resize_masks


def batch_grams(features: Float[Tensor, "b c h w"], masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k c c"]:
    """Mean outer product of each picture's features in each of its regions, ``F diag(m_k) F^T / sum(m_k)``.

    Differentiable in both. A region with no area gives zeros. Always in float32 or better, autocast or not: the sum
    runs over many pixels.

    Args:
        features: of the pictures.
        masks: of their regions, at the same size, in [0, 1].

    Raises:
        ValueError: features and masks differ in size or number.
    """
    if features.shape[-2:] != masks.shape[-2:] or len(features) != len(masks):
        raise ValueError(
            f"features are {tuple(features.shape)} but masks {tuple(masks.shape)}; give the same number at one size"
        )
    with torch.autocast(features.device.type, enabled=False):
        flat = features.flatten(2)
        flat = flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat
        weights = masks.flatten(2).to(flat.dtype)
        weights = weights / weights.sum(dim=2, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
        turned = flat.transpose(1, 2)
        return torch.stack([(flat * mask[:, None]) @ turned for mask in weights.unbind(1)], dim=1)


def fitted_grams(features: Float[Tensor, "b c h w"], masks: Float[Tensor, "b k _h _w"]) -> Float[Tensor, "b k c c"]:
    """`batch_grams` with masks of any size; those of a single pixel hold everywhere."""
    size = features.shape[-2], features.shape[-1]
    fitted = masks.expand(-1, -1, *size) if masks.shape[-2:] == (1, 1) else resize_masks(masks, size)
    return batch_grams(features, fitted)
