"""Labels with hysteresis: a pixel keeps its label until another beats it by a margin (a trigger after [Schmitt1938])."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_LEAD = 2e-3
"""How far a kept label stays ahead; it outlives rounding to half floats."""


def keep_labels(
    masks: Float[Tensor, "b k h w"],
    former: Float[Tensor, "b k h w"],
    margin: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, "b k h w"]:
    """``masks`` in which the label of ``former`` goes on being the largest until another is ahead by ``margin``.

    A pixel's label is its largest mask. Where a kept one was overtaken the two share what they have evenly, up to a
    hair; all else stays, and so does the sum. Only what is shown is held: nothing is remembered but by ``former``.

    Args:
        masks: what is known now, in [0, 1], summing to 1.
        former: masks shown last, looked up along the flow.
        margin: lead that changes a label, in [0, 1]; 0 keeps none.
    """
    kept = former.argmax(dim=1, keepdim=True)
    largest, leader = masks.max(dim=1, keepdim=True)
    own = masks.gather(1, kept)
    holds = (leader != kept) & (largest - own < margin)
    even = (largest + own) / 2
    lead = torch.minimum(even, torch.full_like(even, _LEAD)) / 2
    shared = masks.scatter(1, leader, even - lead).scatter(1, kept, even + lead)
    return torch.where(holds, shared, masks)
