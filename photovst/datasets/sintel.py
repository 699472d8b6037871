"""MPI-Sintel [Butler2012]: a rendered film with its flow. ROOT is what the published archive unpacks to.

    ROOT/training/{clean,final,albedo}/alley_1/frame_0001.png ...
    ROOT/training/flow/alley_1/frame_0001.flo ...           from frame 1 to frame 2, on frame 1's grid
    ROOT/training/{occlusions,invalid}/alley_1/frame_0001.png ...      white where frame 1 is occluded in frame 2, ...
    ROOT/test/{clean,final}/...                                        without ground truth

Files are numbered from 1. There is no flow back. The last frame of a sequence has no flow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from photovst.datasets.folders import checked_root, numbered, share_of, subfolders, without_gaps
from photovst.datasets.sequences import FlowSample, Sequence
from photovst.errors import MediaError

NAME = "MPI-Sintel"
PASSES = ("albedo", "clean", "final")

_PARTS = ("training", "test")
_LAYOUT = "training/clean/NAME/frame_0001.png or test/clean/NAME/frame_0001.png"
_FRAME = r"frame_(\d{4,})\.png"
_FLOW = r"frame_(\d{4,})\.flo"


@dataclass(frozen=True)
class FrameTruth:
    """The files of one frame's motion to the next."""

    flow: Path
    occlusion: Path
    invalid: Path


def find(root: Path) -> list[Sequence]:
    """Every sequence of every pass, training first.

    Ground truth may be there for some frames only, or for none: the note of a sequence tells.

    Raises:
        MediaError: the folder is absent or not laid out so, or a sequence lacks a frame.
    """
    checked_root(root, NAME, _LAYOUT)
    found = [
        _sequence(root, part, rendered, folder)
        for part in _PARTS
        for rendered in PASSES
        for folder in subfolders(root / part / rendered)
    ]
    if not found:
        hint = "; give the folder above it" if any((root / each).is_dir() for each in PASSES) else ""
        raise MediaError(f"{root} is not laid out as {NAME}: neither {_LAYOUT} is there{hint}")
    return found


def samples(root: Path) -> list[FlowSample]:
    """Every pair of neighboring frames with ground truth, of every pass.

    Raises:
        MediaError: as for `find`, or no pair has ground truth.
    """
    found = []
    for sequence in find(root):
        frames = frame_numbers(sequence.frames)
        for number, truth in sorted(truths(sequence.frames).items()):
            if number in frames and number + 1 in frames:
                name = f"{sequence.name}/{frames[number].stem}"
                pair = frames[number], frames[number + 1]
                found.append(FlowSample(name, NAME, *pair, truth.flow, None, truth.occlusion, truth.invalid))
    if not found:
        raise MediaError(
            f"{root} holds frames of {NAME} but no ground truth; training/flow/NAME/frame_0001.flo is needed, and"
            " occlusions/ and invalid/ beside flow/"
        )
    return found


def frame_numbers(folder: Path) -> dict[int, Path]:
    """The frames of a sequence by the numbers in their names."""
    return numbered(folder, _FRAME)


def frame_number(path: Path) -> int | None:
    """The number in a frame's name; None where it is not named so."""
    match = re.fullmatch(_FRAME, path.name)
    return int(match[1]) if match else None


def truths(frames: Path) -> dict[int, FrameTruth]:
    """Ground truth of a sequence by the numbers of the frames it starts from; only where all three files are there.

    Args:
        frames: the sequence's folder of frames, in whichever pass. It need not be in this layout: then there is none.
    """
    if frames.parent.name not in PASSES:
        return {}
    above, name = frames.parent.parent, frames.name
    found = {}
    for number, flow in numbered(above / "flow" / name, _FLOW).items():
        pictures = (above / kind / name / f"{flow.stem}.png" for kind in ("occlusions", "invalid"))
        truth = FrameTruth(flow, *pictures)
        if truth.occlusion.is_file() and truth.invalid.is_file():
            found[number] = truth
    return found


def _sequence(root: Path, part: str, rendered: str, folder: Path) -> Sequence:
    numbers = without_gaps(frame_numbers(folder), folder, NAME)
    known = truths(folder).keys() & set(numbers[:-1])
    note = "" if part == "test" else share_of("ground truth", len(known), len(numbers) - 1, "pairs of frames")
    name = f"{part}/{rendered}/{folder.name}"
    if not known:
        return Sequence(name, NAME, folder, note=note)
    flow, occlusions, invalid = (root / part / kind / folder.name for kind in ("flow", "occlusions", "invalid"))
    return Sequence(name, NAME, folder, flow, None, occlusions, invalid, note=note)
