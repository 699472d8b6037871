"""Arrays too large to be made twice or held in memory: made once, kept in a folder, and mapped from there."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from photovst.errors import MediaError, SettingsError
from photovst.media.publish import publish_folder

logger = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]

_PRUNED_EVERY = 32
"""Entries written between looks at how large the folder is, which take longer than writing one."""


class ArrayStore:
    """A folder of entries; each is a folder of .npy files, named by the hash of what it was made from.

    Several processes may use it at once: an entry appears whole, and two that make the same one make the same files.

    Args:
        folder: where; in the user's cache folder when not given.
        limit: bytes; the entries that were opened longest ago are removed beyond it.

    Raises:
        SettingsError: the folder cannot be made.
    """

    def __init__(self, folder: str | Path | None = None, limit: int = 8 << 30) -> None:
        self.folder = Path(folder) if folder else Path(platformdirs.user_cache_dir("photovst")) / "training"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"cannot make the cache folder {self.folder} ({error.strerror}); choose another with data.cache"
            ) from error
        self.limit = limit
        self._written = 0

    def get(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays of an entry, mapped and not to be written to.

        Args:
            key: all that they depend on, and a version; written out, in any form.
            make: computes them where they are not there.

        Raises:
            MediaError: they cannot be written.
        """
        place = self._place(key)
        try:
            return _mapped(place)
        except FileNotFoundError:
            pass
        except (ValueError, EOFError) as error:
            logger.warning("%s is damaged (%s); it is made again", place, error)
        self._write(place, make())
        if self._written % _PRUNED_EVERY == 0:
            self._prune(keep=place)
        self._written += 1
        return _mapped(place)

    def holds(self, key: str) -> bool:
        """Whether the entry is there."""
        return self._place(key).is_dir()

    def _place(self, key: str) -> Path:
        return self.folder / hashlib.sha256(key.encode()).hexdigest()[:32]

    def _write(self, place: Path, arrays: Arrays) -> None:
        part = place.with_name(f".{place.name}.{os.getpid()}.partial")
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name, array in arrays.items():
                np.save(part / f"{name}.npy", array, allow_pickle=False)
            publish_folder(part, place)
        except OSError as error:
            if place.is_dir():
                return  # another process was faster
            raise MediaError(
                f"cannot keep training data in {self.folder} ({error.strerror}); free space or choose another with"
                " data.cache"
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _prune(self, keep: Path) -> None:
        found = []
        for entry in self.folder.iterdir():
            try:
                if not entry.name.startswith("."):
                    found.append((entry.stat().st_mtime, sum(file.stat().st_size for file in entry.iterdir()), entry))
            except FileNotFoundError:
                continue  # another process removed it
        total = sum(size for _, size, _ in found)
        for _, size, entry in sorted(found):
            if total <= self.limit:
                break
            if entry != keep:
                shutil.rmtree(entry, ignore_errors=True)
                total -= size


def _mapped(place: Path) -> Arrays:
    paths = sorted(place.glob("*.npy"))
    if not paths:
        raise FileNotFoundError(place)
    os.utime(place)  # opened just now: the last to be removed
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in paths}
