"""Where still pictures come from: folders of photographs, and procedural scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photovst.datasets.folders import checked_root, files, subfolders
from photovst.errors import MediaError
from photovst.media.images import READABLE, read_image
from photovst.media.records import as_depth
from photovst.training.painted_scenes import PaintedScenes

Labels = NDArray[np.uint8]


class StillPictures(Protocol):
    """Some pictures, by their numbers."""

    @property
    def name(self) -> str:
        """What they are, for messages."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...

    def read(self, index: int) -> tuple[NDArray[np.uint8], Labels | None]:
        """A picture ``(H, W, 3)`` RGB, and the label of each pixel where that is known.

        Raises:
            MediaError: it cannot be read.
        """
        ...


@dataclass(frozen=True)
class PhotoFiles:
    """Photographs on disk."""

    name: str
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.paths)

    def read(self, index: int) -> tuple[NDArray[np.uint8], Labels | None]:
        """A picture with no labels.

        Raises:
            MediaError: it cannot be read; the line names it.
        """
        return as_depth(read_image(self.paths[index]), np.uint8), None


@dataclass(frozen=True)
class SceneFrames:
    """The frames of procedural scenes, with their labels."""

    scenes: PaintedScenes

    @property
    def name(self) -> str:
        """What they are, for messages."""
        return "frames of procedural scenes"

    def __len__(self) -> int:
        """How many there are."""
        return self.scenes.count * self.scenes.frames

    def read(self, index: int) -> tuple[NDArray[np.uint8], Labels | None]:
        """A frame and its labels.

        Raises:
            MediaError: its scene cannot be kept.
        """
        scene, t = divmod(index, self.scenes.frames)
        clip = self.scenes.clip(scene)
        return clip.frames[t], clip.labels[t]


def photo_folder(root: Path) -> PhotoFiles:
    """Every picture of a folder and of the folders in it, in natural order.

    Raises:
        MediaError: the folder is absent, or there is no picture in it.
    """
    checked_root(root, "photographs", f"{', '.join(READABLE)} files, also in folders of their own")
    found = _pictures(root)
    if not found:
        raise MediaError(f"{root} holds no pictures to train on: no {', '.join(READABLE)}; give another folder")
    return PhotoFiles(f"photographs of {root}", tuple(found))


def _pictures(folder: Path) -> Sequence[Path]:
    return [*files(folder, READABLE), *(path for each in subfolders(folder) for path in _pictures(each))]
