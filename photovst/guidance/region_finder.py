"""From where things are to regions: a clip's classes matched with a photograph's, once a shot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import SettingsError, did_you_mean
from photovst.guidance.matching import NOTHING, TRACE, WHOLE, Matching, Rules, match
from photovst.guidance.region_sources import RegionSource, label_shares
from photovst.guidance.regions import Regions, StylePhoto
from photovst.ops.resize import limit_long_side, resize

PHOTO_SIDE = 640
"""Longer side that masks of a photograph are refined at, in pixels."""

LEAST = 0.01
"""Share of a photograph to be blended below which a region takes no style from its counterpart: of too few pixels."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph and its file's name."""

    name: str
    image: Float[Tensor, "1 3 h w"]


@dataclass(frozen=True, eq=False)
class RegionFinder:
    """Finds the regions of shots.

    Args:
        photo: the photograph; without one regions are the clip's own, and a frame of it stands for it.
        rules: how classes are matched.
        own: photographs of single classes.
        weights: by class, factor on the style of the region that it is in.
        refine: ``refine(masks, picture)``, see `Regions`.
        blended: photographs whose style is blended with that of ``photo``.
        orphans_take_all: what has no counterpart and no relative takes the whole photograph; off leaves it without any
            style, as the released program of [Luan2017] does.
    """

    photo: Photo | None
    rules: Rules
    refine: Callable[[Tensor, Tensor], Tensor]
    own: Mapping[str, Photo] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    orphans_take_all: bool = True
    blended: Sequence[Photo] = ()

    def find(self, source: RegionSource, samples: Sequence[Float[Tensor, "1 3 _h _w"]]) -> Regions:
        """The regions of a shot, from a few of its frames.

        Raises:
            SettingsError: a class that is mapped, weighted or given a photograph is none, or is mapped to what the
                photograph does not show.
        """
        classes = source.classes
        for kind, named in (("map", self.rules.mapped), ("weights", self.weights), ("styles", self.own)):
            for name in named:
                if name not in source.possible:
                    raise SettingsError(
                        f"segmentation.{kind}.{name}: there is no region {name!r};"
                        f" {did_you_mean(name, source.possible)}"
                    )
        photo = self.photo or Photo("the clip", samples[len(samples) // 2])
        shown, found = source.photo(photo.image), source.shares(samples)
        shares = found if self.photo is None else np.zeros_like(found) if shown is None else label_shares(shown)
        matching = match(classes, found, shares, self.rules, source.absent)
        of_clip = torch.from_numpy(matching.clip)

        def probabilities(index: int, frame: Tensor) -> Tensor:
            return _summed(of_clip, source.frame(index, frame))

        weights = self._weights(matching)
        photos, places = [self._main(photo, matching, shown)], {}
        for name, own in self.own.items():
            if name not in classes:
                continue  # not in this shot
            places[name] = len(photos)
            photos.append(self._own(source, name, own, matching))
        return Regions(
            matching.names,
            tuple(photos),
            tuple(places[origin.name] if origin.kind == "own" else 0 for origin in matching.sources),
            probabilities,
            self.refine,
            matching.rows,
            tuple(weights.values()),
            (*source.notices, *self._notices(photo.name, matching, weights)),
            tuple(self._blended(source, each, matching, found) for each in self.blended),
        )

    def _main(self, photo: Photo, matching: Matching, shown: Tensor | None) -> StylePhoto:
        """The photograph, cut up as the regions want it."""
        small = _small(photo.image)
        ones = torch.ones_like(small[:, :1])
        planes = [ones * float(self.orphans_take_all)] * len(matching.names)
        if shown is not None:
            refined = self.refine(shown, small)
            summed = _summed(torch.from_numpy(matching.photo), refined)
            for k, origin in enumerate(matching.sources):
                if origin.kind == "class":
                    planes[k] = summed[:, k : k + 1]
        return StylePhoto(photo.name, photo.image, torch.cat(planes, dim=1))

    def _own(self, source: RegionSource, name: str, photo: Photo, matching: Matching) -> StylePhoto:
        """A photograph of one class: where it shows that, else all of it."""
        small = _small(photo.image)
        planes = torch.zeros_like(small[:, :1]).expand(-1, len(matching.names), -1, -1).clone()
        plane, wanted = torch.ones_like(small[:, :1]), self.rules.mapped.get(name, name)
        if wanted not in (WHOLE, *source.classes):
            raise SettingsError(
                f"segmentation.map.{name}={wanted}: there is no {wanted};"
                f" {did_you_mean(wanted, [*source.classes, WHOLE])}"
            )
        shown = None if wanted == WHOLE else source.photo(photo.image)
        if shown is not None:
            place = source.classes.index(wanted)
            if label_shares(shown)[place] >= max(self.rules.smallest, 1e-3):
                plane = self.refine(shown, small)[:, place : place + 1]
        for k, origin in enumerate(matching.sources):
            if (origin.kind, origin.name) == ("own", name):
                planes[:, k : k + 1] = plane
        return StylePhoto(photo.name, photo.image, planes)

    def _blended(
        self, source: RegionSource, photo: Photo, matching: Matching, found: NDArray[np.float64]
    ) -> StylePhoto:
        """A further photograph: each region takes of it what it would take if this were the only one."""
        classes, shown = source.classes, source.photo(photo.image)
        shares = np.zeros_like(found) if shown is None else label_shares(shown)
        here = {name for name, share in zip(classes, shares.tolist(), strict=True) if share}
        mapped = {name: to for name, to in self.rules.mapped.items() if to == WHOLE or to in here}
        rules = replace(self.rules, mapped=mapped, own={}, smallest=max(self.rules.smallest, LEAST))
        alone = match(classes, found, shares, rules, source.absent)
        cut = self._main(photo, alone, shown)
        places = [int(alone.clip[:, classes.index(name)].argmax()) for name in matching.names]
        return StylePhoto(photo.name, photo.image, cut.masks[:, places])

    def _weights(self, matching: Matching) -> dict[str, float]:
        """By region: that of the largest of its classes which has one; what is to be left as it is counts nothing."""
        weights = dict.fromkeys(matching.names, 1.0)
        for row in sorted(matching.rows, key=lambda row: row.clip):
            if row.kind != "photo" and row.region is not None and row.name in self.weights:
                weights[row.region] = self.weights[row.name]
            if row.mapped_to == row.name == NOTHING and row.region is not None:
                weights[row.region] = 0.0
        return weights

    def _notices(self, photo: str, matching: Matching, weights: Mapping[str, float]) -> list[str]:
        """What a user should know: classes without a counterpart, and settings without an effect."""
        lacking = "takes the look of the whole photograph" if self.orphans_take_all else "has no look to take"
        notices = [
            f"region {row.name} of the clip is {row.why}; it "
            + (lacking if row.mapped_to == WHOLE else f"takes the look of {row.mapped_to}")
            for row in matching.rows
            if row.kind == "orphan"
        ]
        here = [row for row in matching.rows if row.kind != "photo"]
        if len(here) > 1 and not any(row.kind in ("shared", "given") for row in here):
            notices.insert(0, f"{photo} shows nothing that the clip shows; each region takes what is nearest")
        for row in here:
            weight = weights.get(row.region or "", 1.0)
            if row.clip >= TRACE and row.name != NOTHING and weight != self.weights.get(row.name, 1.0):
                notices.append(f"the weight {weight:g} of its region counts for {row.name} too")
        for kind, named in (("map", self.rules.mapped), ("weights", self.weights), ("styles", self.own)):
            absent = [name for name in named if name not in {row.name for row in here if row.clip >= TRACE}]
            notices += [f"segmentation.{kind}.{name} has no effect: the clip shows no {name} here" for name in absent]
        return notices


def _summed(members: Tensor, planes: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 k h w"]:
    """Each region's classes added up."""
    return torch.einsum("kc,bchw->bkhw", members.to(planes), planes)


def _small(image: Tensor) -> Tensor:
    return resize(image, limit_long_side((image.shape[-2], image.shape[-1]), PHOTO_SIDE))
