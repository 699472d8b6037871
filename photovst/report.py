"""``report.html``: one self-contained page of what a run was asked, what came out, and what it cost."""

from __future__ import annotations

import base64
import json
import math
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from photovst.run import read_records
from photovst.storage import write_atomic

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
CHART_WIDTH, CHART_HEIGHT = 420, 170
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 34


class Picture(NamedTuple):
    """A PNG or JPEG, as its file's bytes, and what is said below it."""

    caption: str
    data: bytes


class Pair(NamedTuple):
    """A frame of the clip and of the result, as PNG or JPEG bytes."""

    caption: str
    content: bytes
    result: bytes


class CoverageRow(NamedTuple):
    """What became of something in the picture: its share of clip and photograph, in [0, 1], what it takes its style
    from and why, and the ``#rrggbb`` of its region in the overlays."""

    name: str
    clip: float
    photo: float
    mapped_to: str
    why: str
    color: str | None = None


class Tick(NamedTuple):
    """A labelled place on an axis, in SVG units."""

    at: float
    label: str


class Chart(NamedTuple):
    """A line over frames in SVG units, with its axes."""

    name: str
    segments: list[list[tuple[float, float]]]
    points: list[tuple[float, float, str]]
    across: list[Tick]
    up: list[Tick]
    latest: str


def write_report(
    folder: Path,
    *,
    title: str,
    result: Path,
    style: Picture,
    pairs: Sequence[Pair] = (),
    overlays: Sequence[Picture] = (),
    coverage: Sequence[CoverageRow] = (),
    seconds: Mapping[str, float] | None = None,
    warnings: Sequence[str] = (),
) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    The loss charts, the settings and the provenance are read from the folder. The result is linked by a
    relative path; every other picture is in the page.

    Raises:
        ValueError: a picture is neither PNG nor JPEG.
    """
    records = read_records(folder)
    seconds = dict(seconds or {})
    relative = os.path.relpath(Path(result).resolve(), folder.resolve())
    suffix = Path(result).suffix.lower()
    shown_as = "video" if suffix in VIDEO_SUFFIXES else "picture" if suffix in PICTURE_SUFFIXES else "link"
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(uri=data_uri, percent=_percent, seconds=_seconds, shell=shlex.join)
    page = environment.get_template("report.html.j2").render(
        title=title,
        result={"path": relative, "url": quote(os.fsencode(relative)), "shown_as": shown_as},
        style=style,
        pairs=pairs,
        overlays=overlays,
        coverage=coverage,
        charts=loss_charts(records),
        size={
            "width": CHART_WIDTH,
            "height": CHART_HEIGHT,
            "left": LEFT,
            "bottom": CHART_HEIGHT - BOTTOM,
            "top": TOP,
        },
        figures=_figures(records, seconds),
        seconds=seconds,
        whole=sum(seconds.values()),
        config=_text(folder / "config.yaml"),
        provenance=_text(folder / "provenance.json"),
        sessions=_sessions(folder / "provenance.json"),
        warnings=warnings,
    )
    path = folder / "report.html"
    write_atomic(path, page.encode(errors="backslashreplace"))
    return path


def loss_charts(records: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """A chart of the weighted total, then one of each unweighted term, over frames; of the last pass."""
    last = max((record.get("pass", 0) for record in records), default=0)
    records = [record for record in records if record.get("pass", 0) == last]
    if not records:
        return []
    terms = dict.fromkeys(name for record in records for name in record.get("terms", {}))
    series = {"loss": [(r["frame"], r.get("loss")) for r in records]}
    series |= {name: [(r["frame"], r.get("terms", {}).get(name)) for r in records] for name in terms}
    return [line_chart(name, values) for name, values in series.items() if any(_known(v) for _, v in values)]


def line_chart(name: str, values: Sequence[tuple[int, float | None]]) -> Chart:
    """A line through ``(frame, value)``, broken where a value is absent; the axis holds zero."""
    known = [value for _, value in values if value is not None and math.isfinite(value)]
    up = nice_ticks(min(0.0, *known), max(0.0, *known), 4)
    first, last = values[0][0], values[-1][0]
    across = [t for t in nice_ticks(first, last, 6) if t == round(t) and first <= t <= last]

    def x(frame: float) -> float:
        return round(LEFT + (CHART_WIDTH - LEFT - RIGHT) * (frame - first) / max(last - first, 1), 2)

    def y(value: float) -> float:
        return round(CHART_HEIGHT - BOTTOM - (CHART_HEIGHT - TOP - BOTTOM) * (value - up[0]) / (up[-1] - up[0]), 2)

    segments: list[list[tuple[float, float]]] = [[]]
    points = []
    for frame, value in values:
        if value is None or not math.isfinite(value):
            segments.append([])
            continue
        segments[-1].append((x(frame), y(value)))
        points.append((x(frame), y(value), f"frame {frame}: {value:.4g}"))
    return Chart(
        name,
        [segment for segment in segments if segment],
        points,
        [Tick(x(t), f"{t:g}") for t in across],
        [Tick(y(t), _tick_label(t, up[1] - up[0])) for t in up],
        f"{known[-1]:.4g}",
    )


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


def data_uri(data: bytes) -> str:
    """PNG or JPEG bytes as an address that needs no file.

    Raises:
        ValueError: neither.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind = "png"
    elif data.startswith(b"\xff\xd8\xff"):
        kind = "jpeg"
    else:
        raise ValueError(f"a report's pictures are PNG or JPEG bytes, but these begin with {data[:4]!r}")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _tick_label(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if value == 0:
        return "0"
    return f"{value:.{decimals}f}" if decimals <= 5 and abs(value) < 1e6 else f"{value:.3g}"


def _figures(records: Sequence[Mapping[str, Any]], seconds: Mapping[str, float]) -> list[tuple[str, str]]:
    frames = len({r["frame"] for r in records})  # a frame has a record a pass
    figures = [("frames", str(frames))] if records else []
    spent = [sum(r["seconds"].values()) for r in records if r.get("seconds")]
    if spent:
        figures.append(("seconds a frame, mean", f"{sum(spent) / frames:.3g}"))
    iterations = [r["iterations"] for r in records if _known(r.get("iterations"))]
    if iterations:
        figures.append(("iterations a frame, mean", f"{sum(iterations) / frames:.3g}"))
    losses = [r["loss"] for r in records if _known(r.get("loss"))]
    if losses:
        figures.append(("loss, mean", f"{sum(losses) / len(losses):.4g}"))
    if seconds:
        figures.append(("whole run", _seconds(sum(seconds.values()))))
    return figures


def _sessions(path: Path) -> list[Mapping[str, Any]]:
    return list(json.loads(path.read_bytes()).get("sessions", [])) if path.exists() else []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _known(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _seconds(value: float) -> str:
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{value:.2f} s"
