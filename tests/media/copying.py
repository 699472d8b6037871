"""Clips read and written by photovst, for tests of what comes through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from photovst.media.clip import Clip, open_clip
from photovst.media.video_writer import ClipWriter


def copy(clip: Clip, path: Path, codec: str = "h264", quality: int = 18, **options: Any) -> Clip:
    """Read and write unchanged."""
    with ClipWriter(path, clip, clip.info.size, codec, quality, **options) as writer:
        for frame in clip:
            writer.write(frame.image, frame.time, frame.alpha, frame.duration)
    return open_clip(path)
