"""How near a clip's frames are to the photograph, and how far from a plain recoloring: a few frames of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from photovst.judges.frames import Moment
from photovst.judges.pictures import Judges
from photovst.metrics.histogram import histogram
from photovst.metrics.matting import matting_energy
from photovst.metrics.style import gram_distance, region_grams
from photovst.ops.masks import resize_masks
from photovst.ops.resize import fit_long_side, limit_long_side, resize

LONG_SIDE = 320
"""Pixels, at most, that style, colors and matting energy are measured at."""

MasksOf = Callable[[int, Tensor], Tensor]
"""``masks_of(index, frame)``: the regions of a content frame, ``(1, K, H, W)``."""

Perceptual = Callable[[Tensor, Tensor], Tensor]
"""``perceptual(frames, references)``: a distance for each frame, such as LPIPS."""


@dataclass(frozen=True, eq=False)
class Look:
    """A photograph, under its regions, as judges see it: at the clip's scale, at which they see textures.

    ``wanted`` has the photograph's Gram matrices by judge and layer.
    """

    photo: Tensor
    masks: Tensor
    masks_of: MasksOf
    judges: Judges
    wanted: dict[str, dict[str, Tensor]]
    not_for_result: frozenset[str] = frozenset()
    """Judges of the content alone: what a clip was optimized with does not judge it."""

    @classmethod
    def of(cls, photo: Tensor, masks: Tensor, masks_of: MasksOf, judges: Judges, long_side: int) -> Look:
        """The look of a photograph, RGB in [0, 1] at any size, with its regions at any size; for clips of a size."""
        long_side = min(long_side, LONG_SIDE)
        small = resize(photo, fit_long_side((photo.shape[-2], photo.shape[-1]), long_side))
        resized = resize_masks(masks, (small.shape[-2], small.shape[-1]))
        wanted = {name: region_grams(encoder(small), resized) for name, encoder in judges.items()}
        return cls(small, resized, masks_of, judges, wanted)


@dataclass
class Likeness:
    """Gathers the figures of chosen frames, each a list of values of the content and of the clip."""

    look: Look | None
    perceptual: Perceptual | None
    style: dict[str, list[list[float]]] = field(default_factory=dict)
    histogram: list[list[float]] = field(default_factory=list)
    matting: list[list[float]] = field(default_factory=list)
    lpips: list[list[float]] = field(default_factory=list)

    @torch.no_grad()
    def add(self, moment: Moment) -> None:
        """Measure a frame; may run in a thread of its own."""
        size = (moment.shown.shape[-2], moment.shown.shape[-1])
        if self.perceptual is not None:
            self.lpips.append(self.perceptual(moment.shown, moment.shown[:1].expand_as(moment.shown)).tolist())
        shown = resize(moment.shown, limit_long_side(size, LONG_SIDE))
        frame = shown[:1]
        self.matting.append([float(matting_energy(each[None], frame)) for each in shown])
        if self.look is None:
            return
        look = self.look
        masks = look.masks_of(moment.index, frame)
        self.histogram.append([float(histogram(each[None], look.photo, masks, look.masks)) for each in shown])
        for name, encoder in look.judges.items():
            judged = shown[:1] if name in look.not_for_result else shown
            distances = [float(gram_distance(encoder(each[None]), masks, look.wanted[name])) for each in judged]
            self.style.setdefault(name, []).append(distances + [math.nan] * (len(shown) - len(judged)))
