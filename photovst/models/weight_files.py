"""Where weights are found: ``$PHOTOVST_WEIGHTS``, the user's cache folder, a download into it. Verified before use."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from photovst.errors import WeightsError
from photovst.models.checkpoints import Checkpoint
from photovst.models.download import Progress, download, record_beside
from photovst.storage import write_atomic

WHOLE = 64
"""Digits of a sha256."""

logger = logging.getLogger(__name__)


def folders() -> list[Path]:
    """Where weights are looked for, in order; downloads go to the last."""
    given = os.environ.get("PHOTOVST_WEIGHTS")
    cache = Path(platformdirs.user_cache_dir("photovst")) / "weights"
    return [Path(given), cache] if given else [cache]


def places() -> str:
    """The folders, as an error line names them."""
    return " or ".join(map(str, folders()))


def present(checkpoint: Checkpoint) -> Path | None:
    """The file that a run would use, not verified; None when it is in no folder."""
    paths = (folder / checkpoint.file for folder in folders())
    return next((path for path in paths if path.is_file()), None)


def find(checkpoint: Checkpoint, progress: Progress | None = None) -> Path:
    """The path of a checkpoint, downloaded if it is in no folder, once its hash is right.

    Args:
        checkpoint: which.
        progress: told of the bytes of a download as they come; without it one line in the log tells of the download.

    Raises:
        WeightsError: it is not the published file, or it is absent and cannot be downloaded.
    """
    path = present(checkpoint)
    if path is None:
        path = folders()[-1] / checkpoint.file
        if checkpoint.url is None:
            raise WeightsError(f"{_absent(checkpoint)}, and no address is known for it; {_by_hand(checkpoint)}")
        expected = _expected(path, checkpoint)
        try:
            download(checkpoint.url, path, expected, progress or announced(checkpoint, logger.warning))
        except WeightsError as error:
            raise WeightsError(
                f"{_absent(checkpoint)}, and its download failed: {error}; once online run 'photovst weights fetch"
                f" {checkpoint.name}', or {_by_hand(checkpoint)}"
            ) from error
        if not expected:
            _say_recorded(path)
    verify(path, checkpoint)
    return path


def verify(path: Path, checkpoint: Checkpoint) -> str:
    """Hold a file against the hash of its checkpoint, and return that hash or the first digits of it.

    Where the publisher gives the first digits only, or none, the whole hash that was recorded beside the file when it
    was downloaded is what it must have. One of which nothing is known is recorded now. A file is read once a process,
    and again only when it has changed.

    Raises:
        WeightsError: it is another file, or what stands beside it is no hash of the published one.
    """
    found = digest(path)
    if not checkpoint.sha256 and not record_beside(path).is_file():
        _record(path, found)
    expected = _expected(path, checkpoint)
    if not found.startswith(expected):
        remedy = f"delete it and run 'photovst weights fetch {checkpoint.name}'" if checkpoint.url else "replace it"
        known = f"published {checkpoint.file}" if checkpoint.sha256 else "file it was when its hash was first recorded"
        raise WeightsError(
            f"{path} is not the {known}: its sha256 is {found[:16]}..., not {expected[:16]}...; {remedy}"
        )
    return expected


def digest(path: Path) -> str:
    """The sha256 of a file."""
    about = path.stat()
    return _digest_of(path, about.st_size, about.st_mtime_ns)


def announced(checkpoint: Checkpoint, say: Callable[[str], None]) -> Progress:
    """Progress that says one line when a download begins."""

    @functools.cache
    def begin() -> None:
        say(f"downloading {checkpoint.file} ({checkpoint.size}, {checkpoint.licence}) from {checkpoint.url}")

    return lambda done, total: begin()


def _expected(path: Path, checkpoint: Checkpoint) -> str:
    record = record_beside(path)
    if len(checkpoint.sha256) == WHOLE or not record.is_file():
        return checkpoint.sha256
    recorded = record.read_text(encoding="utf-8", errors="replace").partition(" ")[0]
    if len(recorded) != WHOLE or not recorded.startswith(checkpoint.sha256):
        digits = f"starts with {checkpoint.sha256}" if checkpoint.sha256 else f"has {WHOLE} digits"
        raise WeightsError(
            f"{record} must begin with the sha256 of {checkpoint.file}, which {digits}, but"
            f" {recorded[:16]!r} was found; delete it"
        )
    return recorded


def _record(path: Path, found: str) -> None:
    """Note the hash of a file of which no hash is published, so that it stays the file it is."""
    record = record_beside(path)
    try:
        write_atomic(record, f"{found}  {path.name}\n".encode())
    except OSError as error:
        logger.warning(
            "%s is used unverified: no hash is published, and %s cannot be written (%s)", path, record, error.strerror
        )
    else:
        _say_recorded(path)


def _say_recorded(path: Path) -> None:
    logger.warning(
        "no hash is published for %s: its own is recorded in %s, and holds from now on", path.name, record_beside(path)
    )


@functools.cache
def _digest_of(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _absent(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.file} ({checkpoint.size}, {checkpoint.licence}) is not in {places()}"


def _by_hand(checkpoint: Checkpoint) -> str:
    source = checkpoint.url or checkpoint.origin
    return f"get it from {source}, and put it there or name its folder in PHOTOVST_WEIGHTS"
