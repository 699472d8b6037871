"""Labels with hysteresis: a pixel keeps its label until another leads by a margin, as in a trigger [Schmitt1938]."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

_LEAD = 2e-3
"""How far a kept label stays ahead; it outlives rounding to half floats."""


def keep_labels(
    masks: Float[Tensor, "b k h w"],
    former: Float[Tensor, "b k h w"],
    margin: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, "b k h w"]:
    """``masks`` in which the label of ``former`` goes on being the largest until another is ahead by ``margin``.

    A pixel's label is its largest mask. Where a kept one was overtaken, those ahead of it are cut to one level and it
    gets what they lose, so that all are even up to a hair; all else stays, and so does the sum. Only what is shown is
    held: nothing is remembered but by ``former``.

    Args:
        masks: what is known now, in [0, 1], summing to 1.
        former: masks shown last, looked up along the flow.
        margin: lead that changes a label, in [0, 1]; 0 keeps none.
    """
    kept = former.max(dim=1, keepdim=True).indices  # a tenth of the time of argmax
    largest, leader = masks.max(dim=1, keepdim=True)
    holds = ((leader != kept) & (largest - masks.gather(1, kept) < margin))[:, 0]
    result = masks.movedim(1, -1).clone()
    result[holds] = _lifted(result[holds], kept.movedim(1, -1)[holds])
    return result.movedim(-1, 1).contiguous()


def _lifted(shares: Float[Tensor, "n k"], kept: Int[Tensor, "n 1"]) -> Float[Tensor, "n k"]:
    """The kept one made the largest of each row by cutting the others to the highest level that allows it."""
    others = shares.scatter(1, kept, 0)
    highest = others.sort(dim=1, descending=True).values.cumsum(dim=1)
    count = torch.arange(2, shares.shape[1] + 2, device=shares.device)
    # Level c with kept + sum of what is above c = c. The highest n alone would give at most that, for any n.
    level = ((shares.gather(1, kept) + highest) / count).max(dim=1, keepdim=True).values
    others = torch.minimum(others, (level - _LEAD / 2).clamp_min(0))
    return others.scatter(1, kept, shares.sum(dim=1, keepdim=True) - others.sum(dim=1, keepdim=True))
