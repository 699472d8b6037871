"""A run's folder: what was asked, where it came from, and each finished frame, so that a killed run goes on.

Every file is written under a temporary name and renamed, or appended line by line, so that a kill at any
moment leaves only whole files and at most one torn last line. Torch-free.
"""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from photovst.config import Settings
from photovst.errors import SettingsError
from photovst.progress import json_bytes
from photovst.provenance import differences, fingerprint, hash_input, session
from photovst.settings_io import resolved_yaml
from photovst.storage import Arrays, read_npz, write_atomic, write_npz

logger = logging.getLogger(__name__)

PROVENANCE, LOCK = "provenance.json", ".lock"
CONTENTS = (
    "finished.json",
    "report.html",
    "coverage.csv",
    "metrics.json",
    "metrics",
    "shown",
    "log.jsonl",
    "frames.jsonl",
    "frames",
    "state",
    "passes",
    "shots",
)
"""What is removed before a folder is used for another run; never more, in case it holds somebody's notes."""


FILE_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".png", ".jpg", ".jpeg")
"""Suffixes of results that are one file."""


class RunFolder:
    """One run's folder, held by this process alone until it is closed. Open it with :meth:`open`."""

    def __init__(self, path: Path, key: Mapping[str, Any], lock: BinaryIO) -> None:
        self.path = path
        self.key = key
        self.fingerprint = fingerprint(key)
        self._lock = lock

    @classmethod
    def open(
        cls,
        path: Path,
        settings: Settings,
        key: Mapping[str, Any],
        overwrite: bool = False,
        command: Sequence[str] | None = None,
    ) -> RunFolder:
        """Create a run folder, or go on with an unfinished one of the same identity.

        Args:
            path: the folder; its parents are made.
            settings: written to ``config.yaml``.
            key: the run's :func:`photovst.provenance.identity`.
            overwrite: clear a folder that holds another run, or a finished one.
            command: the command line for the record; this process's own when not given.

        Raises:
            SettingsError: the folder is in use, is not a run folder, or belongs to another run.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise SettingsError(f"run folder {path} is a file; choose another with --run") from error
        except OSError as error:
            raise SettingsError(
                f"cannot make the run folder {path} ({error.strerror}); choose another with --run"
            ) from error
        names = {entry.name for entry in path.iterdir()}
        if names - {LOCK} and PROVENANCE not in names:
            raise SettingsError(f"{path} holds files but no run of photovst; choose another folder with --run")
        run = cls(path, key, _locked(path))
        try:
            run._begin(settings, key, overwrite, list(sys.argv if command is None else command))
        except BaseException:
            run.close()
            raise
        return run

    def _begin(self, settings: Settings, key: Mapping[str, Any], overwrite: bool, command: list[str]) -> None:
        former = _read_json(self.path / PROVENANCE)
        same = former.get("fingerprint") == self.fingerprint
        kept = (self.path / "finished.json").exists() or any((self.path / "state").glob("*.npz"))
        if former and not same and "inputs" in former and not kept:
            self._clear()  # it ended before its first frame: there is nothing to lose
            former = {}
        if former and not same and not overwrite:
            changed = differences(former, key) if "inputs" in former else []
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            why = f"differs in {', '.join(changed[:3])}{more}" if changed else "its provenance cannot be read"
            raise SettingsError(
                f"{self.path} belongs to another run ({why}); "
                "pass --overwrite to replace it, or choose another folder with --run"
            )
        if former and (not same or (overwrite and (self.path / "finished.json").exists())):
            self._clear()
            former = {}
        for folder in (self.path / "state", self.path / "frames"):
            folder.mkdir(exist_ok=True)
        for leftover in self.path.glob("**/.*.partial"):
            leftover.unlink()
        for name in ("log.jsonl", "frames.jsonl"):
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
    def frames(self) -> Path:
        """The folder of stored result frames."""
        return self.path / "frames"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end and its result still is the one it wrote."""
        return _finished(self.path, self.fingerprint)

    @staticmethod
    def holds(path: Path, key: Mapping[str, Any]) -> bool:
        """Whether a folder holds this run, finished, without opening it."""
        return _finished(path, fingerprint(key))

    def finish(self, result: Path) -> None:
        """Mark the run as finished with this result, a file or a folder of frames."""
        # Relative, so that a run and its result can move together.
        place = os.path.relpath(Path(result).resolve(), self.path.resolve())
        done = {"fingerprint": self.fingerprint, "result": place, "sha256": hash_input(result)}
        write_atomic(self.path / "finished.json", json_bytes(done))
        self.log({"event": "finished", "result": place})

    def save_state(self, index: int, arrays: Mapping[str, NDArray[Any]], folder: str = "state") -> None:
        """Store what frame ``index`` was optimized to; equal arrays give equal bytes.

        Args:
            index: the frame.
            arrays: its state.
            folder: ``state`` for the result, or another in the run folder for what leads to it.
        """
        path = self._state(index, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_npz(path, arrays)

    def load_state(self, index: int, folder: str = "state") -> Arrays | None:
        """The arrays of frame ``index``, or None when absent; a damaged file is warned of and removed."""
        return self._load(self._state(index, folder))

    def has_state(self, index: int, folder: str = "state") -> bool:
        """Whether ``load_state`` would find frame ``index`` whole."""
        return self.load_state(index, folder) is not None

    def drop(self, folder: str) -> None:
        """Remove the states of a folder, and of those inside it; ``carry.npz`` stays."""
        for path in (self.path / folder).rglob("[0-9]*.npz"):
            path.unlink()

    def save_carry(self, index: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store what the frame after ``index`` starts from, in place of the former."""
        write_npz(self.path / "state" / "carry.npz", {**arrays, "__index__": np.array(index)})

    def load_carry(self) -> tuple[int, Arrays] | None:
        """The last stored ``(index, arrays)``, or None; a damaged file is warned of and removed."""
        arrays = self._load(self.path / "state" / "carry.npz")
        return None if arrays is None else (int(arrays.pop("__index__")), arrays)

    def adopt(self, other: Path, frames: range, carry: bool) -> bool:
        """Take the states and records of these frames out of another run folder, if all of them are done.

        A stop in between leaves each state in one of the two folders, and the same call goes on.

        Args:
            other: the folder, on the same file system; it is removed.
            frames: its frames.
            carry: whether what a next frame would start from is taken, too: where no frame follows.
        """
        places = {index: other / "state" / f"{index:06d}.npz" for index in frames}
        if not all(place.is_file() or self.has_state(index) for index, place in places.items()):
            return False
        known = {record["frame"] for record in self.records()}
        for record in read_records(other):
            if record["frame"] not in known:
                self.add_record(record)
        if carry:
            places[-1] = other / "state" / "carry.npz"
        for place in places.values():
            if place.is_file():
                place.replace(self.path / "state" / place.name)
        shutil.rmtree(other)
        return True

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Append a frame's record, at least ``{"frame": index}``; :func:`read_records` lists the names."""
        _append(self.path / "frames.jsonl", {**record, "frame": int(record["frame"])})

    def records(self) -> list[dict[str, Any]]:
        """The frames' records by frame, the last one where a frame was done again."""
        return read_records(self.path)

    def log(self, event: Mapping[str, Any]) -> None:
        """Append an event and its time to ``log.jsonl``; fit for ``Progress.record_to``."""
        _append(self.path / "log.jsonl", {"time": datetime.now(UTC).isoformat(), **event})

    def _state(self, index: int, folder: str) -> Path:
        return self.path / folder / f"{index:06d}.npz"

    def _load(self, path: Path) -> Arrays | None:
        try:
            return read_npz(path)
        except FileNotFoundError:
            return None
        except ValueError as error:
            logger.warning("%s is damaged (%s); it is computed again", path, error)
            path.unlink()
            return None

    def _clear(self) -> None:
        for name in CONTENTS:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def default_run_folder(output: str | Path) -> Path:
    """OUT with ``.run`` for its suffix: out.mp4 -> out.run, frames/ -> frames.run, take1.5/ -> take1.5.run.

    Raises:
        SettingsError: there is no name to put it to, as in '.'.
    """
    output = Path(output)
    if output.name in ("", ".."):
        raise SettingsError(f"output {output} has no name of its own; name the file or folder to write")
    # A folder's name may hold dots: what follows the last one is no suffix to be cut off.
    stem = output.stem if output.suffix.lower() in FILE_SUFFIXES else output.name
    return output.with_name(f"{stem}.run")


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The frame records of a run folder, by pass and frame, the last one of each; a torn line is left out.

    The names the report knows: ``frame``, ``loss`` (weighted total), ``terms`` (name to unweighted value),
    ``seconds`` (step to its seconds), ``iterations``, and ``pass`` where there are several.
    """
    path = folder / "frames.jsonl"
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for number, line in enumerate(path.read_bytes().splitlines() if path.is_file() else [], start=1):
        try:
            record = json.loads(line)
            place = int(record.get("pass", 0)), int(record["frame"])
            _check_record(record)
            found[place] = record
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("%s, line %d is damaged; it is left out", path, number)
    return [found[place] for place in sorted(found)]


def _check_record(record: Mapping[str, Any]) -> None:
    """Raises ValueError where what is added up or drawn is no number."""
    figures = [record.get("iterations"), record.get("loss"), record["frame"], record.get("pass")]
    figures += [*record.get("terms", {}).values(), *(record.get("seconds") or {}).values()]
    if not all(figure is None or isinstance(figure, int | float) for figure in figures):
        raise ValueError("a value is no number")


def total_iterations(records: Sequence[Mapping[str, Any]]) -> int:
    """Of all frames and passes."""
    return sum(int(record.get("iterations", 0)) for record in records)


def total_seconds(records: Sequence[Mapping[str, Any]]) -> float:
    """Spent on all frames, over all sessions."""
    return math.fsum(sum(record.get("seconds", {}).values()) for record in records)


def _finished(path: Path, mark: str) -> bool:
    done = _read_json(path / "finished.json")
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


def _append(path: Path, values: Mapping[str, Any]) -> None:
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
