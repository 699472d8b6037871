"""Regions of a clip by mask pictures, and what of the photograph each takes its look from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from photovst.guidance.label_masks import LabelMasks
from photovst.types import Size


@dataclass(frozen=True, eq=False)
class MaskFiles:
    """Regions by mask pictures; see `JointRegions` for the other kind.

    ``names`` are the classes in the clip. ``files`` is one picture for all frames, or one a frame in natural order.
    """

    names: tuple[str, ...]
    files: tuple[Path, ...]
    photo_masks: Float[Tensor, "1 k h w"]
    orphans: tuple[str, ...]
    pictures: LabelMasks

    @classmethod
    def open(cls, content: str | Path, style: str | Path, orphans_take_all: bool = True) -> MaskFiles:
        """Read the photograph's mask and find the clip's.

        A region of the clip that the photograph lacks takes the look of the whole photograph; ``orphans`` names it.
        With ``orphans_take_all`` off it gets an empty mask, and so a Gram matrix of zeros to approach, as in the
        released program of [Luan2017].

        Raises:
            MediaError: a file is absent, not a picture, or not a mask.
        """
        pictures = LabelMasks.open(content, style)
        photo = pictures.photo()
        assert photo is not None  # it has a mask
        assert pictures.style is not None
        names = pictures.content.classes
        orphans = tuple(name for name in names if name not in pictures.style.classes)
        photo_masks = photo[:, : len(names)].clone()
        for index, name in enumerate(names):
            if name in orphans:
                photo_masks[:, index] = float(orphans_take_all)
        return cls(names, pictures.content.files, photo_masks, orphans, pictures)

    def check_sizes(self, content: Size, style: Size) -> list[str]:
        """Refuse masks of another size than the pictures they belong to; one pixel off is resized, and said.

        Raises:
            MediaError: a side differs by more than a pixel.
        """
        return self.pictures.check_sizes(content, style)

    def masks(self, index: int, size: Size) -> Float[Tensor, "1 k h w"]:
        """The regions of frame ``index``, at this size.

        Raises:
            MediaError: there is no mask for this frame.
        """
        return self.pictures.frame(index, size)[:, : len(self.names)]
