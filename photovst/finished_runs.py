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
from photovst.run import PROVENANCE, default_run_folder
from photovst.settings_io import load_settings


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
    folder = _folder(place)
    done, provenance = _json(folder / "finished.json"), _json(folder / PROVENANCE)
    if provenance is None:
        raise MediaError(f"{folder} is no run folder of photovst: it has no {PROVENANCE}; give one, or its result")
    if done is None:
        raise MediaError(f"{folder} is unfinished; go on with: {_command(provenance)}")
    try:
        result = Path(os.path.normpath(folder / done["result"]))
        recorded, inputs = done["sha256"], provenance["inputs"]
        content_sha256 = inputs["content"]["sha256"]
        settings = load_settings([folder / "config.yaml"])
    except (KeyError, TypeError) as error:
        raise MediaError(f"{folder} is of another version of photovst: it lacks {error}; run it anew") from error
    except SettingsError as error:
        raise MediaError(f"{folder} is of another version of photovst ({error}); run it anew") from error
    if not result.exists():
        raise MediaError(f"{result} is gone, which {folder} wrote; run it anew with: {_command(provenance)}")
    if hash_input(result) != recorded:
        raise MediaError(f"{result} is not the clip that {folder} wrote: it was changed since; run it anew")
    settings = _from_here(settings, result)
    if hash_input(settings.content) != content_sha256:
        raise MediaError(f"{settings.content} is not the clip that {folder} was made from: it was changed since")
    return FinishedRun(folder, settings, result, recorded, content_sha256, provenance)


def is_run(place: Path) -> bool:
    """Whether a place is a run folder, finished or not."""
    return (place / PROVENANCE).is_file()


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


def _from_here(settings: Settings, result: Path) -> Settings:
    """Settings whose content and photograph lead there; their paths were relative to where the run was started."""
    places = [Path()]
    output, whole = Path(settings.output), result.resolve()
    if not output.is_absolute() and whole.parts[-len(output.parts) :] == output.parts:
        places.append(Path(*whole.parts[: -len(output.parts)]))
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
    sessions = provenance.get("sessions") or [{}]
    command = sessions[-1].get("command") or ["the command it was started with"]
    return shlex.join(["photovst", *command[1:]]) if len(command) > 1 else command[0]


def _json(path: Path) -> Any:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise MediaError(f"{path} is damaged; run it anew with --overwrite") from error
    return content if isinstance(content, dict) else {}
