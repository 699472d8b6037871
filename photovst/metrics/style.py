"""How far the output is from the photograph's style: protocol ``style_gram`` [Gatys2016, Luan2017]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.metrics.counterparts import check_counterparts
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
    check_counterparts(masks_output, masks_style)
    return gram_distance(features_output, masks_output, region_grams(features_style, masks_style))


def region_grams(features: Mapping[str, Tensor], masks: Float[Tensor, "1 k h w"]) -> dict[str, Tensor]:
    """Masked Gram matrices ``(K, C, C)`` by layer, for a photograph that many pictures are held against.

    Args:
        features: Features ``(1, C, H, W)`` by layer.
        masks: Regions; resized to each layer by area.
    """
    return {
        name: masked_gram(values, resize_masks(masks, (values.shape[-2], values.shape[-1])))
        for name, values in features.items()
    }


def gram_distance(
    features: Mapping[str, Tensor], masks: Float[Tensor, "1 k h w"], wanted: Mapping[str, Tensor]
) -> Float[Tensor, ""]:
    """`style_gram` of a picture against `region_grams` of the photograph.

    Args:
        features: Features ``(1, C, H, W)`` of the picture by layer.
        masks: Its regions, each of them present in the photograph too.
        wanted: The photograph's matrices, of the same layers and regions.

    Raises:
        MediaError: layers, channels or regions differ.
    """
    if not features or set(features) != set(wanted):
        raise MediaError(
            f"the output has layers {sorted(features)} but the photograph {sorted(wanted)}; "
            "encode both with one encoder"
        )
    share = areas(masks)[0]
    present = share > 0
    ours = region_grams(features, masks)
    distances = [_distance(ours[name], wanted[name], name) for name in features]
    return torch.stack([(share[present] * distance[present]).sum() for distance in distances]).mean()


def _distance(ours: Tensor, theirs: Tensor, layer: str) -> Float[Tensor, " k"]:
    """Relative squared distance of the Gram matrices of each region, at one layer."""
    if ours.shape[0] != theirs.shape[0]:
        raise MediaError(
            f"the output has {ours.shape[0]} regions but the photograph {theirs.shape[0]}; give both the same regions"
        )
    if ours.shape != theirs.shape:
        raise MediaError(
            f"layer {layer} has {ours.shape[1]} channels in the output but {theirs.shape[1]} in the photograph;"
            " encode both with one encoder"
        )
    return (ours - theirs).square().sum(dim=(1, 2)) / theirs.square().sum(dim=(1, 2))
