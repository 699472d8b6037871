"""One way in for every input: a video file, a folder or glob of frames, or a still."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from photovst.errors import MediaError
from photovst.media.frame_folder import open_folder, open_glob, open_still
from photovst.media.images import READABLE
from photovst.media.records import STILL_RATE, Clip, ClipInfo, ColorTags, Damage, Frame
from photovst.media.video_reader import open_video

__all__ = ["Clip", "ClipInfo", "ColorTags", "Damage", "Frame", "open_clip"]


def open_clip(path: str | Path, frame_rate: Fraction = STILL_RATE) -> Clip:
    """Open a video file, a folder of frames, a glob pattern or a still.

    ``frame_rate`` holds for folders and globs, which carry none of their own.

    Raises:
        MediaError: there is nothing to read, or nothing that can be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return open_folder(path, frame_rate)
        exists = path.exists()
    except PermissionError as error:
        raise MediaError(f"{path} may not be read; change its permissions") from error
    if not exists:
        if any(sign in str(path) for sign in "*?["):
            return open_glob(path, frame_rate)
        hint = "; for numbered frames give the folder or a pattern such as 'frames/*.png'" if "%" in path.name else ""
        raise MediaError(f"{path} does not exist; check the path{hint}")
    return open_still(path) if path.suffix.lower() in READABLE else open_video(path)
