"""Any folder of clips: videos and folders of frames in it, each a clip; hidden and foreign files are passed over."""

from __future__ import annotations

from pathlib import Path

from photovst.datasets.folders import checked_root, files, subfolders
from photovst.datasets.sequences import Sequence
from photovst.errors import MediaError
from photovst.media.images import READABLE

NAME = "clips"
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".wmv", ".y4m")


def find(root: Path) -> list[Sequence]:
    """Every clip right in the folder, by name; pictures that lie there loose are not clips.

    What is in the files is not looked at: `media.clip.open_clip` does that, file by file.

    Raises:
        MediaError: the folder is absent or holds no clip.
    """
    checked_root(root, "clips", "videos, or a folder of frames for each clip")
    folders = [folder for folder in subfolders(root) if files(folder, READABLE)]
    found = [Sequence(path.name, NAME, path) for path in (*folders, *files(root, VIDEOS))]
    if not found:
        hint = f"; it holds pictures: to take it as one clip, give {root.parent}" if files(root, READABLE) else ""
        raise MediaError(f"{root} holds no clips: no {', '.join(VIDEOS)} and no folder of pictures{hint}")
    return sorted(found, key=lambda each: each.name)
