"""What an evaluation found, as ``metrics.json`` holds it: figures with their protocols and the input's own. Torch-free.

It lies in a run's folder, or for a clip that photovst did not make in a folder of its own.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from photovst.errors import MediaError
from photovst.progress import json_bytes
from photovst.storage import write_atomic

METRICS = "metrics.json"
PICTURES = "metrics"
"""The folder beside it that holds its pictures."""

FORMAT = 1
"""Of the file; another one is not read."""


@dataclass(frozen=True)
class Metric:
    """One figure of a clip.

    Args:
        name: such as ``e_stab``, or ``style_gram.vgg19_cd16x`` where a network judges.
        protocol: the protocol's id with what it was measured by, such as ``e_stab, dis flow, 480x270``.
        value: of the result; None where nothing could be measured.
        floor: the same of the input clip.
        better: which way is better; ``floor`` where nearness to the input's figure is.
        absent: why there is no value.
    """

    name: str
    protocol: str
    value: float | None
    floor: float | None
    better: Literal["lower", "higher", "floor"]
    absent: str | None = None


@dataclass(frozen=True)
class WorstFrame:
    """A frame that follows its neighbor worst, and a picture of where; the path is relative to ``metrics.json``."""

    frame: int
    error: float
    picture: str


@dataclass(frozen=True)
class Evaluation:
    """Everything measured of one clip.

    ``size`` is ``(height, width)`` as judged. ``series`` has a value a frame, None where a frame has none, such as the
    first of a shot. ``made_by`` is the version and hash of photovst's own code; ``key`` is that of evaluations of
    the same clips by the same means.
    """

    name: str
    content: str
    result: str
    style: str | None
    content_sha256: str
    result_sha256: str
    frames: int
    size: tuple[int, int]
    flow: str
    regions: str | None
    metrics: tuple[Metric, ...]
    series: Mapping[str, list[float | None]] = field(default_factory=dict)
    worst: tuple[WorstFrame, ...] = ()
    made_by: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    def metric(self, name: str) -> Metric | None:
        """The figure of that name, or None."""
        return next((metric for metric in self.metrics if metric.name == name), None)


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write ``metrics.json`` into a folder, whole or not at all, and return its path.

    Raises:
        MediaError: a folder is in its place.
    """
    path = folder / METRICS
    if path.is_dir():
        raise MediaError(f"{path} is a folder where the figures are to be; move it away")
    write_atomic(path, json_bytes({"format": FORMAT, **dataclasses.asdict(evaluation)}))
    return path


def read_evaluation(folder: Path) -> Evaluation:
    """The evaluation that lies in a folder.

    Raises:
        MediaError: there is none, or it is not one this version reads.
    """
    path = folder / METRICS
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise MediaError(f"{folder} has no {METRICS}; 'photovst evaluate {folder}' writes it") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}); move it away and judge again") from error
    except ValueError as error:
        raise MediaError(f"{path} is damaged; 'photovst evaluate --overwrite {folder}' writes it anew") from error
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise MediaError(f"{path} is of another version of photovst; 'photovst evaluate {folder}' writes it anew")
    try:
        values["metrics"] = tuple(Metric(**each) for each in values["metrics"])
        values["worst"] = tuple(WorstFrame(**each) for each in values["worst"])
        height, width = map(int, values["size"])
        return _sound(Evaluation(**{**values, "size": (height, width)}))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MediaError(f"{path} is damaged; 'photovst evaluate --overwrite {folder}' writes it anew") from error


def _sound(evaluation: Evaluation) -> Evaluation:
    """The evaluation, if what is in it is of the kind it should be.

    Raises:
        ValueError: it is not.
    """
    figures = [figure for each in evaluation.metrics for figure in (each.value, each.floor)]
    figures += [figure for values in evaluation.series.values() for figure in values]
    figures += [
        evaluation.frames,
        *(each.error for each in evaluation.worst),
        *(each.frame for each in evaluation.worst),
    ]
    texts = [evaluation.name, evaluation.content, evaluation.result, evaluation.content_sha256, evaluation.flow]
    texts += [evaluation.result_sha256, evaluation.style or "", evaluation.regions or ""]
    texts += [
        text for each in evaluation.metrics for text in (each.name, each.protocol, each.better, each.absent or "")
    ]
    texts += [each.picture for each in evaluation.worst]
    numbers = all(figure is None or (isinstance(figure, int | float) and figure is not True) for figure in figures)
    if not (numbers and all(isinstance(text, str) for text in texts) and isinstance(evaluation.made_by, Mapping)):
        raise ValueError("a value is of the wrong kind")
    return evaluation


def known(value: Any) -> float | None:
    """A number, or None for what is none, as JSON has it."""
    return None if value is None or not math.isfinite(value) else float(value)
