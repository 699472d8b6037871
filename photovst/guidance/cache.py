"""Guides kept on disk by content: what was computed from the same pictures in the same way is read back."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import platformdirs
from torch import Tensor

from photovst.errors import SettingsError
from photovst.storage import Arrays, read_npz, write_npz

logger = logging.getLogger(__name__)


class GuideCache:
    """A folder of arrays, named by the hash of what they were computed from.

    Args:
        folder: where; the user's cache folder when not given.
        limit: bytes; `prune` removes the guides that were used longest ago beyond it.

    Raises:
        SettingsError: the folder cannot be made.
    """

    def __init__(self, folder: str | Path | None = None, limit: int = 1 << 30) -> None:
        self.folder = Path(folder) if folder else Path(platformdirs.user_cache_dir("photovst")) / "guides"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"cannot make the cache folder {self.folder} ({error.strerror}); set cache.folder, or"
                " cache.enabled=false"
            ) from error
        self.limit = limit

    def get(self, kind: str, pictures: tuple[Tensor, ...], compute: Callable[[], Arrays]) -> Arrays:
        """The arrays of this kind for these pictures; ``kind`` names the method, its parameters and its version."""
        arrays = self.find(kind, pictures)
        if arrays is None:
            arrays = compute()
            self.put(kind, pictures, arrays)
        return arrays

    def find(self, kind: str, pictures: tuple[Tensor, ...]) -> Arrays | None:
        """The same, if they are there."""
        path = self._path(kind, pictures)
        try:
            arrays = read_npz(path)
            os.utime(path)  # used just now: the last to be pruned; unlike touch(), it never makes a file
        except FileNotFoundError:
            return None
        except (ValueError, zipfile.BadZipFile, KeyError):
            logger.warning("%s is damaged; it is computed again", path)
            return None
        return arrays

    def put(self, kind: str, pictures: tuple[Tensor, ...], arrays: Arrays) -> None:
        """Keep what was computed elsewhere."""
        write_npz(self._path(kind, pictures), arrays)

    def prune(self) -> None:
        """Remove the guides that were used longest ago until the folder is within its limit."""
        found = []
        for path in self.folder.glob("*.npz"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # another process pruned it
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _path(self, kind: str, pictures: tuple[Tensor, ...]) -> Path:
        return self.folder / f"{_key(kind, pictures)}.npz"


def _key(kind: str, pictures: tuple[Tensor, ...]) -> str:
    digest = hashlib.sha256(kind.encode())
    for picture in pictures:
        digest.update(f"|{tuple(picture.shape)} {picture.dtype}|".encode())
        digest.update(picture.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
