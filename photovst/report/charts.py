"""Lines over frames, in the units of an SVG: axes with round numbers, a line a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

WIDTH, HEIGHT = 420, 170
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 34
MOST_POINTS = 120
"""Points with a label of their own in one chart; where there are more, there are lines alone."""

MOST_PLACES = 400
"""Places along a line; of a longer one each stretch keeps its lowest and its highest value."""

Values = Sequence[tuple[int, float | None]]
"""``(frame, value)``, None where there is none."""


FLOOR = -1
"""The number of the line of the clip itself."""


class Tick(NamedTuple):
    """A labelled place on an axis, in SVG units."""

    at: float
    label: str


class Line(NamedTuple):
    """One run's values: ``number`` chooses its color; points are labelled."""

    name: str
    number: int
    segments: list[list[tuple[float, float]]]
    points: list[tuple[float, float, str]]
    latest: str


class Chart(NamedTuple):
    """Lines over frames in SVG units, with their axes."""

    name: str
    lines: list[Line]
    across: list[Tick]
    up: list[Tick]


def loss_series(records: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    """The weighted total by frame, then each unweighted term; of the last pass."""
    last = max((record.get("pass", 0) for record in records), default=0)
    records = [record for record in records if record.get("pass", 0) == last]
    terms = dict.fromkeys(name for record in records for name in record.get("terms", {}))
    series: dict[str, Values] = {"loss": [(r["frame"], r.get("loss")) for r in records]} if records else {}
    return series | {name: [(r["frame"], r.get("terms", {}).get(name)) for r in records] for name in terms}


def charts_of(runs: Sequence[tuple[str, Mapping[str, Values]]]) -> list[Chart]:
    """A chart a name, with a line for each run that has values under it.

    Values under ``NAME.floor`` are the clip's own: the first run's make a line in the chart of ``NAME``.
    """
    floors = [name for name in dict.fromkeys(name for _, series in runs for name in series) if name.endswith(".floor")]
    own = {name.removesuffix(".floor"): next(s[name] for _, s in runs if name in s) for name in floors}
    runs = [(run, {name: values for name, values in s.items() if name not in floors}) for run, s in runs]
    names = dict.fromkeys(name for _, series in runs for name in series)
    charts = []
    for name in names:
        lines = {number: (run, series[name]) for number, (run, series) in enumerate(runs) if name in series}
        with_values = {n: (run, values) for n, (run, values) in lines.items() if any(is_known(v) for _, v in values)}
        if with_values:
            if name in own:
                with_values[FLOOR] = ("clip itself", own[name])
            charts.append(line_chart(name, with_values))
    return charts


def line_chart(name: str, runs: Mapping[int, tuple[str, Values]]) -> Chart:
    """Lines through each run's values, by its number, broken where one is absent; the axis holds zero."""
    known = [value for _, values in runs.values() for _, value in values if value is not None and is_known(value)]
    frames = [frame for _, values in runs.values() for frame, _ in values]
    up = nice_ticks(min(0.0, *known), max(0.0, *known), 4)
    first, last = min(frames), max(frames)
    across = [t for t in nice_ticks(first, last, 6) if t == round(t) and first <= t <= last]
    labelled = len(known) <= MOST_POINTS

    def x(frame: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (frame - first) / max(last - first, 1), 2)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - up[0]) / (up[-1] - up[0]), 2)

    lines = []
    for number, (run, values) in runs.items():
        of_run = f"{run}, " if len(runs) > 1 else ""
        segments: list[list[tuple[float, float]]] = [[]]
        points, latest = [], math.nan
        for frame, value in thinned(values):
            if value is None or not is_known(value):
                segments.append([])
                continue
            latest = value
            segments[-1].append((x(frame), y(value)))
            if labelled:
                points.append((x(frame), y(value), f"{of_run}frame {frame}: {value:.4g}"))
        lines.append(Line(run, number, [segment for segment in segments if segment], points, f"{latest:.4g}"))
    return Chart(
        name,
        lines,
        [Tick(x(t), f"{t:g}") for t in across],
        [Tick(y(t), _tick_label(t, up[1] - up[0])) for t in up],
    )


def thinned(values: Values, most: int = MOST_PLACES) -> Values:
    """A long line as its extremes: the lowest and highest of each stretch, in order, and its first and last place."""
    if len(values) <= most:
        return values
    stretches = most // 2
    bounds = [round(i * len(values) / stretches) for i in range(stretches + 1)]
    kept = {0, len(values) - 1}
    for start, stop in pairwise(bounds):
        places = [i for i in range(start, stop) if is_known(values[i][1])] or [start]
        kept |= {min(places, key=lambda i: values[i][1] or 0.0), max(places, key=lambda i: values[i][1] or 0.0)}
    return [values[i] for i in sorted(kept)]


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About ``count`` round numbers, evenly spaced, from at most ``low`` to at least ``high``.

    >>> nice_ticks(0, 0.23, 4)
    [0.0, 0.1, 0.2, 0.3]
    """
    span = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / count))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude * count >= span * (1 - 1e-9))
    start, stop = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(start, max(stop, start + 1) + 1)]


def is_known(value: object) -> bool:
    """Whether a value is a number that can be drawn."""
    return isinstance(value, int | float) and math.isfinite(value)


def _tick_label(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if value == 0:
        return "0"
    return f"{value:.{decimals}f}" if decimals <= 5 and abs(value) < 1e6 else f"{value:.3g}"
