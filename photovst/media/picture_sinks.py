"""Where a writer's frames go when they become pictures: a numbered folder, or a single still."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from photovst.errors import MediaError
from photovst.media.images import encode_picture
from photovst.media.publish import sync
from photovst.media.records import Picture


class Sink(Protocol):
    """Where frames go: a video file, a folder, or a still."""

    def write(self, image: Picture, time: Fraction, alpha: Picture | None, duration: Fraction | None) -> None:
        """Take one frame."""

    def finish(self) -> None:
        """Complete what was written."""

    def abandon(self) -> None:
        """Let go of it; the writer removes it."""


class FolderSink:
    """Numbered PNGs in a folder."""

    def __init__(self, part: Path) -> None:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        self._part = part
        self._count = 0

    def write(self, image: Picture, time: Fraction, alpha: Picture | None, duration: Fraction | None) -> None:
        """Write one picture and bring it to disk."""
        path = self._part / f"{self._count:06d}.png"
        path.write_bytes(encode_picture(path, image, alpha))
        sync(path)
        self._count += 1

    def finish(self) -> None:
        """Every file is complete as soon as it is written."""

    def abandon(self) -> None:
        """The folder is removed by the writer."""


class StillSink:
    """One picture."""

    def __init__(self, part: Path) -> None:
        self._part = part
        self._written = False

    def write(self, image: Picture, time: Fraction, alpha: Picture | None, duration: Fraction | None) -> None:
        """Write the one picture.

        Raises:
            MediaError: it is the second one.
        """
        if self._written:
            raise MediaError(f"{self._part.name} holds one picture, and a second frame came; write a video instead")
        self._part.write_bytes(encode_picture(self._part, image, alpha))
        self._written = True

    def finish(self) -> None:
        """The picture is complete as soon as it is written."""

    def abandon(self) -> None:
        """The file is removed by the writer."""
