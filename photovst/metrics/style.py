"""How far the output is from the photograph's style: protocol ``style_gram`` [Gatys2016, Luan2017]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.masks import areas, resize_masks
from photovst.ops.statistics import masked_gram


def style_gram(
    features_output: Mapping[str, Tensor],
    features_style: Mapping[str, Tensor],
    masks_output: Float[Tensor, "1 k h w"],
    masks_style: Float[Tensor, "1 k style_h style_w"],
) -> Float[Tensor, ""]:
    """Mean over layers of ``sum_k area_k |G_k(O) - G_k(S)|^2 / |G_k(S)|^2``; 0 is the photograph's style.

    G_k = F diag(m_k) F^T / sum(m_k), squared Frobenius norms, area_k the share of the output that region k
    takes. The figure depends on the encoder: print its name beside it.

    Args:
        features_output: Features ``(1, C, H, W)`` of the output by layer.
        features_style: Features of the photograph, the same layers.
        masks_output: Regions of the output, sum to 1; resized to each layer by area.
        masks_style: Regions of the photograph; region k of the one answers to region k of the other.

    Raises:
        MediaError: layers, channels or regions differ, or a region of the output is nowhere in the
            photograph.
    """
    layers = list(features_output)
    if not layers or set(layers) != set(features_style):
        raise MediaError(
            f"the output has layers {sorted(layers)} but the photograph {sorted(features_style)}; "
            "encode both with one encoder"
        )
    if masks_output.shape[1] != masks_style.shape[1]:
        raise MediaError(
            f"the output has {masks_output.shape[1]} regions but the photograph {masks_style.shape[1]}; "
            "give both the same regions"
        )
    share = areas(masks_output)[0]
    present = share > 0
    for k in torch.nonzero(present & (areas(masks_style)[0] <= 0))[:, 0].tolist():
        raise MediaError(
            f"region {k} takes {float(share[k]):.1%} of the output but is nowhere in the photograph; "
            "give it the masks of another region"
        )
    distances = [
        _distance(features_output[name], features_style[name], masks_output, masks_style, name) for name in layers
    ]
    return torch.stack([(share[present] * distance[present]).sum() for distance in distances]).mean()


def _distance(
    output: Tensor, style: Tensor, masks_output: Tensor, masks_style: Tensor, layer: str
) -> Float[Tensor, " k"]:
    """Relative squared distance of the Gram matrices of each region, at one layer."""
    if output.shape[1] != style.shape[1]:
        raise MediaError(
            f"layer {layer} has {output.shape[1]} channels in the output but {style.shape[1]} in the "
            "photograph; encode both with one encoder"
        )
    ours = masked_gram(output, resize_masks(masks_output, (output.shape[-2], output.shape[-1])))
    theirs = masked_gram(style, resize_masks(masks_style, (style.shape[-2], style.shape[-1])))
    return (ours - theirs).square().sum(dim=(1, 2)) / theirs.square().sum(dim=(1, 2))
