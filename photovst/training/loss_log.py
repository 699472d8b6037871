"""A training's losses on disk, a JSON line a record, which agree with the checkpoint after a stop."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photovst.errors import MediaError
from photovst.progress import json_bytes
from photovst.storage import write_atomic

logger = logging.getLogger(__name__)


class LossLog:
    """Appends records to ``path``; what was written after ``step`` steps is cut off first.

    Args:
        path: the file; it need not be there.
        step: steps of the checkpoint that a training goes on from.

    Raises:
        MediaError: the file cannot be written.
    """

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        data = path.read_bytes() if path.is_file() else b""
        kept = b"".join(line for line in data.splitlines(keepends=True) if _is_of(line, step, path))
        if kept != data:
            try:
                write_atomic(path, kept)
            except OSError as error:
                raise MediaError(f"cannot write {path} ({error.strerror})") from error

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record, which has at least its ``step``.

        Raises:
            MediaError: it cannot be written.
        """
        try:
            with self._path.open("ab") as stream:
                stream.write(json_bytes(record))
        except OSError as error:
            raise MediaError(
                f"cannot write {self._path} ({error.strerror}); mend that, and run the same command to go on"
            ) from error


def read_losses(path: Path) -> list[dict[str, Any]]:
    """The records of a training by step; a damaged line is left out."""
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    return [json.loads(line) for line in lines if _is_of(line, None, path)]


def _is_of(line: bytes, step: int | None, path: Path) -> bool:
    """Whether a line is whole, and none of a later step than ``step``."""
    try:
        found = int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        found = -1
    if found < 0 or not line.endswith(b"\n"):
        logger.warning("%s: a line is damaged; it is left out", path)
        return False
    return step is None or found <= step
