"""Content: coarse structure stays the frame's own [Gatys2016]."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from photovst.types import TermScale


class ContentTerm:
    """Squared distance of one layer's features to the frame's own.

    Args:
        features: the frame's features by layer.
        layer: which of them to hold; the deepest one when not given.
        scale: ``relative`` divides by the squared norm of the frame's features, ``paper`` [Luan2017] by twice their
            number, ``coded`` by their number.
    """

    def __init__(self, features: Mapping[str, Tensor], layer: str | None = None, scale: TermScale = "relative") -> None:
        self.layer = list(features)[-1] if layer is None else layer
        if self.layer not in features:
            raise ValueError(f"no layer {self.layer!r} to hold; choose one of {', '.join(features)}")
        self.target = features[self.layer].detach()
        norms = {
            "relative": self.target.square().sum().clamp_min(1e-12),
            "paper": self.target.new_tensor(2 * self.target.numel()),
            "coded": self.target.new_tensor(self.target.numel()),
        }
        self.norm = norms[scale]

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The distance: 0 keeps the content; on the relative scale 1 has lost it."""
        return (features[self.layer] - self.target).square().sum() / self.norm
