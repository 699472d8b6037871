"""A finished run, or the evaluation of a clip made elsewhere, found again with its result and its clip. Torch-free."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photovst.errors import MediaError, SettingsError
from photovst.evaluation import METRICS, read_evaluation
from photovst.provenance import hash_input
from photovst.run import FILE_SUFFIXES, PROVENANCE, default_run_folder

FINISHED = "finished.json"


@dataclass(frozen=True)
class FinishedRun:
    """What is left of a run, or of an evaluation.

    Args:
        folder: the run's, or the evaluation's.
        name: short, for a table.
        result: the clip that came out; None where an evaluated one is gone.
        content: the clip that went in; None where it is gone or has changed.
        content_sha256: of the clip as it went in.
        notes: what is not there any more, a sentence each.
    """

    folder: Path
    name: str
    result: Path | None
    content: Path | None
    content_sha256: str
    notes: tuple[str, ...] = ()


def find_finished(given: Path) -> FinishedRun:
    """The finished run of a run folder or of a result, or the evaluation of an evaluated clip.

    Raises:
        SettingsError: there is none, it is not finished, or it cannot be read.
        MediaError: its result is gone or has changed, or its evaluation cannot be read.
    """
    folder = _folder_of(given)
    run = _run(folder) if (folder / PROVENANCE).exists() else _evaluated(folder)
    if folder != given and run.result is not None and not _same(run.result, given):
        raise SettingsError(f"{folder} belongs to {run.result}, not to {given}; give the run folder that {given} has")
    return run


def _folder_of(given: Path) -> Path:
    """The folder that is given, or that lies beside the clip that is given."""
    if given.is_dir() and any((given / name).exists() for name in (PROVENANCE, METRICS)):
        return given
    if given.name not in ("", ".."):
        stem = given.stem if given.suffix.lower() in FILE_SUFFIXES else given.name
        evaluations = (given.with_name(f"{name}.eval") for name in (stem, given.name))
        for folder in (default_run_folder(given), *evaluations):
            if any((folder / name).exists() for name in (PROVENANCE, METRICS)):
                return folder
    if not os.path.lexists(given):
        raise SettingsError(f"{given} does not exist; give a run folder, or a result that has one beside it")
    if given.is_dir():
        raise SettingsError(f"{given} holds no run of photovst; give a run folder, or a result that has one beside it")
    raise SettingsError(f"no run folder lies beside {given}; give the folder, such as the one that --run named")


def _run(folder: Path) -> FinishedRun:
    provenance = _read(folder / PROVENANCE)
    if not (folder / FINISHED).exists():
        raise SettingsError(
            f"the run in {folder} is not finished; finish it with: photovst run {folder / 'config.yaml'} --run {folder}"
        )
    finished = _read(folder / FINISHED)
    try:
        place, mark = str(finished["result"]), finished["sha256"]
        inputs = provenance["inputs"]["content"]
        content, content_mark = str(inputs["path"]), str(inputs["sha256"])
    except (KeyError, TypeError) as error:
        raise SettingsError(
            f"{folder} is of a version of photovst that this one does not read ({error} is missing); run it again"
        ) from error
    result = Path(os.path.normpath(folder / place))
    if not result.exists():
        raise MediaError(f"the result of {folder}, {result}, is gone; run it again, or put the clip back")
    if hash_input(result) != mark:
        raise MediaError(f"{result} has changed since {folder} was finished; run it again, or put the clip back")
    found, notes = _found("clip", content, content_mark, [folder, *_starts(folder, result)])
    return FinishedRun(folder, _name(folder), result, found, content_mark, notes)


def _evaluated(folder: Path) -> FinishedRun:
    evaluation = read_evaluation(folder)
    starts = [folder.absolute().parent]
    result, missing = _found("result", evaluation.result, evaluation.result_sha256, starts)
    content, notes = _found("clip", evaluation.content, evaluation.content_sha256, starts)
    return FinishedRun(folder, _name(folder), result, content, evaluation.content_sha256, (*missing, *notes))


def _found(what: str, name: str, mark: str, starts: list[Path]) -> tuple[Path | None, tuple[str, ...]]:
    """Something that went in, where it was, as it was; else nothing, and why."""
    # As it was named, from here; from where the run was started; beside the folder that tells of it.
    places = [Path(name), *(start / name for start in starts), *(start / Path(name).name for start in starts)]
    changed = None
    for place in dict.fromkeys(places):
        try:
            if hash_input(place) == mark:
                return place, ()
            changed = place
        except (MediaError, OSError):
            continue
    if changed is not None:
        return None, (f"The {what} {changed} has changed since: it is not shown.",)
    return None, (f"The {what} {name} is gone from where it was: it is not shown.",)


def _starts(folder: Path, result: Path) -> Iterator[Path]:
    """Where the run was started, as far as that follows from its result's name there and its place here."""
    import yaml

    yield folder.absolute().parent
    yield result.absolute().parent
    try:
        output = Path(str(yaml.safe_load((folder / "config.yaml").read_bytes())["output"]))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return
    place = Path(os.path.abspath(result))
    if not output.is_absolute() and place.parts[-len(output.parts) :] == output.parts:
        yield Path(*place.parts[: -len(output.parts)])


def _same(one: Path, other: Path) -> bool:
    return not other.exists() or other.samefile(one)


def _name(folder: Path) -> str:
    return Path(os.path.abspath(folder)).name.removesuffix(".run").removesuffix(".eval")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise SettingsError(f"{path} is damaged; run it again") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} is damaged; run it again")
    return content
