"""What the terms of training look at: a batch, what the network made of it, and features of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from photovst.training.batch import Batch


@dataclass(frozen=True, eq=False)
class Drawn:
    """One step.

    Args:
        batch: the frames; ``b`` samples of ``t`` frames.
        outputs: of all of them.
        inner: what else the network gives, as ``with_features`` says: an encoder's features, or grids.
        frames: the last two of each sample, on which pictures are judged: more would cost as much again.
        results: their outputs.
        original: features of the frames, by layer.
        features: features of the results, by layer.
    """

    batch: Batch
    outputs: Float[Tensor, "b t 3 h w"]
    inner: Tensor
    frames: Float[Tensor, "b2 3 h w"]
    results: Float[Tensor, "b2 3 h w"]
    original: Mapping[str, Tensor]
    features: Mapping[str, Tensor]


class WithFeatures(nn.Module):
    """A network as it is trained: called, it gives what its ``with_features`` does.

    Wrapped for several processes, a module is only to be called, and gradients are shared right only in one call.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor]:
        """Outputs, and what else there is."""
        outputs, inner = self.network.with_features(frames)  # type: ignore[operator]
        return outputs, inner
