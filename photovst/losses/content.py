"""Content: coarse structure stays the frame's own [Gatys2016]."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor


class ContentTerm:
    """Squared distance of one layer's features over the squared norm of the frame's own features.

    Args:
        features: the frame's features by layer.
        layer: which of them to hold; the deepest one when not given.
    """

    def __init__(self, features: Mapping[str, Tensor], layer: str | None = None) -> None:
        self.layer = list(features)[-1] if layer is None else layer
        if self.layer not in features:
            raise ValueError(f"no layer {self.layer!r} to hold; choose one of {', '.join(features)}")
        self.target = features[self.layer].detach()
        self.norm = self.target.square().sum().clamp_min(1e-12)

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Relative squared distance: 0 keeps the content, 1 has lost it."""
        return (features[self.layer] - self.target).square().sum() / self.norm
