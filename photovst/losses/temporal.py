"""Temporal: a frame is held to what the previous one makes likely, where the flow can be trusted [Ruder2016]."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor


class TemporalTerm:
    """``1/D sum c (x - w)^2`` with D = 3 H W.

    Args:
        target: w. In [Ruder2016] the previous output warped by the flow. Warping blurs, and a frame held to a blurred
            picture loses detail with every step; a transform that can be carried along the flow instead gives w as
            the previous frame's transform applied to this frame, which is as sharp as the frame.
        certainty: c in [0, 1], 0 where the flow cannot be trusted.
    """

    def __init__(self, target: Float[Tensor, "1 3 h w"], certainty: Float[Tensor, "1 1 h w"]) -> None:
        if target.shape[-2:] != certainty.shape[-2:]:
            raise ValueError(
                f"the target is {tuple(target.shape[-2:])} but its certainty {tuple(certainty.shape[-2:])};"
                " give both at the frame's size"
            )
        self.target = target.detach()
        self.certainty = certainty.detach()

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Zero where the frame is what was expected; the features are not used."""
        return (self.certainty * (image - self.target).square()).mean()
