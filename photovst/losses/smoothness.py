"""Smoothness: total variation [Rudin1992], and colors that stay inside the gamut."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor


def total_variation(image: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean squared difference of neighbours, down plus across; a checkerboard of 0 and 1 gives 2."""
    down = (image[..., 1:, :] - image[..., :-1, :]).square().mean()
    across = (image[..., 1:] - image[..., :-1]).square().mean()
    return down + across


class SmoothnessTerm:
    """Total variation of the picture."""

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """See `total_variation`; the features are not used."""
        return total_variation(image)


class GamutTerm:
    """Mean squared distance of colors to [0, 1]: what clipping would cut off."""

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Zero inside the gamut; the features are not used."""
        return (image - image.clamp(0, 1)).square().mean()
