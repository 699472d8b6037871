"""The pictures a report shows, as ``shown/`` in a run's folder holds them, small, and what they are. Torch-free."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from photovst.progress import json_bytes
from photovst.storage import write_atomic

logger = logging.getLogger(__name__)

SHOWN = "shown"
"""The folder, in a run's."""

INDEX = "shown.json"
"""Names the pictures beside it."""

FORMAT = 1
"""Of the index; another one is not read."""

FRAMES = 4
"""Frames shown of a clip."""

LONG_SIDE = 640
"""Of a picture, at most."""

SUFFIXES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}
"""By the first bytes of a picture."""


class CoverageRow(NamedTuple):
    """What became of something in the picture: its share of clip and photograph, in [0, 1], what it takes its style
    from and why, and the ``#rrggbb`` of its region in the overlays."""

    name: str
    clip: float
    photo: float
    mapped_to: str
    why: str
    color: str | None = None


@dataclass(frozen=True)
class ShownFrame:
    """A frame of the clip, of the result, and its regions in color, as PNG or JPEG bytes; None where there is none."""

    frame: int
    content: bytes | None
    result: bytes | None
    regions: bytes | None = None


@dataclass(frozen=True)
class ShownPhoto:
    """A photograph, or its regions, as PNG or JPEG bytes, and what it is."""

    caption: str
    data: bytes


@dataclass(frozen=True)
class Shown:
    """What there is to be seen of one result.

    Args:
        title: of the report.
        frames: a few, from first to last.
        style: the photograph.
        style_regions: the photographs with their regions in color.
        coverage: which region takes its style from what.
        warnings: what may have made the result other than wished.
        seconds: spent in each stage.
    """

    title: str = ""
    frames: tuple[ShownFrame, ...] = ()
    style: ShownPhoto | None = None
    style_regions: tuple[ShownPhoto, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)


def spread(count: int) -> set[int]:
    """The frames to be shown of so many, from first to last.

    >>> sorted(spread(301))
    [0, 100, 200, 300]
    """
    return {round(i * max(count - 1, 0) / (FRAMES - 1)) for i in range(FRAMES)}


def clip_name(content: str) -> str:
    """What a clip is called: its file's or folder's name, with that of the folder above where it says nothing.

    >>> clip_name("day.mp4"), clip_name("davis/kite-surf"), clip_name("scene/frames"), clip_name("scene/*.png")
    ('day.mp4', 'kite-surf', 'scene/frames', 'scene/*.png')
    """
    path = Path(content)
    says_nothing = path.name.lower() in ("frames", "images", "clip") or "*" in path.name
    return f"{path.parent.name}/{path.name}" if says_nothing and path.parent.name else path.name


def write_shown(folder: Path, shown: Shown) -> Path:
    """Write ``shown/`` into a folder, in place of a former one, and return its path.

    Raises:
        ValueError: a picture is neither PNG nor JPEG.
    """
    place = folder / SHOWN
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)

    def stored(name: str, data: bytes | None) -> str | None:
        if data is None:
            return None
        file = f"{name}.{picture_suffix(data)}"
        write_atomic(place / file, data)
        return file

    kinds = ("content", "result", "regions")
    frames = [
        {"frame": each.frame} | {kind: stored(f"{each.frame:06d}_{kind}", getattr(each, kind)) for kind in kinds}
        for each in shown.frames
    ]
    style = shown.style and {"caption": shown.style.caption, "file": stored("style", shown.style.data)}
    regions = [
        {"caption": each.caption, "file": stored(f"style_regions_{number}", each.data)}
        for number, each in enumerate(shown.style_regions)
    ]
    index = {
        "format": FORMAT,
        "title": shown.title,
        "frames": frames,
        "style": style,
        "style_regions": regions,
        "coverage": [row._asdict() for row in shown.coverage],
        "warnings": list(shown.warnings),
        "seconds": dict(shown.seconds),
    }
    write_atomic(place / INDEX, json_bytes(index))  # last: where it is, the pictures are
    return place


def read_shown(folder: Path) -> Shown | None:
    """What lies in ``shown/`` of a folder; None where nothing does, or nothing that can be read.

    A picture that is gone is left out.
    """
    place = folder / SHOWN
    try:
        index = json.loads((place / INDEX).read_bytes())
        if index["format"] != FORMAT:
            logger.warning("%s is of another version of photovst; its pictures are left out", place / INDEX)
            return None
        style = index["style"] and _photo(place, index["style"])
        return Shown(
            title=str(index["title"]),
            frames=tuple(
                ShownFrame(int(each["frame"]), *(_picture(place, each[k]) for k in ("content", "result", "regions")))
                for each in index["frames"]
            ),
            style=style,
            style_regions=tuple(photo for each in index["style_regions"] if (photo := _photo(place, each))),
            coverage=tuple(CoverageRow(**row) for row in index["coverage"]),
            warnings=tuple(str(warning) for warning in index["warnings"]),
            seconds={str(name): float(value) for name, value in index["seconds"].items()},
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (IsADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        logger.warning("%s is damaged; its pictures are left out", place / INDEX)
        return None


def picture_suffix(data: bytes) -> str:
    """``png`` or ``jpg``, by the first bytes.

    Raises:
        ValueError: neither.
    """
    for start, suffix in SUFFIXES.items():
        if data.startswith(start):
            return suffix
    raise ValueError(f"a report's pictures are PNG or JPEG bytes, but these begin with {data[:4]!r}")


def picture_in(folder: Path, name: str | None) -> bytes | None:
    """A PNG or JPEG inside a folder; None where it is absent, of another kind, or lies elsewhere."""
    # The name comes from a file that may be anybody's: nothing but what lies in the folder gets into a page.
    if name is None or not (folder / name).resolve().is_relative_to(folder.resolve()):
        return None
    try:
        data = (folder / name).read_bytes()
        picture_suffix(data)
    except (OSError, ValueError):
        return None
    return data


def _picture(place: Path, name: Any) -> bytes | None:
    return picture_in(place, None if name is None else str(name))


def _photo(place: Path, entry: Mapping[str, Any]) -> ShownPhoto | None:
    data = _picture(place, entry["file"])
    return None if data is None else ShownPhoto(str(entry["caption"]), data)
