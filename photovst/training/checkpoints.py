"""Checkpoints of a training: whole files or none, the last few, and the newest whole one to go on from."""

from __future__ import annotations

import io
import logging
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from photovst.errors import MediaError
from photovst.storage import write_atomic

logger = logging.getLogger(__name__)

VERSION = 1
"""Of what a checkpoint holds; another one cannot be gone on from."""


class Checkpoints:
    """The checkpoints ``step_00000100.pt`` of a folder.

    Args:
        folder: where they lie; it is made.
        keep: how many of them stay.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self._keep = folder, keep
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MediaError(f"cannot make the folder {folder} ({error.strerror})") from error

    def save(self, step: int, state: Mapping[str, Any]) -> Path:
        """Write the state after ``step`` steps, and remove the oldest.

        Raises:
            MediaError: it cannot be written; the former ones stay.
        """
        # By way of memory: where the disk is full, torch's own writer fails with a bug's words.
        buffer = io.BytesIO()
        torch.save({"photovst_checkpoint": VERSION, "step": step, **state}, buffer)
        path = self.path(step)
        try:
            write_atomic(path, buffer.getvalue())
        except OSError as error:
            former = self.newest()
            kept = f"{former.name} stays" if former else "there is none yet"
            raise MediaError(
                f"cannot write the checkpoint {path} ({error.strerror}); {kept}; mend that, and run the same command to"
                " go on"
            ) from error
        # What is later was damaged, or the training would not be here.
        later = [other for other in self._all() if _step(other) > step]
        for old in [*self._all()[: -self._keep - len(later)], *later]:
            old.unlink()
        return path

    def load(self) -> dict[str, Any] | None:
        """The newest whole checkpoint, on the CPU, or None where there is none; damaged ones are warned of.

        Raises:
            MediaError: every one is damaged, or the newest whole one is not of this program or version.
        """
        paths = self._all()
        for path in reversed(paths):
            why = _damage(path)
            if why is None:
                return read_checkpoint(path)
            logger.warning("checkpoint %s is damaged (%s); the one before it is taken", path, why)
        if paths:
            raise MediaError(f"every checkpoint in {self.folder} is damaged; remove the folder to train from the start")
        return None

    def newest(self, before: int | None = None) -> Path | None:
        """The path of the newest checkpoint, or the newest of at most ``before`` steps."""
        paths = [path for path in self._all() if before is None or _step(path) <= before]
        return paths[-1] if paths else None

    def path(self, step: int) -> Path:
        """Where the checkpoint after ``step`` steps lies."""
        return self.folder / f"step_{step:08d}.pt"

    def _all(self) -> list[Path]:
        return sorted((path for path in self.folder.glob("step_*.pt") if _step(path) >= 0), key=_step)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, on the CPU; no code in it is ever run.

    Raises:
        MediaError: it is damaged, holds more than numbers, or is of another program or version.
    """
    if why := _damage(path):
        raise MediaError(f"checkpoint {path} is damaged ({why})")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise MediaError(
            f"{path} is no checkpoint of photovst: it holds more than numbers, which might be code, and is refused;"
            " remove it"
        ) from error
    version = content.get("photovst_checkpoint") if isinstance(content, dict) else None
    if version is None:
        raise MediaError(f"{path} is no checkpoint of photovst; remove it")
    if version != VERSION:
        raise MediaError(
            f"checkpoint {path} is of version {version}, this photovst reads version {VERSION}; go on with the"
            " photovst that wrote it, or train in another folder"
        )
    return dict(content)


def _damage(path: Path) -> str | None:
    """Why a file is not whole, or None. PyTorch's own reader does not look at the checksums in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, EOFError) as error:
        return str(error)
    except OSError as error:
        raise MediaError(f"cannot read the checkpoint {path} ({error.strerror})") from error
    return None if bad is None else f"the checksum of {bad} is wrong"


def _step(path: Path) -> int:
    digits = path.stem.removeprefix("step_")
    return int(digits) if digits.isdecimal() else -1
