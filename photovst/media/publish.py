"""Files that appear whole or not at all: written under a partial name beside the final one, then renamed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from photovst.errors import MediaError


def partial_path(path: Path) -> Path:
    """The name a file or folder is written under; the same each time, so that a killed run leaves no pile.

    >>> partial_path(Path("out/clip.mp4")).as_posix()
    'out/.clip.partial.mp4'
    """
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def check_folder_of(path: Path) -> None:
    """Refuse a place that nothing can be written to, before any work is done for it.

    Raises:
        MediaError: the folder is absent or not writable.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise MediaError(f"cannot write {path}: the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MediaError(f"cannot write {path}: the folder {folder} is not writable; choose another place")


def check_new_file(path: Path, what: str, *, overwrite: bool) -> None:
    """Refuse a place that a new file cannot take, before any work is done for it.

    Args:
        path: where it is to be.
        what: what it is, for the message: ``the network``.
        overwrite: whether it may replace a file.

    Raises:
        MediaError: the folder is absent or not writable, or the name is taken.
    """
    check_folder_of(path)
    if path.is_dir():
        raise MediaError(f"{path} is a folder; choose another name for {what}")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists; choose another name, or pass --overwrite")


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
