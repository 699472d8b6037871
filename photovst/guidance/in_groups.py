"""A segmenter whose classes are folded into groups, kept by content where it is slow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.cache import GuideCache
from photovst.guidance.groups import GROUPS, fold
from photovst.guidance.segmentation import Segmenter
from photovst.storage import Arrays

SHARPNESS = 2.0
"""Power that probabilities are taken to: means over scales, crops and classes are less sure than they are right."""

VERSION = 1
"""Of the groups and of how they are stored."""


@dataclass(frozen=True)
class InGroups:
    """Another segmenter's probabilities as those of `GROUPS`.

    They are rounded to 1/255 with or without a cache, so that both give the same.

    Args:
        segmenter: of ADE20K's classes.
        cache: where they are kept; None computes them each time.
    """

    segmenter: Segmenter
    cache: GuideCache | None = None

    @property
    def name(self) -> str:
        """That of the segmenter, and the version of the groups."""
        return f"{self.segmenter.name}, groups {VERSION}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The groups."""
        return GROUPS

    def __call__(self, frames: Float[Tensor, "b 3 _h _w"]) -> Float[Tensor, "b g h w"]:
        """Probabilities of the groups."""
        return torch.cat([self._one(frame[None]) for frame in frames])

    def _one(self, frame: Tensor) -> Tensor:
        def compute() -> Arrays:
            folded = fold(self.segmenter(frame), self.segmenter.classes) ** SHARPNESS
            folded = folded / folded.sum(dim=1, keepdim=True)
            return {"probabilities": (folded * 255).round().to(torch.uint8).cpu().numpy()}

        arrays = compute() if self.cache is None else self.cache.get(self.name, (frame,), compute)
        levels = torch.from_numpy(arrays["probabilities"].astype(np.float32)).to(frame)
        return levels / levels.sum(dim=1, keepdim=True).clamp_min(1)
