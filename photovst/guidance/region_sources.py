"""Where a shot's regions come from: a network that names things, regions found in clip and photograph, or files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.guidance.groups import GROUP_OF
from photovst.guidance.joint import JointRegions, region_names
from photovst.guidance.label_masks import LabelMasks
from photovst.guidance.segmentation import Segmenter


@runtime_checkable
class RegionSource(Protocol):
    """Tells which classes are where, in the frames of one shot and in photographs."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What can be told apart."""
        ...

    @property
    def possible(self) -> tuple[str, ...]:
        """What may be told apart in any shot: names that a user may speak of."""
        ...

    @property
    def absent(self) -> tuple[str, ...]:
        """Those of the classes that no frame of the shot shows."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should know of it."""
        ...

    def frame(self, index: int, frame: Tensor) -> Tensor:
        """Memberships ``(1, C, h, w)`` of frame ``index`` of the clip; they sum to 1."""
        ...

    def photo(self, photo: Tensor) -> Tensor | None:
        """The same of a photograph; None where nothing is known of it."""
        ...

    def shares(self, samples: Iterable[Tensor]) -> NDArray[np.float64]:
        """Share of the shot that each class takes, seen from a few of its frames."""
        ...


@dataclass(frozen=True)
class Named:
    """By a network that names what it sees."""

    segmenter: Segmenter
    absent: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The network's."""
        return self.segmenter.classes

    @property
    def possible(self) -> tuple[str, ...]:
        """The same."""
        return self.segmenter.classes

    def frame(self, index: int, frame: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 c h w"]:
        """What is in a frame."""
        return self.segmenter(frame)

    def photo(self, photo: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 c h w"]:
        """What is in a photograph."""
        return self.segmenter(photo)

    def shares(self, samples: Iterable[Tensor]) -> NDArray[np.float64]:
        """Mean over the samples."""
        return _mean_shares(map(self.segmenter, samples))


@dataclass(frozen=True, eq=False)
class Joint:
    """By what clip and photograph have in common.

    Args:
        regions: as they were found.
        image: the photograph they were found in.
        most: so many were looked for at most.
    """

    regions: JointRegions
    image: Float[Tensor, "1 3 photo_h photo_w"]
    most: int
    absent: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Numbers, from top to bottom."""
        return self.regions.classes

    @property
    def possible(self) -> tuple[str, ...]:
        """As many as were looked for."""
        return region_names(self.most)

    def frame(self, index: int, frame: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 c h w"]:
        """The regions of a frame."""
        return self.regions.probabilities(frame)

    def photo(self, photo: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 c h w"]:
        """The regions of a photograph."""
        return self.regions.photo_masks.to(photo) if photo is self.image else self.regions.of_photo(photo)

    def shares(self, samples: Iterable[Tensor]) -> NDArray[np.float64]:
        """Mean over the samples."""
        return _mean_shares(map(self.regions.probabilities, samples))


@dataclass(frozen=True, eq=False)
class Drawn:
    """By mask pictures; ADE20K's ids, which are many, are folded into groups.

    Args:
        masks: those of the clip and of the photograph.
        image: the photograph; of others nothing is known.
        frames: those of the shot.
        notices: what a user should know of them.
    """

    masks: LabelMasks
    image: Float[Tensor, "1 3 photo_h photo_w"] | None
    frames: range
    notices: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The legend's names, the colors', or groups."""
        return tuple(dict.fromkeys(self._called.values()))

    @property
    def possible(self) -> tuple[str, ...]:
        """The same."""
        return self.classes

    @property
    def absent(self) -> tuple[str, ...]:
        """What no mask of the shot shows."""
        return tuple(name for name, share in zip(self.classes, self.shares(()), strict=True) if not share)

    def frame(self, index: int, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 c h w"]:
        """The mask of a frame, at its size."""
        return self._summed(self.masks.frame(index, (frame.shape[-2], frame.shape[-1]))).to(frame)

    def photo(self, photo: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 c mask_h mask_w"] | None:
        """The photograph's mask, where it has one."""
        masks = self.masks.photo() if photo is self.image else None
        return None if masks is None else self._summed(masks).to(photo)

    def shares(self, samples: Iterable[Tensor]) -> NDArray[np.float64]:
        """Mean over all masks of the shot; ``samples`` have no say in it."""
        of_files = self.masks.content.shares
        shown = of_files if len(of_files) == 1 else of_files[self.frames.start : self.frames.stop]
        total = dict.fromkeys(self.classes, 0.0)
        for shares in shown:
            for name, share in shares.items():
                total[self._called[name]] += share / len(shown)
        return np.array(list(total.values()))

    @cached_property
    def _called(self) -> dict[str, str]:
        """What each name of the masks is called here: its group, where ids have no legend of their own."""
        numbered = {
            name
            for source in (self.masks.content, self.masks.style)
            if source is not None and source.legend is None
            for name in source.classes
        }
        return {name: GROUP_OF.get(name, name) if name in numbered else name for name in self.masks.classes}

    def _summed(self, masks: Tensor) -> Tensor:
        classes = self.classes
        if len(classes) == masks.shape[1]:
            return masks
        summed = masks.new_zeros(1, len(classes), *masks.shape[-2:])
        places = [classes.index(self._called[name]) for name in self.masks.classes]
        return summed.index_add_(1, torch.tensor(places), masks)


def label_shares(memberships: Float[Tensor, "1 c _h _w"]) -> NDArray[np.float64]:
    """Share of the pixels at which each class is the strongest."""
    labels = memberships[0].argmax(dim=0).reshape(-1)
    counts = torch.bincount(labels, minlength=memberships.shape[1])
    shares: NDArray[np.float64] = counts.cpu().numpy() / labels.numel()
    return shares


def _mean_shares(memberships: Iterable[Tensor]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.mean([label_shares(each) for each in memberships], axis=0)
    return mean
