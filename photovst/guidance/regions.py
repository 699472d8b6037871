"""The regions of one shot: what they are called, where each takes its style from, and how a frame's are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.matching import Coverage
from photovst.ops.masks import normalize_masks, resize_masks


@dataclass(frozen=True, eq=False)
class StylePhoto:
    """A photograph that regions take their style from: RGB in [0, 1], and each region's part of it.

    Masks of regions that take theirs from another photograph count for nothing; they may overlap where several
    regions take the whole.
    """

    name: str
    image: Float[Tensor, "1 3 photo_h photo_w"]
    masks: Float[Tensor, "1 k mask_h mask_w"]


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of one shot.

    Args:
        names: of the regions.
        photos: the photograph, then those that single regions have of their own.
        sources: which of ``photos`` each region takes its style from.
        probabilities: ``probabilities(index, frame)``: the regions of a frame as the method finds them,
            ``(1, K, h, w)`` at a size of its own, neither steadied nor drawn to edges.
        refine: ``refine(masks, frame)``: drawn to the frame's edges, at its size.
        coverage: what became of each class.
        weights: factor on each region's style.
        notices: what a user should know of them.
        blended: photographs to blend with these, each cut up as the regions want it.
    """

    names: tuple[str, ...]
    photos: tuple[StylePhoto, ...]
    sources: tuple[int, ...]
    probabilities: Callable[[int, Tensor], Tensor]
    refine: Callable[[Tensor, Tensor], Tensor]
    coverage: tuple[Coverage, ...] = ()
    weights: tuple[float, ...] = ()
    notices: tuple[str, ...] = ()
    blended: tuple[StylePhoto, ...] = ()

    @property
    def photo(self) -> Float[Tensor, "1 k mask_h mask_w"]:
        """The regions of the photograph."""
        return self.photos[0].masks

    def of(self, index: int, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 k h w"]:
        """The regions of a frame looked at by itself: soft, drawn to its edges, at its size."""
        return self.refine(self.probabilities(index, frame), frame)


def whole_photo(image: Float[Tensor, "1 3 h w"], name: str) -> StylePhoto:
    """A photograph as one region."""
    return StylePhoto(name, image, torch.ones_like(image[:, :1]))


def whole_frame(
    photo: Float[Tensor, "1 3 h w"], name: str = "photograph", blended: Sequence[StylePhoto] = ()
) -> Regions:
    """A single region: all of a frame takes the style of all of the photograph, and of those blended with it."""
    return Regions(
        ("whole frame",),
        (whole_photo(photo, name),),
        (0,),
        lambda _, frame: torch.ones_like(frame[:, :1]),
        unrefined,
        (Coverage("whole frame", 1.0, 1.0, "whole frame", "segmentation is off", "whole frame"),),
        (1.0,),
        blended=tuple(blended),
    )


def unrefined(masks: Float[Tensor, "1 k h w"], frame: Float[Tensor, "1 3 new_h new_w"]) -> Tensor:
    """Masks at the frame's size, as they are: for those drawn by hand."""
    return normalize_masks(resize_masks(masks, (frame.shape[-2], frame.shape[-1])).clamp_min(0)).to(frame)
