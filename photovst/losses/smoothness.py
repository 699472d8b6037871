"""Smoothness: total variation [Rudin1992], and colors that stay inside the gamut."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from photovst.types import TermScale


def total_variation(image: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean squared difference of neighbours, down plus across; a checkerboard of 0 and 1 gives 2."""
    down = (image[..., 1:, :] - image[..., :-1, :]).square().mean()
    across = (image[..., 1:] - image[..., :-1]).square().mean()
    return down + across


class SmoothnessTerm:
    """Total variation of the picture.

    Args:
        scale: ``relative`` gives `total_variation`; ``coded`` half the sum of squared differences of values from 0 to
            256, as in the released program of [Luan2017]; ``paper`` the same, for the text has no such term.
    """

    def __init__(self, scale: TermScale = "relative") -> None:
        self.scale = scale

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The features are not used."""
        if self.scale == "relative":
            return total_variation(image)
        down, across = image.diff(dim=-2).square().sum(), image.diff(dim=-1).square().sum()
        return 0.5 * 256**2 * (down + across)


class GamutTerm:
    """Mean squared distance of colors to [0, 1]: what clipping would cut off."""

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Zero inside the gamut; the features are not used."""
        return (image - image.clamp(0, 1)).square().mean()
