"""Trade-offs of a sweep, drawn by matplotlib without its global state."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from photovst.evaluation import Metric
from photovst.sweeps.settings import Sweep
from photovst.sweeps.table import ARROWS, Cell, Outcome, Table, metrics_of, tables

AGAINST = {"ssim_edge": "edge", "e_warp": "warp"}
"""What style is drawn against: beginnings of metrics' names, and the names of the files."""

STYLE = ("style_gram.vgg19_cd16x", "style_gram")
"""The judge of style that is drawn: the first of these beginnings that some member has."""

FAR = 1.0
"""How far off the points, in widths of their panel, a floor is drawn at its place."""

DPI = 100


def plots(sweep: Sweep, outcomes: Sequence[Outcome]) -> dict[str, bytes]:
    """PNG pictures by file name: style against edges and against warping error, over all and by clip.

    What nothing was measured of has no plot.
    """
    metrics = metrics_of(outcomes)
    style = _found(metrics, STYLE)
    pictures = {}
    if style is None:
        return {}
    for begin, short in AGAINST.items():
        other = _found(metrics, (begin,))
        if other is None:
            continue
        drawn = [(table, panel) for table in tables(sweep, outcomes) if (panel := list(_points(table, style, other)))]
        if any(len(panel) > 1 or panel[0][0] != "input" for _, panel in drawn):
            pictures[f"style_{short}.png"] = _drawn(drawn, metrics[style], metrics[other])
    return pictures


def _found(metrics: Mapping[str, Metric], beginnings: Sequence[str]) -> str | None:
    names = (name for begin in beginnings for name in metrics if name.startswith(begin))
    return next(names, None)


def _points(table: Table, x: str, y: str) -> Iterator[tuple[str, Cell, Cell]]:
    for row in table.rows:
        if x in row.cells and y in row.cells:
            yield row.name, row.cells[x], row.cells[y]


def _drawn(panels: Sequence[tuple[Table, Sequence[tuple[str, Cell, Cell]]]], x: Metric, y: Metric) -> bytes:
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(1.5 + 4.5 * columns, 0.8 + 3.7 * rows), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    names = list(dict.fromkeys(name for _, points in panels for name, _, _ in points if name != "input"))
    colors = dict(zip(names, _colors(len(names)), strict=True))
    seen: dict[str, Any] = {}
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis, (table, points) in zip(axes, panels, strict=False):
        axis.set_title(_label(f"{table.title} ({table.over})"), fontsize=10)
        axis.set_xlabel(_label(f"{x.name} {ARROWS[x.better]}"))
        axis.set_ylabel(_label(f"{y.name} {ARROWS[y.better]}"))
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        for name, across, up in points:
            if name == "input":
                continue
            seen[name] = axis.errorbar(
                across.mean,
                up.mean,
                xerr=across.spread or None,
                yerr=up.spread or None,
                marker="o",
                linestyle="",
                color=colors[name],
                capsize=3,
            )
        for name, across, up in points:
            if name == "input":
                seen["input (floor)"] = _floor(axis, across.mean, up.mean)
    figure.legend(seen.values(), [_label(name) for name in seen], loc="outside right upper", frameon=False)
    buffer = io.BytesIO()
    # Without the program's name and version: the same figures give the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _floor(axis: Any, across: float, up: float) -> Any:
    """The floor in a panel whose other points are drawn: at its place, or at the border where that is far from them."""
    limits = axis.get_xlim(), axis.get_ylim()
    place = [_near(value, low, high) for value, (low, high) in zip((across, up), limits, strict=True)]
    mark = axis.plot(*place, marker="X", color="black", linestyle="", clip_on=False, zorder=3)[0]
    for value, at, limit, line, fix in zip(
        (across, up), place, limits, (axis.axvline, axis.axhline), (axis.set_xlim, axis.set_ylim), strict=True
    ):
        if at == value:
            line(value, color="black", linewidth=0.8, linestyle="--", alpha=0.6)
        else:
            fix(limit)
    if place != [across, up]:
        # Inside the panel, where its title and labels are not.
        beside = ("right", -8) if place[0] > sum(limits[0]) / 2 else ("left", 8)
        below = ("top", -8) if place[1] > sum(limits[1]) / 2 else ("bottom", 8)
        text, offset = f"input: {across:.3g}, {up:.3g}", (beside[1], below[1])
        axis.annotate(text, place, offset, textcoords="offset points", ha=beside[0], va=below[0], fontsize=8)
    return mark


def _near(value: float, low: float, high: float) -> float:
    """A value, or the border of the panel on its side where it is far off: to scale it would press points into one."""
    reach = FAR * (high - low)
    return value if low - reach <= value <= high + reach else min(max(value, low), high)


def _colors(count: int) -> list[tuple[float, ...]]:
    """A color a point: ten that are told apart easily, or as many as it takes."""
    few = colormaps["tab10"]
    return (
        [few(k) for k in range(count)]
        if count <= 10
        else list(map(tuple, colormaps["turbo"](np.linspace(0, 1, count))))
    )


def _label(name: str) -> str:
    """A name as a label: matplotlib leaves out those that begin with '_' and reads '$' as mathematics."""
    text = " ".join(name.split()).replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text
