"""Dark pictures seen a second time, brightened: networks that learned from daylight take night clouds for hills."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.segmentation import Segmenter
from photovst.ops.color import rec601_luma

DAYLIGHT = 0.5
"""Mean luma that a dark picture is brightened to."""

DUSK, NIGHT = 0.45, 0.25
"""Mean luma below which the brightened picture begins to count, and below which it counts by `MOST`."""

MOST = 2 / 3
"""Weight of the brightened picture by night."""

_STEPS = 20


@dataclass(frozen=True)
class Brightened:
    """Another segmenter's probabilities; of a dark picture, mixed with those of the picture brightened.

    How much the second counts rises smoothly as a picture gets darker, so that a clip at dusk does not flicker.

    Args:
        segmenter: the other.
    """

    segmenter: Segmenter

    @property
    def name(self) -> str:
        """That of the other, and what this adds."""
        return f"{self.segmenter.name}, brightened {DAYLIGHT:g} {DUSK:g} {NIGHT:g}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the other."""
        return self.segmenter.classes

    def __call__(self, frames: Float[Tensor, "b 3 _h _w"]) -> Float[Tensor, "b c h w"]:
        """Probabilities; asked twice only of dark pictures."""
        return torch.cat([self._one(frame[None]) for frame in frames])

    def _one(self, frame: Tensor) -> Tensor:
        seen, share = self.segmenter(frame), MOST * darkness(frame)
        return torch.lerp(seen, self.segmenter(brightened(frame)), share) if share else seen


def darkness(frame: Float[Tensor, "1 3 h w"]) -> float:
    """0 for a picture by day, 1 for one by night, in between at dusk."""
    return min(max((DUSK - float(rec601_luma(frame).mean())) / (DUSK - NIGHT), 0.0), 1.0)


def brightened(frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
    """A picture to the power that brings its mean luma to `DAYLIGHT`; a black one stays."""
    luma, low, high = rec601_luma(frame).clamp(0, 1), 0.1, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if float((luma**middle).mean()) > DAYLIGHT else (low, middle)
    return frame.clamp(0, 1) ** high
