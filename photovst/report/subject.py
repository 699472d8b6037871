"""What a report shows of one run, read from its folder; what is not there is said, and nothing fails for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from photovst.errors import MediaError
from photovst.evaluation import METRICS, Evaluation, read_evaluation
from photovst.provenance import flatten
from photovst.report.charts import Values, is_known, loss_series
from photovst.report.licences import Licence, licences_of
from photovst.run import PROVENANCE, read_records
from photovst.shown import Shown, ShownPhoto, clip_name, picture_in, read_shown

logger = logging.getLogger(__name__)

KEYFRAMES = "schedule.keyframes.kind"
"""The setting that says whether only some frames were stylized."""

MOST_WORST = 4
"""Worst frames shown of a run."""


@dataclass(frozen=True)
class Subject:
    """One run in a report.

    Args:
        name: short, and the only one of its kind on the page.
        folder: where it was read from.
        title: what was done to what.
        content: the name of the clip.
        content_mark: tells whether two runs have the same clip.
        result: the name of the result.
        shown: its pictures.
        photo: the name of the photograph.
        settings: by dotted name, with device, version and inputs; empty where they cannot be read.
        config: ``config.yaml`` as it is.
        provenance: ``provenance.json`` as it is.
        sessions: each start of the run.
        losses: by frame.
        evaluation: what was measured; None where nothing was.
        unmeasured: why not.
        worst: heat maps of the worst frames.
        seconds: by stage.
        figures: a few numbers for the head of the page.
        warnings: that were given.
        licences: of the weights used.
        notes: what is not there.
    """

    name: str
    folder: Path
    title: str
    content: str
    content_mark: str
    result: str
    shown: Shown
    photo: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    provenance: str = ""
    sessions: Sequence[Mapping[str, Any]] = ()
    losses: Mapping[str, Values] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    unmeasured: str = ""
    worst: tuple[ShownPhoto, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    figures: Sequence[tuple[str, str]] = ()
    warnings: tuple[str, ...] = ()
    licences: Sequence[Licence] = ()
    notes: tuple[str, ...] = ()

    @property
    def series(self) -> dict[str, Values]:
        """What was measured of each frame."""
        return {} if self.evaluation is None else {n: list(enumerate(v)) for n, v in self.evaluation.series.items()}


def read_subject(folder: Path, name: str, result: Path | None, notes: Sequence[str] = ()) -> Subject:
    """What a run's folder, or an evaluation's, tells of it."""
    evaluation, unmeasured = _evaluation(folder)
    provenance = _provenance(folder)
    config = _text(folder / "config.yaml")
    settings = _settings(config)
    inputs = provenance.get("inputs") or {}
    content = (inputs.get("content") or {}).get("path") or (evaluation.content if evaluation else "")
    mark = (inputs.get("content") or {}).get("sha256") or (evaluation.content_sha256 if evaluation else "")
    told = [*notes]
    shown = read_shown(folder)
    if shown is None:
        told.append("No pictures of regions were kept in this folder.")
        shown = Shown()
    records = read_records(folder)
    seconds, warnings = read_log(folder / "log.jsonl")
    seconds = seconds or dict(shown.seconds)
    of_style = (inputs.get("style") or {}).get("path") or settings.get("style") or (evaluation and evaluation.style)
    style = Path(str(of_style)).name if of_style else ""
    clip = clip_name(content)
    title = shown.title or (f"{clip} in the light of {style}" if style else name)
    return Subject(
        name=name,
        folder=folder,
        title=title,
        content=clip,
        content_mark=mark,
        result=result.name if result is not None else Path(evaluation.result).name if evaluation else "",
        shown=shown,
        photo=style,
        settings=settings | _circumstances(provenance) if settings else {},
        config=config,
        provenance=_text(folder / PROVENANCE),
        sessions=[each for each in provenance.get("sessions") or () if isinstance(each, dict)],
        losses=loss_series(records),
        evaluation=evaluation,
        unmeasured=unmeasured,
        worst=_worst(folder, evaluation),
        seconds=seconds,
        figures=_figures(records, seconds, str(settings.get(KEYFRAMES, "none"))),
        warnings=tuple(dict.fromkeys((*shown.warnings, *warnings))),
        licences=licences_of(settings, evaluation),
        notes=tuple(told),
    )


def read_log(path: Path) -> tuple[dict[str, float], list[str]]:
    """Seconds of each stage over all sessions, and warnings, from ``log.jsonl``; damaged lines are left out."""
    seconds: dict[str, float] = {}
    warnings: list[str] = []
    stage, since = None, 0.0
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            event = json.loads(line)
            kind, elapsed = event["event"], event.get("elapsed")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if kind == "started" or kind == "resumed":
            stage = None  # a session that was stopped ended with the last event before this one
        if kind == "warning":
            warnings.append(str(event.get("message")))
        if not is_known(elapsed):
            continue
        if stage is not None:
            seconds[stage] = seconds.get(stage, 0.0) + max(elapsed - since, 0.0)
        since = elapsed
        stage = str(event.get("name")) if kind == "stage" else None if kind == "done" else stage
        if stage is not None:
            seconds.setdefault(stage, 0.0)
    return seconds, warnings


def _evaluation(folder: Path) -> tuple[Evaluation | None, str]:
    if not (folder / METRICS).exists():
        return None, f"Nothing was measured yet: 'photovst evaluate {folder}' does it; 'photovst report' then shows it."
    try:
        evaluation = read_evaluation(folder)
    except MediaError as error:
        return None, f"{error}."
    written = _json(folder / "finished.json").get("sha256", evaluation.result_sha256)
    if written != evaluation.result_sha256:
        return None, f"{METRICS} is of another result: 'photovst evaluate {folder}' measures this one."
    return evaluation, ""


def _worst(folder: Path, evaluation: Evaluation | None) -> tuple[ShownPhoto, ...]:
    worst = () if evaluation is None else evaluation.worst[:MOST_WORST]
    pictures = [(each, picture_in(folder, each.picture)) for each in worst]
    return tuple(ShownPhoto(f"frame {w.frame}: {w.error:.4g}", data) for w, data in pictures if data is not None)


def _circumstances(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What is not among the settings and still may make two runs differ."""
    code = provenance.get("photovst") or {}
    found = {"device in use": provenance.get("device"), "photovst": code.get("version")}
    found["photovst's own code"] = str(code.get("sha256", ""))[:12]
    for name, entry in (provenance.get("inputs") or {}).items():
        found[hash_name(name)] = str((entry or {}).get("sha256", ""))[:12]
    return found


def hash_name(setting: str) -> str:
    """What the hash of an input is called among the settings."""
    return f"{setting}, SHA-256"


def _figures(
    records: Sequence[Mapping[str, Any]], seconds: Mapping[str, float], keyframes: str
) -> list[tuple[str, str]]:
    frames = len({r["frame"] for r in records})  # a frame has a record a pass
    what = "frame" if keyframes == "none" else "keyframe"
    figures = [(f"{what}s", str(frames))] if records else []
    spent = [sum(r["seconds"].values()) for r in records if r.get("seconds")]
    if spent:
        figures.append((f"seconds a {what}, mean", f"{sum(spent) / frames:.3g}"))
    network = [r["seconds"]["network"] for r in records if (r.get("seconds") or {}).get("network")]
    if network:
        alone = f"{len(network) / sum(network):.4g}"
        # Network and all else overlap where there are threads for it: what counts in all is the sum as recorded, where
        # decoding and encoding are in it.
        if all("decode and encode" in r["seconds"] for r in records if r.get("seconds")):
            whole = f"{len(spent) / sum(spent):.4g}"
            figures.append(("frames a second, network alone and end to end", f"{alone}, {whole}"))
        else:
            figures.append(("frames a second, network alone", alone))
    iterations = [r["iterations"] for r in records if is_known(r.get("iterations"))]
    if iterations:
        figures.append((f"iterations a {what}, mean", f"{sum(iterations) / frames:.3g}"))
    losses = [r["loss"] for r in records if is_known(r.get("loss"))]
    if losses:
        figures.append(("loss, mean", f"{sum(losses) / len(losses):.4g}"))
    if seconds:
        figures.append(("whole run", seconds_text(sum(seconds.values()))))
    return figures


def seconds_text(value: float) -> str:
    """Seconds as a person reads them."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{value:.2f} s"


def _settings(config: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(config)
    except (yaml.YAMLError, ValueError):
        logger.warning("config.yaml cannot be read as YAML; its settings are shown as they are")
        return {}
    return flatten(values) if isinstance(values, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _provenance(folder: Path) -> dict[str, Any]:
    """``provenance.json`` without what is not of the kind it should be."""
    found = _json(folder / PROVENANCE)
    for name, kind in (("inputs", dict), ("photovst", dict), ("sessions", list)):
        if not isinstance(found.get(name), kind):
            found.pop(name, None)
    if "inputs" in found:
        found["inputs"] = {name: entry for name, entry in found["inputs"].items() if isinstance(entry, dict)}
    return found


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="backslashreplace") if path.is_file() else ""
