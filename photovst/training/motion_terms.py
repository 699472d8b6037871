"""Terms of training that look at two frames: what keeps results steady [Gao2018, Mahakalkar2022]."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.losses.two_frame import Luma, feature_temporal, output_temporal
from photovst.training.drawn import Drawn


class OutputTemporal:
    """The output temporal loss against one earlier frame; against one several back it is the long-term loss.

    The report's listing takes no gradient of its long-term loss, which then does nothing; here every loss has one.

    Args:
        place: which of a sample's frames: -2 is the one before the current.
        luma: see `output_temporal`.
    """

    def __init__(self, place: int = -2, luma: Luma = "rec709") -> None:
        self.place, self.luma = place, luma

    def __call__(self, drawn: Drawn) -> Float[Tensor, ""]:
        """0 where results change as the clip's luma does."""
        batch, outputs, place = drawn.batch, drawn.outputs, self.place
        return output_temporal(
            outputs[:, -1].float(),
            outputs[:, place].float(),
            batch.frames[:, -1],
            batch.frames[:, place],
            batch.flow[:, place + 1],
            batch.certainty[:, place + 1],
            self.luma,
        )


def features_steady(drawn: Drawn) -> Float[Tensor, ""]:
    """The feature temporal loss on the network's own features, against the frame before."""
    batch = drawn.batch
    inner = drawn.inner.view(*drawn.outputs.shape[:2], *drawn.inner.shape[1:])
    return feature_temporal(inner[:, -1], inner[:, -2], batch.flow[:, -1], batch.certainty[:, -1])
