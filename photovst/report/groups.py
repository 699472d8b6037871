"""Runs side by side: those of one clip together, their figures in one table, the settings in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from photovst.evaluation import Metric
from photovst.report.charts import Chart, charts_of
from photovst.report.subject import Subject, hash_name

NOT_COMPARED = ("output", "cache.folder", "cache.enabled", "cache.limit_mb")
"""Settings that say nothing about the result."""

UNKNOWN = "-"
"""Stands for a setting of a clip that photovst did not make."""

BETTER = {"lower": "lower is better", "higher": "higher is better", "floor": "nearer to the clip's is better"}


class Cell(NamedTuple):
    """A run's figure as text, empty where there is none; the clip's own where runs differ in it; whether it is best."""

    text: str
    floor: str = ""
    best: bool = False


class MetricRow(NamedTuple):
    """A metric by one protocol: the clip's own figure, each run's, and why one is absent."""

    name: str
    protocol: str
    better: str
    floor: str
    cells: list[Cell]
    absent: str


class SettingRow(NamedTuple):
    """A setting in which runs differ, and what it is in each; ``common`` where most have the same."""

    name: str
    values: list[tuple[str, bool]]


@dataclass(frozen=True)
class Group:
    """The runs of one clip, with their places among all runs of the page."""

    content: str
    subjects: tuple[Subject, ...]
    places: tuple[int, ...]

    @property
    def mark(self) -> str:
        """Tells its clip from others."""
        return self.subjects[0].content_mark

    @property
    def names(self) -> list[str]:
        """What its results are called; the only one needs no name."""
        return ["Result"] if len(self.subjects) == 1 else [subject.name for subject in self.subjects]

    @property
    def frames(self) -> list[int]:
        """The frames that are shown of any of its runs."""
        return sorted({each.frame for subject in self.subjects for each in subject.shown.frames})

    def pictures(self, frame: int) -> list[tuple[int, str, bytes]]:
        """A frame of the clip, as run -1, and of each result, as its run's place: with its name, where there is one."""
        shown = [next((each for each in s.shown.frames if each.frame == frame), None) for s in self.subjects]
        content = next((each.content for each in shown if each is not None and each.content), None)
        results = zip(self.places, self.names, shown, strict=True)
        found = [(place, name, each.result) for place, name, each in results if each is not None]
        return [(place, name, data) for place, name, data in [(-1, "Clip", content), *found] if data is not None]

    @property
    def metrics(self) -> list[MetricRow]:
        """The table of figures."""
        return metric_rows(self.subjects)

    @property
    def charts(self) -> list[Chart]:
        """Losses by frame, a line a run."""
        return charts_of([(subject.name, subject.losses) for subject in self.subjects])

    @property
    def measured(self) -> list[Chart]:
        """What was measured of each frame, a line a run."""
        return charts_of([(subject.name, subject.series) for subject in self.subjects])


def grouped(subjects: Sequence[Subject]) -> list[Group]:
    """Runs of the same clip together, in the order in which they come."""
    by_clip: dict[str, list[int]] = {}
    for place, subject in enumerate(subjects):
        by_clip.setdefault(subject.content_mark, []).append(place)
    return [
        Group(subjects[places[0]].content, tuple(subjects[place] for place in places), tuple(places))
        for places in by_clip.values()
    ]


def metric_rows(subjects: Sequence[Subject]) -> list[MetricRow]:
    """A row for each metric and protocol that any of the runs was measured by."""
    measured = [
        {(metric.name, metric.protocol): metric for metric in subject.evaluation.metrics} if subject.evaluation else {}
        for subject in subjects
    ]
    rows = []
    keys = dict.fromkeys(key for metrics in measured for key in metrics)
    names = list(dict.fromkeys(name for name, _ in keys))
    for key in sorted(keys, key=lambda key: names.index(key[0])):  # a metric by other protocols right below it
        metrics = [each.get(key) for each in measured]
        there = [metric for metric in metrics if metric is not None]
        floors = {number_text(metric.floor) for metric in there}
        best = _best(there) if len(subjects) > 1 else None
        cells = []
        for metric in metrics:
            if metric is None or metric.value is None:
                cells.append(Cell(""))
            else:
                own = number_text(metric.floor) if len(floors) > 1 else ""
                cells.append(Cell(number_text(metric.value), own, best is not None and _distance(metric) == best))
        floor = floors.pop() if len(floors) == 1 else ""
        reasons = dict.fromkeys(m.absent or "could not be measured" for m in there if m.value is None)
        rows.append(MetricRow(*key, BETTER.get(there[0].better, ""), floor, cells, "; ".join(reasons)))
    return rows


def differing(subjects: Sequence[Subject]) -> list[SettingRow]:
    """Settings, versions and inputs that are not the same in all runs whose settings are known."""
    known = [subject.settings for subject in subjects if subject.settings]
    rows = []
    for name in dict.fromkeys(name for settings in known for name in settings):
        # Where an input lay says nothing: its hash has a row of its own.
        if name in NOT_COMPARED or any(hash_name(name) in settings for settings in known):
            continue
        values = [_value(settings, name) for settings in known]
        if len(set(values)) == 1:
            continue
        commonest = max(values, key=values.count)
        usual = values.count(commonest) > len(values) / 2
        shown = [_value(subject.settings, name) if subject.settings else UNKNOWN for subject in subjects]
        rows.append(SettingRow(name, [(text, text == UNKNOWN or (usual and text == commonest)) for text in shown]))
    return rows


def unique_names(folders: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Names that tell runs apart: with as many of the folders above as that takes."""
    named = list(names)
    above = [folder.absolute().parts[1:-1] for folder in folders]
    for depth in range(1, max(map(len, above), default=0) + 1):
        alike = {name for name in named if named.count(name) > 1}
        named = [
            "/".join((*parts[-depth:], name)) if former in alike else former
            for former, parts, name in zip(named, above, names, strict=True)
        ]
    return named


def number_text(value: float | None) -> str:
    """Four digits of a figure; nothing where there is none."""
    return "" if value is None else f"{value:.4g}"


def _value(settings: Mapping[str, Any], name: str) -> str:
    return "absent" if name not in settings else "not set" if settings[name] is None else str(settings[name])


def _distance(metric: Metric) -> float | None:
    """Smaller is better; None where that cannot be told."""
    if metric.value is None:
        return None
    if metric.better == "floor":
        return None if metric.floor is None else abs(metric.value - metric.floor)
    return metric.value if metric.better == "lower" else -metric.value


def _best(metrics: Sequence[Metric]) -> float | None:
    distances = [distance for metric in metrics if (distance := _distance(metric)) is not None]
    return min(distances) if len(distances) > 1 and len(set(distances)) > 1 else None
