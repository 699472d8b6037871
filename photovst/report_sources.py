"""What a report is made from: a finished run, or the evaluation of a clip made elsewhere, and its clips. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from photovst.errors import MediaError
from photovst.evaluation import METRICS, read_evaluation
from photovst.finished_runs import evaluation_folder, is_run, recorded_run, started_in
from photovst.provenance import hash_input
from photovst.run import default_run_folder


@dataclass(frozen=True)
class ReportSource:
    """What is left of a run, or of an evaluation.

    Args:
        folder: the run's, or the evaluation's.
        name: short, for a table.
        result: the clip that came out; None where an evaluated one is gone or has changed.
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


def find_source(given: Path) -> ReportSource:
    """The finished run of a run folder or of a result, or the evaluation of a clip that photovst did not make.

    Raises:
        MediaError: there is none, it is unfinished, its result is gone or has changed, or it cannot be read.
    """
    evaluated = _evaluation_of(given)
    return _of_run(given) if evaluated is None else _of_evaluation(evaluated)


def _evaluation_of(given: Path) -> Path | None:
    """The folder of an evaluation that is given, or lies beside the clip that is given; None where a run's does."""
    if given.is_dir() and not is_run(given) and (given / METRICS).exists():
        return given
    if is_run(given) or given.name in ("", "..") or is_run(default_run_folder(given)):
        return None
    beside = evaluation_folder(given)
    return beside if (beside / METRICS).exists() else None


def _of_run(given: Path) -> ReportSource:
    run = recorded_run(given)
    if run.folder != given and not run.result.samefile(given):
        raise MediaError(f"{run.folder} belongs to {run.result}, not to {given}; give the run folder of {given}")
    starts = started_in(_output(run.folder / "config.yaml"), run.result)
    content, notes = _found("clip", run.content, run.content_sha256, [*starts, run.result.absolute().parent])
    return ReportSource(run.folder, _name(run.folder), run.result, content, run.content_sha256, notes)


def _of_evaluation(folder: Path) -> ReportSource:
    evaluation = read_evaluation(folder)
    starts = [Path(), folder.absolute().parent]
    result, missing = _found("result", evaluation.result, evaluation.result_sha256, starts)
    content, notes = _found("clip", evaluation.content, evaluation.content_sha256, starts)
    return ReportSource(folder, _name(folder), result, content, evaluation.content_sha256, (*missing, *notes))


def _found(what: str, name: str, mark: str, starts: Sequence[Path]) -> tuple[Path | None, tuple[str, ...]]:
    """A clip as it was, from one of the places its name may be relative to, or there by its bare name; or why not."""
    changed = None
    for place in dict.fromkeys((*(start / name for start in starts), *(start / Path(name).name for start in starts))):
        try:
            if hash_input(place) == mark:
                return place, ()
            changed = place
        except (MediaError, OSError):
            continue
    if changed is not None:
        return None, (f"The {what} {changed} has changed since: it is not shown.",)
    return None, (f"The {what} {name} is gone from where it was: it is not shown.",)


def _output(config: Path) -> str:
    """The result's name in a config of any version; empty where it cannot be read."""
    try:
        return str(yaml.safe_load(config.read_bytes())["output"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return ""


def _name(folder: Path) -> str:
    return Path(os.path.abspath(folder)).name.removesuffix(".run").removesuffix(".eval")
