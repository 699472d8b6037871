"""Files that appear whole or not at all: written under a partial name beside the final one, then renamed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def partial_path(path: Path) -> Path:
    """The name a file or folder is written under; the same each time, so that a killed run leaves no pile.

    >>> partial_path(Path("out/clip.mp4")).as_posix()
    'out/.clip.partial.mp4'
    """
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def publish(part: Path, path: Path) -> None:
    """Bring a finished file to disk and give it its final name, replacing what was there.

    Raises:
        OSError: the disk is full or the name cannot be taken.
    """
    sync(part)
    os.replace(part, path)
    sync(path.parent)


def publish_folder(part: Path, path: Path) -> None:
    """The same for a folder; an older folder of that name goes only once the new one stands in its place.

    Raises:
        OSError: the name cannot be taken.
    """
    sync(part)
    replaced = path.with_name(f".{path.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if path.exists():
        os.replace(path, replaced)
    os.replace(part, path)
    sync(path.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def sync(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
