"""Motion that is known and not estimated: the seam, and how a clip that has some is recognized by where it lies."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor

from photovst.datasets import sintel
from photovst.datasets.folders import files
from photovst.guidance.flow import FlowPair
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.folder_motion import FolderMotion
from photovst.guidance.sintel_motion import SintelMotion
from photovst.media.frame_folder import natural_key
from photovst.media.images import READABLE
from photovst.media.scene_files import RECORD
from photovst.types import Size

SCENE = "procedural scene"


@runtime_checkable
class GroundTruth(Protocol):
    """A source of motion that is there for some pairs of a clip's frames, and for some of these one way only."""

    @property
    def name(self) -> str:
        """Whose motion this is, for people and for the name of a protocol."""
        ...

    @property
    def note(self) -> str:
        """How much of the clip it covers, or where it is from, in words."""
        ...

    def has(self, before: int, now: int) -> bool:
        """Whether there is flow from frame ``before`` to frame ``now``, counted from 0, on the grid of the former."""
        ...

    def has_back(self, before: int, now: int) -> bool:
        """Whether there is flow from ``now`` to ``before``, on the grid of ``now``."""
        ...

    def between(self, previous: Tensor, current: Tensor, indices: tuple[int, int]) -> FlowPair:
        """Motion as of `MotionSource`; a way that there is not has certainty 0 everywhere.

        Raises:
            MediaError: there is none between these frames, or a file is damaged.
        """
        ...


def ground_truth(content: Path | str, size: Size) -> GroundTruth | None:
    """The true motion of a clip that lies in MPI-Sintel's folders or in those of a procedural scene; None elsewhere.

    Frames are known by their file names, so a clip may be some of them only.

    Args:
        content: the clip, as given to `media.clip.open_clip`: a folder of frames or a glob pattern; others have none.
        size: of the clip, ``(height, width)``.

    Raises:
        MediaError: the folder of flow may not be read, or two of its files have the same number.
    """
    pictures = _pictures(Path(content))
    folders = {picture.parent for picture in pictures}
    if len(folders) != 1:
        return None
    folder, names = folders.pop(), [picture.name for picture in pictures]
    # As given first: the folder of the frames may be a link into another place.
    places = dict.fromkeys((folder.absolute(), folder.resolve()))
    found = (recognized(place, names, size) for place in places for recognized in (_sintel, _scene))
    return next((truth for truth in found if truth is not None), None)


def _sintel(folder: Path, names: list[str], size: Size) -> GroundTruth | None:
    numbers = [sintel.frame_number(Path(name)) for name in names]
    truth = SintelMotion(sintel.truths(folder), tuple(number for number in numbers if number is not None), size)
    known = len(truth.frames) == len(names) and any(truth.has(index, index + 1) for index in range(len(names) - 1))
    return truth if known else None


def _scene(folder: Path, names: list[str], size: Size) -> GroundTruth | None:
    scene = folder.parent
    matches = [re.fullmatch(r"(\d{4,})\.png", name) for name in names]
    numbers = tuple(int(match[1]) - 1 for match in matches if match)
    if folder.name != "frames" or not (scene / RECORD).is_file() or not (scene / "flow").is_dir():
        return None
    return FolderMotion(FlowFiles(scene / "flow", size), SCENE, numbers) if len(numbers) == len(names) else None


def _pictures(content: Path) -> list[Path]:
    """The frames of a clip in its order; none where it is no folder and no pattern."""
    if content.is_dir():
        return files(content, READABLE)
    if content.exists() or not any(sign in str(content) for sign in "*?["):
        return []
    found = (Path(name) for name in glob.glob(str(content)))
    return sorted((path for path in found if path.suffix.lower() in READABLE), key=natural_key)
