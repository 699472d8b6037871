"""What a dataset holds: clips with what is known of them, and single pairs of frames with their flow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sequence:
    """One clip of a dataset. Folders of ground truth are None where the dataset has none for it, or it is not there.

    Args:
        name: which one, unique in the dataset, as its folders say: ``training/clean/alley_1``.
        dataset: the dataset's name: ``MPI-Sintel``.
        frames: the clip, as `media.clip.open_clip` opens it.
        flow: files of flow from each frame to the next, on the grid of the former.
        flow_back: files of flow from each frame to the one before it, on the grid of the latter.
        occlusions: pictures, not black where what a frame shows is not seen in the next.
        invalid: pictures, not black where the flow is not known.
        masks: pictures of the object in each frame, or of several.
        note: what is incomplete, in words for the user: ``flow for 1 of 3 pairs of frames``; else empty.
    """

    name: str
    dataset: str
    frames: Path
    flow: Path | None = None
    flow_back: Path | None = None
    occlusions: Path | None = None
    invalid: Path | None = None
    masks: Path | None = None
    note: str = ""


@dataclass(frozen=True)
class FlowSample:
    """Two frames and the motion between them, as networks are trained on it.

    Args:
        name: which one, unique in the dataset.
        dataset: the dataset's name.
        first: the earlier picture.
        second: the later one.
        flow: a .flo or .pfm file: from the first to the second, on the first's grid.
        flow_back: from the second to the first, on the second's grid.
        occlusion: a picture, not black where what the first shows is not seen in the second.
        invalid: a picture, not black where the flow is not known.
    """

    name: str
    dataset: str
    first: Path
    second: Path
    flow: Path
    flow_back: Path | None = None
    occlusion: Path | None = None
    invalid: Path | None = None
