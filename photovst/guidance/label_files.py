"""One mask picture, of any of four kinds, read into what is in it and where; and label pictures written.

- colors beside a legend (``labels.csv``): each pixel is of the legend's nearest color;
- colors without one: the nine of [Luan2017]'s masks;
- ids, in gray or in a palette, of 8 or 16 bits: of the legend, or else of ADE20K [Zhou2017], 0 to 150;
- one object, in gray: 0 and 255. Other levels only within `SOFT` pixels of both: a soft border, and not an id.

A palette's own colors do not matter, but where they are the legend's in other places, or the nine where there is no
legend: programs that save or shrink a picture sort its palette anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photovst.errors import MediaError
from photovst.guidance.color_masks import COLORS, Labels, near, snap, without
from photovst.media.images import read_image
from photovst.media.label_legend import LEGEND, Legend
from photovst.media.label_values import StoredValues, Values, read_values
from photovst.models.ade20k_classes import CLASSES, OTHER

SMALLEST = 0.01
"""A region below this share of a nine-color picture is noise at another's border and joins its surroundings."""

PAINTED = 0.9
"""Share of a picture that must be near one of its colors; of the published nine-color masks .985 and more are."""

NEAR = 60.0, 30.0
"""Distance in RGB that is near one of the nine colors, which lie far apart, and near one of a legend."""

SOFT = 4
"""Pixels."""

BACKGROUND, OBJECT = "background", "object"

_ADE20K = dict(enumerate((OTHER, *CLASSES)))


@dataclass(frozen=True, eq=False)
class LabelPicture:
    """What a mask picture says.

    ``names`` are of the classes in it, in the order of their ``ids``; ``labels``, ``(H, W)``, are indices into them;
    ``share``, where a border is soft, is what of each pixel belongs to the object.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...]
    labels: Values
    share: NDArray[np.float32] | None = None

    def plane(self, name: str) -> NDArray[np.float32]:
        """How much each pixel belongs to a class: ``(H, W)``, 0 or 1, or between at a soft border."""
        if self.share is not None and name in (BACKGROUND, OBJECT):
            return self.share if name == OBJECT else 1 - self.share
        chosen = [index for index, each in enumerate(self.names) if each == name]
        return np.isin(self.labels, chosen).astype(np.float32)


def read_labels(path: Path, legend: Legend | None, objects: bool = False) -> LabelPicture:
    """Read a mask picture.

    Args:
        path: of the picture.
        legend: of its folder.
        objects: whether gray without a legend shows an object: in a clip's masks, a black one is a frame without it.

    Raises:
        MediaError: it is absent or not a picture, an id has no name, or it is not painted in its colors.
    """
    picture = read_image(path)
    stored = read_values(path)
    if stored is None or _is_painted(stored, legend):
        if picture.dtype != np.uint8:
            picture = (picture >> 8).astype(np.uint8)
        return _of_colors(path, picture, legend)
    if legend is None and stored.kind == "gray" and (objects or _has_white(stored.values)):
        return _of_object(path, stored.values)
    return _of_ids(path, stored.values, legend)


def shows_object(path: Path) -> bool:
    """Whether a picture is in gray and has white: what no id of ADE20K is.

    Raises:
        MediaError: it is absent or not a picture.
    """
    read_image(path)
    stored = read_values(path)
    return stored is not None and stored.kind == "gray" and _has_white(stored.values)


def _is_painted(stored: StoredValues, legend: Legend | None) -> bool:
    """Whether a palette's colors say what is where, and not its indices: a program has sorted the palette anew."""
    if stored.palette is None:
        return False
    known = dict(enumerate(COLORS.values())) if legend is None else {each.id: each.color for each in legend.entries}
    shares = np.bincount(stored.values.reshape(-1), minlength=256) / stored.values.size
    painted = in_place = black = 0.0
    for index, (red, green, blue) in enumerate(stored.palette.tolist()):
        color = (red, green, blue)
        painted += shares[index] * (color in known.values())
        in_place += shares[index] * (known.get(index) == color)
        black += shares[index] * (color == (0, 0, 0))
    # Without a legend black alone says nothing: many palettes begin with it.
    return bool(painted >= PAINTED and (painted > black if legend is None else in_place < PAINTED))


def _has_white(values: Values) -> bool:
    return bool((values == 255).any())


def _of_object(path: Path, values: Values) -> LabelPicture:
    between = (values > 0) & (values < 255)
    from scipy.ndimage import distance_transform_edt  # slow to load, and only masks from files come here

    far = np.zeros_like(between)
    for end in (0, 255):
        away = values != end
        far |= between & (True if bool(away.all()) else distance_transform_edt(away) > SOFT)
    if far.any():
        level = int(np.bincount(values[far]).argmax())
        raise MediaError(
            f"the mask {path} is neither of an object nor of ids: it or one beside it holds white, 255, but level"
            f" {level} ({(values == level).mean():.2%} of its pixels) lies more than {SOFT} pixels from a border of 0"
            f" and 255; paint an object in 0 and 255, give ids up to {len(CLASSES)}, or put a {LEGEND} beside it"
        )
    share = (values / 255).astype(np.float32) if bool(between.any()) else None
    return _named((values >= 128).astype(np.int64), {0: BACKGROUND, 1: OBJECT}, share)


def _of_ids(path: Path, values: Values, legend: Legend | None) -> LabelPicture:
    names = _ADE20K if legend is None else legend.names
    ids, counts = np.unique(values, return_counts=True)
    unknown = {int(label): int(count) for label, count in zip(ids, counts, strict=True) if int(label) not in names}
    if unknown:
        label = max(unknown, key=lambda each: unknown[each])
        why = (
            f"which ADE20K has not (0 to {len(CLASSES)}); repaint it, or put a {LEGEND} with names beside it"
            if legend is None
            else f"which {LEGEND} beside it has not; add it there, or repaint it"
        )
        share = unknown[label] / values.size
        raise MediaError(f"the mask {path} holds id {label} ({share:.2%} of its pixels), {why}")
    return _named(values, names)


def _of_colors(path: Path, picture: NDArray[np.uint8], legend: Legend | None) -> LabelPicture:
    if legend is None:
        colors, names = tuple(COLORS.values()), dict(enumerate(COLORS))
        what = f"the nine colors ({', '.join(COLORS)})"
    else:
        colors = tuple(entry.color for entry in legend.entries)
        names = dict(enumerate(entry.name for entry in legend.entries))
        what = f"the colors of {LEGEND} beside it"
    labels = snap(picture, colors)
    is_near = near(picture, labels, colors, NEAR[legend is not None])
    if is_near.mean() < PAINTED:
        raise MediaError(
            f"the mask {path} is not painted in {what}: only {is_near.mean():.0%} of its pixels are near one"
        )
    if legend is None:
        return _named(clean(labels), names)
    mixed = len(colors)  # a brush's soft edge: it looks like a third color, and is of the nearest pixel's class
    return _named(without(np.where(is_near, labels, mixed), {mixed}), names)


def clean(labels: Labels) -> Labels:
    """Labels without the thin false regions that antialiasing and compression leave at borders."""
    ids, counts = np.unique(labels, return_counts=True)
    return without(labels, {int(label) for label in ids[counts < SMALLEST * labels.size]})


def _named(values: Values, names: dict[int, str], share: NDArray[np.float32] | None = None) -> LabelPicture:
    ids, labels = np.unique(values, return_inverse=True)
    return LabelPicture(tuple(names[i] for i in ids.tolist()), tuple(ids.tolist()), labels.reshape(values.shape), share)
