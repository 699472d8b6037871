"""Finished runs, as they are found again: settings, result and content, held to what was recorded. Torch-free."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from photovst.config import Settings
from photovst.errors import MediaError, SettingsError
from photovst.provenance import hash_input
from photovst.run import FILE_SUFFIXES, PROVENANCE, default_run_folder
from photovst.settings_io import load_settings


@dataclass(frozen=True)
class RecordedRun:
    """A run whose result is there; its content may be gone, its settings of another version.

    Args:
        folder: its run folder.
        result: the clip it wrote.
        result_sha256: of the result.
        content: the clip it was made from, as it was named where the run was started.
        content_sha256: of that clip.
        provenance: its record.
    """

    folder: Path
    result: Path
    result_sha256: str
    content: str
    content_sha256: str
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class FinishedRun:
    """A run whose result is there.

    Args:
        folder: its run folder.
        settings: as it was run; paths of content and photograph lead there from here.
        result: the clip it wrote.
        result_sha256: of the result.
        content_sha256: of the clip it was made from.
        provenance: its record.
    """

    folder: Path
    settings: Settings
    result: Path
    result_sha256: str
    content_sha256: str
    provenance: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The run folder's name, without '.run'."""
        return self.folder.name.removesuffix(".run") or self.folder.name


def finished_run(place: Path) -> FinishedRun:
    """The run in a run folder, or that of a result.

    Raises:
        MediaError: there is no run, it is unfinished, or its result or content is gone or not the one it was.
    """
    run = recorded_run(place)
    try:
        settings = load_settings([run.folder / "config.yaml"])
    except SettingsError as error:
        raise MediaError(f"{run.folder} is of another version of photovst ({error}); run it anew") from error
    settings = _from_here(settings, run.result)
    if hash_input(settings.content) != run.content_sha256:
        raise MediaError(f"{settings.content} is not the clip that {run.folder} was made from: it was changed since")
    return FinishedRun(run.folder, settings, run.result, run.result_sha256, run.content_sha256, run.provenance)


def recorded_run(place: Path) -> RecordedRun:
    """The same for a run whose content and settings need not be there any more.

    Raises:
        MediaError: there is no run, it is unfinished, or its result is gone or not the one it was.
    """
    folder = _folder(place)
    done, provenance = _json(folder / "finished.json"), _json(folder / PROVENANCE)
    if provenance is None:
        raise MediaError(f"{folder} is no run folder of photovst: it has no {PROVENANCE}; give one, or its result")
    if done is None:
        raise MediaError(f"{folder} is unfinished; go on with: {_command(provenance)}")
    try:
        result = Path(os.path.normpath(folder / done["result"]))
        recorded, content = done["sha256"], provenance["inputs"]["content"]
        run = RecordedRun(folder, result, recorded, content["path"], content["sha256"], provenance)
        if not all(isinstance(text, str) for text in (recorded, run.content, run.content_sha256)):
            raise TypeError("a path or hash is no text")
    except KeyError as error:
        raise MediaError(f"{folder} is of another version of photovst: it lacks {error}; run it anew") from error
    except TypeError as error:
        raise MediaError(f"{folder / PROVENANCE} or finished.json beside it is damaged; run it anew") from error
    if not result.exists():
        raise MediaError(f"{result} is gone, which {folder} wrote; run it anew with: {_command(provenance)}")
    if hash_input(result) != recorded:
        raise MediaError(f"{result} is not the clip that {folder} wrote: it was changed since; run it anew")
    return run


def is_run(place: Path) -> bool:
    """Whether a place is a run folder, finished or not."""
    return (place / PROVENANCE).is_file()


def evaluation_folder(result: Path) -> Path:
    """Where the evaluation of a clip lies that photovst did not make: ``NAME.eval`` beside it.

    That of a pattern is beside the folder its frames are in.
    """
    if not result.exists() and any(sign in result.name for sign in "*?["):
        result = result.parent if result.parent.name else result.absolute().parent
    # A clip may be gone since it was judged; its name still tells a file from a folder.
    file = result.is_file() or (not result.is_dir() and result.suffix.lower() in FILE_SUFFIXES)
    return result.with_name(f"{result.stem if file else result.name}.eval")


def _folder(place: Path) -> Path:
    if place.is_dir() and ((place / PROVENANCE).exists() or not default_run_folder(place).is_dir()):
        return place
    if not place.exists():
        raise MediaError(f"{place} does not exist; give a run folder, such as out.run, or the result of a run")
    folder = default_run_folder(place)
    if not folder.is_dir():
        raise MediaError(
            f"{place} has no run folder {folder}; give its run folder, or --reference CLIP if photovst did not make it"
        )
    return folder


def started_in(output: str, result: Path) -> list[Path]:
    """Folders that paths of a run may be relative to: this one, and where it was started, as its result's name tells.

    Args:
        output: the result as it was named there.
        result: where it lies, seen from here.
    """
    places = [Path()]
    named, whole = Path(output), result.resolve()
    if named.parts and not named.is_absolute() and whole.parts[-len(named.parts) :] == named.parts:
        places.append(Path(*whole.parts[: -len(named.parts)]))
    return places


def _from_here(settings: Settings, result: Path) -> Settings:
    """Settings whose content and photograph lead there; their paths were relative to where the run was started."""
    places = started_in(settings.output, result)
    content, style = (_found(given, places, result) for given in (settings.content, settings.style))
    return replace(settings, content=content, style=style)


def _found(given: str, places: list[Path], result: Path) -> str:
    for place in places:
        if _exists(place / given):
            return str(place / given)
    raise MediaError(f"{given} is gone, which the run of {result} was made from; put it back, or go where it was")


def _exists(path: Path) -> bool:
    return path.exists() or any(path.parent.glob(path.name))


def _command(provenance: Mapping[str, Any]) -> str:
    try:
        command = [str(word) for word in provenance["sessions"][-1]["command"]]
    except (LookupError, TypeError):
        command = []
    return shlex.join(["photovst", *command[1:]]) if len(command) > 1 else "the command it was started with"


def _json(path: Path) -> Any:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}); run it anew") from error
    except ValueError as error:
        raise MediaError(f"{path} is damaged; run it anew with --overwrite") from error
    return content if isinstance(content, dict) else {}
