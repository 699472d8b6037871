"""What the terms of training look at: a batch, what the network made of it, and features of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
        style: features of the batch's style pictures, by layer, where it has such.
    """

    batch: Batch
    outputs: Float[Tensor, "b t 3 h w"]
    inner: Tensor
    frames: Float[Tensor, "b2 3 h w"]
    results: Float[Tensor, "b2 3 h w"]
    original: Mapping[str, Tensor]
    features: Mapping[str, Tensor]
    style: Mapping[str, Tensor] = field(default_factory=dict)


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


class WithVectors(nn.Module):
    """A network of any style as it is trained: it is given style pictures, and takes their vectors itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        frames: Float[Tensor, "bt 3 h w"],
        style: Float[Tensor, "b 3 hs ws"],
        masks: Float[Tensor, "bt k h w"] | None = None,
        style_masks: Float[Tensor, "b k hs ws"] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Outputs, and what else there is; each style picture is that of as many frames in turn."""
        vectors = self.network.style_vectors(style, style_masks)  # type: ignore[operator]
        of_frames = vectors.repeat_interleave(len(frames) // len(style), dim=0)
        outputs, inner = self.network.with_features(frames, of_frames, masks)  # type: ignore[operator]
        return outputs, inner
