"""Regions of a picture and of a photograph, each of which is to answer to the other's of its number."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.masks import areas


def check_counterparts(masks_output: Float[Tensor, "1 k h w"], masks_style: Float[Tensor, "1 _k _h _w"]) -> None:
    """Refuse regions that cannot be compared.

    Raises:
        MediaError: their numbers differ, or a region of the output is nowhere in the photograph.
    """
    if masks_output.shape[1] != masks_style.shape[1]:
        raise MediaError(
            f"the output has {masks_output.shape[1]} regions but the photograph {masks_style.shape[1]}; "
            "give both the same regions"
        )
    share = areas(masks_output)[0]
    for k in torch.nonzero((share > 0) & (areas(masks_style)[0] <= 0))[:, 0].tolist():
        raise MediaError(
            f"region {k} takes {float(share[k]):.1%} of the output but is nowhere in the photograph; "
            "give it the masks of another region"
        )
