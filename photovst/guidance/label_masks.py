"""Classes of a clip and of a photograph by mask pictures: one picture for all frames, or one a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.label_files import LabelPicture, read_labels, shows_object
from photovst.guidance.label_folder import mask_pictures
from photovst.media.images import picture_size
from photovst.media.label_legend import Legend, read_legend
from photovst.ops.resize import resize
from photovst.types import Size


@dataclass(frozen=True)
class MaskSource:
    """Mask pictures of one clip or photograph, of one kind, with the legend of their folder."""

    files: tuple[Path, ...]
    legend: Legend | None
    objects: bool
    classes: tuple[str, ...]
    """What is in any of them: as in the legend, else as ADE20K and the nine colors are numbered."""
    shares: tuple[Mapping[str, float], ...] = ()
    """Of each picture, the share that each class in it takes."""

    @classmethod
    def open(cls, path: Path) -> MaskSource:
        """Find the pictures of a file or a folder, and read what is in each.

        Raises:
            MediaError: a picture is absent, not a picture, or not a mask; there is none; a number is left out.
        """
        files = mask_pictures(path) if path.is_dir() else (path,)
        legend = read_legend(files[0].parent)
        objects = legend is None and any(map(shows_object, files))
        there: dict[str, int] = {}
        shares = []
        for file in files:
            picture = read_labels(file, legend, objects)
            there |= dict(zip(picture.names, picture.ids, strict=True))
            shares.append({name: float(picture.plane(name).mean()) for name in picture.names})
        return cls(files, legend, objects, tuple(sorted(there, key=lambda name: there[name])), tuple(shares))

    def read(self, index: int) -> LabelPicture:
        """The mask of frame ``index``.

        Raises:
            MediaError: there is none for this frame.
        """
        if 1 < len(self.files) <= index:
            raise MediaError(
                f"there are {len(self.files)} masks but the clip has a frame {index}; give one a frame, or one for all"
            )
        return read_labels(self.files[index if len(self.files) > 1 else 0], self.legend, self.objects)


@dataclass(frozen=True)
class LabelMasks:
    """Classes by mask pictures, see `read_labels` for their kinds.

    Args:
        content: those of the clip.
        style: that of the photograph; without it the photograph is not divided.
    """

    content: MaskSource
    style: MaskSource | None

    @classmethod
    def open(cls, content: str | Path, style: str | Path | None) -> LabelMasks:
        """Find and read the masks of a clip (a picture or a folder) and of a photograph (a picture).

        Raises:
            MediaError: a picture is absent, not a picture, or not a mask.
        """
        if style is not None and Path(style).is_dir():
            raise MediaError(f"the photograph's mask {style} is a folder; give one picture")
        return cls(MaskSource.open(Path(content)), None if style is None else MaskSource.open(Path(style)))

    @property
    def classes(self) -> tuple[str, ...]:
        """What is in the clip, then what only the photograph has."""
        more = () if self.style is None else self.style.classes
        return (*self.content.classes, *(name for name in more if name not in self.content.classes))

    def frame(self, index: int, size: Size) -> Float[Tensor, "1 c h w"]:
        """How much of each pixel of frame ``index`` is of each of `classes`, at this size.

        Raises:
            MediaError: there is no mask for this frame.
        """
        return _planes(self.content.read(index), self.classes, size)

    def photo(self) -> Float[Tensor, "1 c h w"] | None:
        """The same of the photograph, at its mask's size; None where it has no mask."""
        return None if self.style is None else _planes(self.style.read(0), self.classes)

    def check_sizes(self, content: Size, style: Size | None) -> list[str]:
        """Refuse masks of another size than the pictures they belong to; one pixel off is resized, and said.

        Raises:
            MediaError: a side differs by more than a pixel.
        """
        pairs = [(file, content) for file in self.content.files]
        if style is not None and self.style is not None:
            pairs += [(file, style) for file in self.style.files]
        return [notice for path, wanted in pairs for notice in _size_notices(path, wanted)]


def _size_notices(path: Path, wanted: Size) -> Iterable[str]:
    given = picture_size(path)
    off = max(abs(a - b) for a, b in zip(given, wanted, strict=True))
    sizes = f"{given[1]}x{given[0]}, but its picture {wanted[1]}x{wanted[0]}"
    if off > 1:
        raise MediaError(f"the mask {path} is {sizes}; give one of the picture's size")
    if off:
        yield f"the mask {path} is {sizes}; it is resized"


def _planes(picture: LabelPicture, classes: tuple[str, ...], size: Size | None = None) -> Float[Tensor, "1 c h w"]:
    """Plane by plane, for a picture may be large and its classes many."""
    height, width = size or picture.labels.shape
    masks = torch.zeros(1, len(classes), height, width)
    for index, name in enumerate(classes):
        if name in picture.names:
            masks[:, index : index + 1] = resize(torch.from_numpy(picture.plane(name))[None, None], (height, width))
    return masks
