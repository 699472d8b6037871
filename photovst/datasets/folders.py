"""Looking over the folders of a dataset, as every layout here does it: in natural order, without hidden files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from photovst.errors import MediaError
from photovst.media.frame_folder import natural_key


def checked_root(root: Path, dataset: str, layout: str) -> Path:
    """The folder itself.

    Args:
        root: the folder given.
        dataset: the dataset's name, for the message.
        layout: what the folder should hold, for the message.

    Raises:
        MediaError: there is no such folder, or it may not be read.
    """
    try:
        if root.is_dir():
            next(root.iterdir(), None)
            return root
    except PermissionError as error:
        raise MediaError(f"{root} may not be read; change its permissions") from error
    raise MediaError(f"{root} is no folder; give that of {dataset}, which holds {layout}")


def subfolders(folder: Path) -> list[Path]:
    """Its folders; none where it is absent."""
    return _listed(folder, lambda path: path.is_dir())


def files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Its files whose name ends in one of these, written in small letters or capitals; none where it is absent."""
    return _listed(folder, lambda path: path.suffix.lower() in suffixes and path.is_file())


def numbered(folder: Path, pattern: str) -> dict[int, Path]:
    """Its files whose whole name is matched, by the number that the pattern's first group finds in it.

    Raises:
        MediaError: two files have one number.
    """
    found: dict[int, Path] = {}
    for path in _listed(folder, lambda path: re.fullmatch(pattern, path.name) is not None):
        match = re.fullmatch(pattern, path.name)
        assert match is not None  # by the line above
        other = found.setdefault(int(match[1]), path)
        if other != path:
            raise MediaError(f"{other} and {path.name} have the same number; remove one of them")
    return found


def without_gaps(frames: dict[int, Path], folder: Path, dataset: str) -> list[int]:
    """The numbers of a clip's frames, in order.

    Raises:
        MediaError: there are none, or one is missing between others.
    """
    if not frames:
        raise MediaError(f"{folder} holds no frames of {dataset}; it is empty or was unpacked in part, unpack it again")
    numbers = sorted(frames)
    missing = set(range(numbers[0], numbers[-1])) - frames.keys()
    if missing:
        before = frames[max(number for number in numbers if number < min(missing))]
        raise MediaError(f"{folder} lacks the frame after {before.name}; unpack {dataset} again")
    return numbers


def share_of(what: str, known: int, total: int, of: str) -> str:
    """A note where not all is known.

    >>> share_of("flow", 1, 3, "pairs of frames"), share_of("flow", 3, 3, "pairs of frames")
    ('flow for 1 of 3 pairs of frames', '')
    """
    return f"{what} for {known} of {total} {of}" if known < total else ""


def _listed(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".") and wanted(path)]
    except PermissionError as error:
        raise MediaError(f"{folder} may not be read; change its permissions") from error
    return sorted(found, key=natural_key)
