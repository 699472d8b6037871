"""Certainties of several earlier frames, so that each pixel is held to the nearest one that saw it [Ruder2016]."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError


def long_term_certainties(certainties: Sequence[Float[Tensor, "b 1 h w"]]) -> list[Float[Tensor, "b 1 h w"]]:
    """``c_long(j) = max(c(j) - sum of c(k) over nearer k, 0)``, with the plain certainties c(k).

    A pixel that a nearer frame holds is not held again: a farther one counts where all nearer were occluded.

    Args:
        certainties: c in [0, 1], of the flow to each earlier frame, all on this frame's grid, nearest first.

    Raises:
        MediaError: the certainties differ in size.
    """
    if len({certainty.shape for certainty in certainties}) > 1:
        sizes = ", ".join(str(tuple(certainty.shape)) for certainty in certainties)
        raise MediaError(f"the certainties of several frames are {sizes}; give all at this frame's size")
    result: list[Tensor] = []
    nearer: Tensor | None = None
    for certainty in certainties:
        result.append(certainty if nearer is None else (certainty - nearer).clamp_min(0))
        nearer = certainty if nearer is None else nearer + certainty
    return result
