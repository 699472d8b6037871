"""DAVIS [Perazzi2016]: clips with a mask of the object, or of several objects, in every frame. Two layouts are known.

The published one, of 2016 and 2017 alike:

    ROOT/JPEGImages/480p/bear/00000.jpg ...  ROOT/Annotations/480p/bear/00000.png ...  ROOT/ImageSets/2017/train.txt

and a folder a clip:

    ROOT/bear/frames/00000.jpg ...  ROOT/bear/object_masks/00000.png ...

A file of ImageSets names a clip a line, or, as that of 2016 does, a picture and its mask.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from photovst.datasets.folders import checked_root, numbered, share_of, subfolders, without_gaps
from photovst.datasets.sequences import Sequence
from photovst.errors import MediaError, did_you_mean

NAME = "DAVIS"

_LAYOUT = "JPEGImages/480p/NAME/00000.jpg, or NAME/frames/00000.jpg"
_FRAME = r"(\d{5})\.(?:jpg|png)"
_MASK = r"(\d{5})\.png"


def find(root: Path, resolution: str = "480p", image_set: str | None = None) -> list[Sequence]:
    """Every clip, by name.

    Masks may be there for some frames only, as in the sets of the challenges, or for none: a clip's note tells.

    Args:
        root: the folder in either layout.
        resolution: the folder below JPEGImages and Annotations; the other layout has none.
        image_set: of ImageSets, such as ``2017/val``: only its clips.

    Raises:
        MediaError: the folder is absent or not laid out so, there is no such resolution or set, or a frame is missing.
    """
    checked_root(root, NAME, _LAYOUT)
    pictures = root / "JPEGImages"
    if pictures.is_dir():
        if not (pictures / resolution).is_dir():
            options = did_you_mean(resolution, [each.name for each in subfolders(pictures)])
            raise MediaError(f"{pictures} has no folder {resolution}; {options}")
        places = [(each, root / "Annotations" / resolution / each.name) for each in subfolders(pictures / resolution)]
    else:
        simple = [each for each in subfolders(root) if (each / "frames").is_dir()]
        places = [(each / "frames", each / "object_masks") for each in simple]
    if not places:
        raise MediaError(f"{root} is not laid out as {NAME}: neither {_LAYOUT} is there")
    found = [_sequence(frames, masks) for frames, masks in places]
    return found if image_set is None else _chosen(found, root / "ImageSets" / f"{image_set}.txt")


def _sequence(frames: Path, masks: Path) -> Sequence:
    name = frames.parent.name if frames.name == "frames" else frames.name
    numbers = without_gaps(numbered(frames, _FRAME), frames, NAME)
    masked = numbered(masks, _MASK).keys() & set(numbers)
    note = share_of("masks", len(masked), len(numbers), "frames")
    return Sequence(name, NAME, frames, masks=masks if masked else None, note=note)


def _chosen(found: list[Sequence], path: Path) -> list[Sequence]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}; image sets are such as 2017/val") from error
    except UnicodeDecodeError as error:
        raise MediaError(f"{path} is not a text file; it should name a clip a line") from error
    by_name = {each.name: each for each in found}
    wanted = dict.fromkeys(_clip(line.split()[0]) for line in lines if line.strip())
    for name in wanted:
        if name not in by_name:
            raise MediaError(f"{path} names the clip {name}, whose frames are not there; unpack {NAME} again")
    return [by_name[name] for name in wanted]


def _clip(entry: str) -> str:
    """The clip that an entry names.

    >>> _clip("bear"), _clip("/JPEGImages/480p/bear/00000.jpg")
    ('bear', 'bear')
    """
    return PurePosixPath(entry).parent.name if "/" in entry else entry
