"""A run's folder: each finished frame, so that a killed run goes on. Torch-free."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photovst.errors import SettingsError
from photovst.held_folder import LOCK as LOCK, PROVENANCE as PROVENANCE, HeldFolder, append_line
from photovst.storage import Arrays, read_npz, write_npz

logger = logging.getLogger(__name__)

FILE_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".png", ".jpg", ".jpeg", ".safetensors")
"""Suffixes of results that are one file."""


class RunFolder(HeldFolder):
    """One run's folder: each finished frame beside what every `HeldFolder` holds."""

    WORK = "run"
    FOLDERS = ("state", "frames")
    LINES = ("log.jsonl", "frames.jsonl")

    @property
    def frames(self) -> Path:
        """The folder of stored result frames."""
        return self.path / "frames"

    def save_state(
        self, index: int, arrays: Mapping[str, NDArray[Any]], folder: str = "state", sync: bool = True
    ) -> None:
        """Store what frame ``index`` was optimized to; equal arrays give equal bytes.

        Args:
            index: the frame.
            arrays: its state.
            folder: ``state`` for the result, or another in the run folder for what leads to it.
            sync: bring it to disk at once; what took little to compute may be lost where the power fails.
        """
        path = self._state(index, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_npz(path, arrays, sync)

    def load_state(self, index: int, folder: str = "state") -> Arrays | None:
        """The arrays of frame ``index``, or None when absent; a damaged file is warned of and removed."""
        return self._load(self._state(index, folder))

    def has_state(self, index: int, folder: str = "state") -> bool:
        """Whether ``load_state`` would find frame ``index`` whole."""
        return self.load_state(index, folder) is not None

    def drop_state(self, index: int, folder: str = "state") -> None:
        """Remove the state of frame ``index``, where there is one."""
        self._state(index, folder).unlink(missing_ok=True)

    def drop(self, folder: str) -> None:
        """Remove the states of a folder, and of those inside it; ``carry.npz`` stays."""
        for path in (self.path / folder).rglob("[0-9]*.npz"):
            path.unlink()

    def save_carry(self, index: int, arrays: Mapping[str, NDArray[Any]], sync: bool = True) -> None:
        """Store what the frame after ``index`` starts from, in place of the former; ``sync`` as for states."""
        write_npz(self.path / "state" / "carry.npz", {**arrays, "__index__": np.array(index)}, sync)

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
        self._take_records(other)
        if carry:
            places[-1] = other / "state" / "carry.npz"
        for place in places.values():
            if place.is_file():
                place.replace(self.path / "state" / place.name)
        shutil.rmtree(other)
        return True

    def adopt_marked(self, other: Path, folder: str, number: int) -> bool:
        """Take all states and records out of another run folder, if a mark is there that says they are whole.

        A stop in between leaves the mark in the other folder, and the same call goes on.

        Args:
            other: the folder, on the same file system; it is removed.
            folder: where in it the mark lies.
            number: of the mark.
        """
        mark = other / folder / f"{number:06d}.npz"
        if not mark.is_file():
            return False
        self._take_records(other)
        states = [path for path in (other / "state").rglob("*.npz") if path != mark]
        for path in (*states, mark):
            place = self.path / path.relative_to(other)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
        shutil.rmtree(other)
        return True

    def _take_records(self, other: Path) -> None:
        known = {record["frame"] for record in self.records()}
        for record in read_records(other):
            if record["frame"] not in known:
                self.add_record(record)

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Append a frame's record, at least ``{"frame": index}``; :func:`read_records` lists the names."""
        append_line(self.path / "frames.jsonl", {**record, "frame": int(record["frame"])})

    def records(self) -> list[dict[str, Any]]:
        """The frames' records by frame, the last one where a frame was done again."""
        return read_records(self.path)

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
