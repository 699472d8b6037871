"""How much of the picture a measure along the flow speaks for: protocol ``flow_coverage``."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def flow_coverage(certainty: Float[Tensor, "b 1 h w"], threshold: float = 0.5) -> Float[Tensor, " b"]:
    """Share of pixels whose certainty is above the threshold, of each flow; 1 is the whole picture."""
    return (certainty > threshold).to(certainty).mean(dim=(1, 2, 3))
