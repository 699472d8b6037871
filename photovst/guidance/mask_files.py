"""Region masks from files: nine-color pictures for the clip and for the photograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.color_masks import COLORS, nearness, snap, without
from photovst.media.frame_folder import natural_key
from photovst.media.images import READABLE, picture_size, read_image
from photovst.ops.masks import resize_masks
from photovst.types import Size

SMALLEST = 0.01
"""A region below this share of a picture is noise at another region's border and joins its surroundings."""

PAINTED = 0.9
"""Share of a mask that must be near one of the nine colors; the published ones have .985 and more."""

Labels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class MaskFiles:
    """Regions by mask pictures; see `JointRegions` for the other kind.

    ``names`` are the regions' colors. ``files`` is one picture for all frames, or one a frame in natural order.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    files: tuple[Path, ...]
    photo_masks: Float[Tensor, "1 k h w"]
    orphans: tuple[str, ...]

    style: Path

    @classmethod
    def open(cls, content: str | Path, style: str | Path, orphans_take_all: bool = True) -> MaskFiles:
        """Read the photograph's mask and find the clip's.

        A region of the clip that the photograph lacks takes the look of the whole photograph; ``orphans`` names it.
        With ``orphans_take_all`` off it gets an empty mask, and so a Gram matrix of zeros to approach, as in the
        released program of [Luan2017].

        Raises:
            MediaError: a file is absent, not a picture, or not painted in the nine colors.
        """
        place = Path(content)
        files = _pictures(place) if place.is_dir() else (place,)
        if not files:
            raise MediaError(f"the mask folder {content} holds no pictures; put one a frame there")
        photo = clean(_labels(Path(style)))
        present = sorted({int(label) for file in files for label in np.unique(clean(_labels(file)))})
        names = tuple(COLORS)
        in_photo = {int(label) for label in np.unique(photo)}
        orphan = np.full(photo.shape, float(orphans_take_all), np.float32)
        masks = [(photo == label).astype(np.float32) if label in in_photo else orphan for label in present]
        return cls(
            tuple(names[label] for label in present),
            tuple(present),
            files,
            torch.from_numpy(np.stack(masks))[None],
            tuple(names[label] for label in present if label not in in_photo),
            Path(style),
        )

    def check_sizes(self, content: Size, style: Size) -> list[str]:
        """Refuse masks of another size than the pictures they belong to; one pixel off is resized, and said.

        Raises:
            MediaError: a side differs by more than a pixel.
        """
        notices = []
        for path, wanted in (*((file, content) for file in self.files), (self.style, style)):
            given = picture_size(path)
            off = max(abs(a - b) for a, b in zip(given, wanted, strict=True))
            sizes = f"{given[1]}x{given[0]}, but its picture {wanted[1]}x{wanted[0]}"
            if off > 1:
                raise MediaError(f"the mask {path} is {sizes}; give one of the picture's size")
            if off:
                notices.append(f"the mask {path} is {sizes}; it is resized")
        return notices

    def masks(self, index: int, size: Size) -> Float[Tensor, "1 k h w"]:
        """The regions of frame ``index``, at this size.

        Raises:
            MediaError: there is no mask for this frame.
        """
        if len(self.files) > 1 and index >= len(self.files):
            raise MediaError(
                f"there are {len(self.files)} masks but the clip has a frame {index}; give one a frame, or one for all"
            )
        labels = clean(_labels(self.files[index if len(self.files) > 1 else 0]))
        planes = np.stack([(labels == label).astype(np.float32) for label in self.labels])
        return resize_masks(torch.from_numpy(planes)[None], size)


def clean(labels: Labels) -> Labels:
    """Labels without the thin false regions that antialiasing and compression leave at borders."""
    shares = np.bincount(labels.reshape(-1), minlength=len(COLORS)) / labels.size
    return without(labels, {label for label in range(len(COLORS)) if 0 < shares[label] < SMALLEST})


def _pictures(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder in the order a clip takes them in; other files and hidden ones are passed over."""
    shown = (file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    return tuple(sorted((file for file in shown if file.suffix.lower() in READABLE), key=natural_key))


def _labels(path: Path) -> Labels:
    picture = read_image(path)
    if picture.dtype != np.uint8:
        picture = (picture >> 8).astype(np.uint8)
    labels = snap(picture)
    near = nearness(picture, labels)
    if near < PAINTED:
        raise MediaError(
            f"the mask {path} is not painted in the nine colors ({', '.join(COLORS)}): only {near:.0%} of its pixels"
            " are near one"
        )
    return labels
