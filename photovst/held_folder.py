"""A folder that one process works in: what was asked and where it came from, so that a killed one goes on.

Every file is written under a temporary name and renamed, or appended line by line, so that a kill at any
moment leaves only whole files and at most one torn last line. Torch-free.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

from photovst.errors import SettingsError
from photovst.progress import json_bytes
from photovst.provenance import differences, fingerprint, hash_input, session
from photovst.schema.printing import resolved_yaml
from photovst.storage import write_atomic

logger = logging.getLogger(__name__)

PROVENANCE, LOCK, FINISHED = "provenance.json", ".lock", "finished.json"
CONTENTS = (
    *(FINISHED, "report.html", "coverage.csv", "metrics.json", "metrics", "shown", "log.jsonl"),
    *("frames.jsonl", "frames", "state", "passes", "shots"),
    *("losses.jsonl", "checkpoints", "samples", "tensorboard"),
)
"""What is removed before a folder is used for other work; never more, in case it holds somebody's notes."""

DONE = (FINISHED, "state/*.npz", "checkpoints/*.pt")
"""Patterns of what would be lost with it: where nothing matches, other work may take its place."""


class HeldFolder:
    """A folder of one piece of work, held by this process alone until it is closed. Open it with :meth:`open`."""

    WORK: ClassVar[str]
    """What an error calls it, such as 'run'."""
    FOLDERS: ClassVar[tuple[str, ...]]
    """Folders in it, which are there from the start."""
    LINES: ClassVar[tuple[str, ...]]
    """Files in it that are appended to line by line."""

    def __init__(self, path: Path, key: Mapping[str, Any], lock: BinaryIO) -> None:
        self.path = path
        self.key = key
        self.fingerprint = fingerprint(key)
        self._lock = lock

    @classmethod
    def open(
        cls,
        path: Path,
        settings: Any,
        key: Mapping[str, Any],
        overwrite: bool = False,
        command: Sequence[str] | None = None,
    ) -> Self:
        """Create the folder, or go on with an unfinished one of the same identity.

        Args:
            path: the folder; its parents are made.
            settings: a dataclass, written to ``config.yaml``.
            key: the work's :func:`photovst.provenance.identity`.
            overwrite: clear a folder that holds other work, or a finished one.
            command: the command line for the record; this process's own when not given.

        Raises:
            SettingsError: the folder is in use, is no such folder, or belongs to other work.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise SettingsError(f"{cls.WORK} folder {path} is a file; choose another with --run") from error
        except OSError as error:
            raise SettingsError(
                f"cannot make the {cls.WORK} folder {path} ({error.strerror}); choose another with --run"
            ) from error
        names = {entry.name for entry in path.iterdir()}
        if names - {LOCK} and PROVENANCE not in names:
            raise SettingsError(f"{path} holds files but no {cls.WORK} of photovst; choose another folder with --run")
        held = cls(path, key, _locked(path))
        try:
            held._begin(settings, key, overwrite, list(sys.argv if command is None else command))
        except BaseException:
            held.close()
            raise
        return held

    def _begin(self, settings: Any, key: Mapping[str, Any], overwrite: bool, command: list[str]) -> None:
        former = _read_json(self.path / PROVENANCE)
        same = former.get("fingerprint") == self.fingerprint
        kept = any(any(self.path.glob(pattern)) for pattern in DONE)
        if former and not same and "inputs" in former and not kept:
            self._clear()  # there is nothing to lose
            former = {}
        if former and not same and not overwrite:
            changed = differences(former, key) if "inputs" in former else []
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            why = f"differs in {', '.join(changed[:3])}{more}" if changed else "its provenance cannot be read"
            raise SettingsError(
                f"{self.path} belongs to another {self.WORK} ({why}); "
                "pass --overwrite to replace it, or choose another folder with --run"
            )
        if former and (not same or (overwrite and (self.path / FINISHED).exists())):
            self._clear()
            former = {}
        for folder in self.FOLDERS:
            (self.path / folder).mkdir(exist_ok=True)
        for leftover in self.path.glob("**/.*.partial"):
            leftover.unlink()
        for name in self.LINES:
            _drop_torn_line(self.path / name)
        sessions = [*former.get("sessions", []), session(command)]
        record = {"fingerprint": self.fingerprint, **key, "sessions": sessions}
        write_atomic(self.path / PROVENANCE, json.dumps(record, indent=2).encode() + b"\n")
        write_atomic(self.path / "config.yaml", resolved_yaml(settings).encode())
        self.log({"event": "resumed" if former else "started"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others use the folder."""
        self._lock.close()

    @property
    def finished(self) -> bool:
        """Whether the work came to its end and its result still is the one it wrote."""
        return _finished(self.path, self.fingerprint)

    @staticmethod
    def holds(path: Path, key: Mapping[str, Any]) -> bool:
        """Whether a folder holds this work, finished, without opening it."""
        return _finished(path, fingerprint(key))

    def finish(self, result: Path) -> None:
        """Mark the work as finished with this result, a file or a folder of frames."""
        # Relative, so that the folder and its result can move together.
        place = os.path.relpath(Path(result).resolve(), self.path.resolve())
        done = {"fingerprint": self.fingerprint, "result": place, "sha256": hash_input(result)}
        write_atomic(self.path / FINISHED, json_bytes(done))
        self.log({"event": "finished", "result": place})

    def log(self, event: Mapping[str, Any]) -> None:
        """Append an event and its time to ``log.jsonl``; fit for ``Progress.record_to``."""
        append_line(self.path / "log.jsonl", {"time": datetime.now(UTC).isoformat(), **event})

    def _clear(self) -> None:
        for name in CONTENTS:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _finished(path: Path, mark: str) -> bool:
    done = _read_json(path / FINISHED)
    if done.get("fingerprint") != mark:
        return False
    result = path / done["result"]
    return bool(result.exists() and hash_input(result) == done["sha256"])


def _locked(path: Path) -> BinaryIO:
    lock = (path / LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise SettingsError(f"{path} is in use by another photovst; wait, or choose another --run") from error
    return lock


def append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Append values to a file of JSON lines."""
    with path.open("ab") as stream:
        stream.write(json_bytes(values))


def _drop_torn_line(path: Path) -> None:
    data = path.read_bytes() if path.exists() else b""
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        logger.warning("%s: its last line was cut short; it is dropped", path)
        os.truncate(path, whole)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        return {"fingerprint": None}
    return content if isinstance(content, dict) else {"fingerprint": None}
