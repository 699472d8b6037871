"""How much of a picture changes its colors from one frame to another, wherever in the picture that is."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.ops.color import OPPONENT

BINS = 9
"""Of each opponent channel: about as coarse as a bilateral grid's luma."""


def color_histograms(frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "3 bins"]:
    """How a frame's pixels (RGB in [0, 1]) are spread over luma and the two chroma channels; each row sums to 1.

    A pixel is shared by the two bins next to it, so that slow changes do not jump.
    """
    opponent = frame.new_tensor(OPPONENT) @ frame[0].flatten(1)
    lowest = opponent.new_tensor([0.0, -0.5, -0.5])[:, None]
    place = ((opponent - lowest).clamp(0, 1) * (BINS - 1)).clamp(max=BINS - 1)
    lower = place.floor().clamp(max=BINS - 2)
    upper_share = place - lower
    histogram = opponent.new_zeros(3, BINS)
    histogram.scatter_add_(1, lower.long(), 1 - upper_share)
    histogram.scatter_add_(1, lower.long() + 1, upper_share)
    return histogram / opponent.shape[1]


def color_change(former: Float[Tensor, "3 bins"], now: Float[Tensor, "3 bins"]) -> float:
    """Share of the picture, in [0, 1], that has other colors than before, in the channel where it is most.

    It is the total variation distance of two `color_histograms`.
    """
    return float((former - now).abs().sum(dim=1).max()) / 2
