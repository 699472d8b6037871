"""FlyingThings3D, Monkaa and Driving [Mayer2016]: rendered stereo clips with flow both ways.

ROOT is the folder of one of them, where frames and flow were unpacked; CLIP is ``TRAIN/A/0000`` in FlyingThings3D,
``a_rain_of_stones_x2`` in Monkaa and ``15mm_focallength/scene_forwards/fast`` in Driving, and VIEW left or right:

    ROOT/frames_{cleanpass,finalpass}[_webp]/CLIP/VIEW/0006.png ...
    ROOT/optical_flow/CLIP/into_future/VIEW/OpticalFlowIntoFuture_0006_{L,R}.pfm ...    from frame 6 to 7, on 6's grid
    ROOT/optical_flow/CLIP/into_past/VIEW/OpticalFlowIntoPast_0007_{L,R}.pfm ...        from frame 7 to 6, on 7's grid

The first flow into the past and the last into the future lead to frames that are not published. Occlusions are not
published with these.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photovst.datasets.folders import checked_root, numbered, share_of, subfolders, without_gaps
from photovst.datasets.sequences import FlowSample, Sequence
from photovst.errors import MediaError

VIEWS = ("left", "right")

_LAYOUT = "frames_cleanpass/ or frames_finalpass/, and optical_flow/"
_PASSES = ("frames_cleanpass", "frames_cleanpass_webp", "frames_finalpass", "frames_finalpass_webp")
_FRAME = r"(\d{4})\.(?:png|webp)"
_DEEPEST = 3
"""Folders from the pass to the views, at most."""


def find(root: Path) -> list[Sequence]:
    """Every clip of every pass and view.

    Flow may be there for some frames only, or for none: a clip's note tells.

    Raises:
        MediaError: the folder is absent or not laid out so, or a clip lacks a frame.
    """
    checked_root(root, "FlyingThings3D, Monkaa or Driving", _LAYOUT)
    passes = [root / each for each in _PASSES if (root / each).is_dir()]
    if not passes:
        below = [each.name for each in subfolders(root) if any((each / name).is_dir() for name in _PASSES)]
        hint = f"; give {root / below[0]}" if below else ""
        raise MediaError(f"{root} is not laid out as FlyingThings3D, Monkaa or Driving: it lacks {_LAYOUT}{hint}")
    found = [_sequence(root, rendered, view) for rendered in passes for view in _views(rendered, _DEEPEST)]
    if not found:
        raise MediaError(f"{passes[0]} holds no clips: CLIP/left/0006.png was looked for; unpack the frames into it")
    return found


def samples(root: Path) -> list[FlowSample]:
    """Every pair of neighboring frames with flow into the future, of every pass and view.

    Raises:
        MediaError: as for `find`, or there is no flow at all.
    """
    found = []
    for sequence in find(root):
        if sequence.flow is None:
            continue
        frames, onward = numbered(sequence.frames, _FRAME), _flows(sequence.flow, "Future")
        back = _flows(sequence.flow_back, "Past") if sequence.flow_back else {}
        for number in sorted(onward.keys() & frames.keys() & {each - 1 for each in frames}):
            pair = frames[number], frames[number + 1]
            name = f"{sequence.name}/{frames[number].stem}"
            found.append(FlowSample(name, sequence.dataset, *pair, onward[number], back.get(number + 1)))
    if not found:
        raise MediaError(
            f"{root} holds frames but no flow of theirs: optical_flow/CLIP/into_future/left/"
            "OpticalFlowIntoFuture_0006_L.pfm was looked for; unpack the flow into it"
        )
    return found


def _views(folder: Path, depth: int) -> Iterator[Path]:
    for each in subfolders(folder):
        if each.name in VIEWS:
            yield each
        elif depth > 0:
            yield from _views(each, depth - 1)


def _sequence(root: Path, rendered: Path, frames: Path) -> Sequence:
    numbers = without_gaps(numbered(frames, _FRAME), frames, "the dataset")
    clip = frames.parent.relative_to(rendered)
    future, past = (root / "optical_flow" / clip / way / frames.name for way in ("into_future", "into_past"))
    onward = _flows(future, "Future").keys() & set(numbers[:-1])
    back = _flows(past, "Past").keys() & set(numbers[1:])
    note = share_of("flow", len(onward), len(numbers) - 1, "pairs of frames")
    return Sequence(
        name=frames.relative_to(root).as_posix(),
        dataset=_dataset(clip),
        frames=frames,
        flow=future if onward else None,
        flow_back=past if back else None,
        note=note,
    )


def _flows(folder: Path, way: str) -> dict[int, Path]:
    return numbered(folder, rf"OpticalFlowInto{way}_(\d{{4}})_{folder.name[0].upper()}\.pfm")


def _dataset(clip: Path) -> str:
    if clip.parts[0] in ("TRAIN", "TEST"):
        return "FlyingThings3D"
    return "Driving" if clip.parts[0].endswith("_focallength") else "Monkaa"
