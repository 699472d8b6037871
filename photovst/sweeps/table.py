"""The tables of a sweep: CSV with a row a member; Markdown and LaTeX with mean and spread a row of what is varied."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from photovst.evaluation import Evaluation, Metric
from photovst.settings_io import settings_dict
from photovst.sweeps.file import Term
from photovst.sweeps.settings import Sweep, SweepMember
from photovst.tables import table_text

CAPTION = (
    "Plain arithmetic mean ± sample standard deviation over {over}; no spread where there is one value. The first row"
    " is the input clip's own figure, the floor. Arrows say which way is better, ≈ that nearness to the floor is; s is"
    " seconds of work on a clip's frames."
)
ARROWS = {"lower": "↓", "higher": "↑", "floor": "≈"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "≈": r"$\approx$",
    "±": r"$\pm$",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a member: its evaluation, and what the run took, or why there is none."""

    member: SweepMember
    evaluation: Evaluation | None
    iterations: int = 0
    seconds: float = 0.0
    failure: str | None = None

    def values(self) -> dict[str, float]:
        """Every figure there is, by name, and the effort."""
        if self.evaluation is None:
            return {}
        found = {each.name: each.value for each in self.evaluation.metrics}
        return {n: v for n, v in found.items() if v is not None} | {
            "iterations": float(self.iterations),
            "s": self.seconds,
        }

    def floors(self) -> dict[str, float]:
        """The input clip's figures, by name."""
        metrics = () if self.evaluation is None else self.evaluation.metrics
        return {each.name: each.floor for each in metrics if each.floor is not None}


@dataclass(frozen=True)
class Cell:
    """Mean and sample standard deviation of so many values; no spread of one."""

    mean: float
    spread: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Cell | None:
        """None where there are no values."""
        if not values:
            return None
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class Row:
    """One line of a table, of so many members; the floor's is of so many clips."""

    name: str
    cells: Mapping[str, Cell]
    count: int
    clips: int = 0


@dataclass(frozen=True)
class Table:
    """Rows under one heading; the first is the floor."""

    title: str
    over: str
    rows: tuple[Row, ...]


def metrics_of(outcomes: Sequence[Outcome]) -> dict[str, Metric]:
    """One of each metric that has a value or a floor somewhere, in order of appearance."""
    found: dict[str, Metric] = {}
    for outcome in outcomes:
        for metric in outcome.evaluation.metrics if outcome.evaluation else ():
            if metric.value is not None or metric.floor is not None:
                found.setdefault(metric.name, metric)
    return found


def tables(sweep: Sweep, outcomes: Sequence[Outcome]) -> list[Table]:
    """The table over everything, and one a clip where there are several."""
    whole = [_table("All clips" if len(sweep.clips) > 1 else _clip_name(*sweep.clips[0]), sweep, outcomes)]
    if len(sweep.clips) > 1:
        for clip, style in sweep.clips:
            own = [each for each in outcomes if (each.member.clip, each.member.style) == (clip, style)]
            whole.append(_table(_clip_name(clip, style), sweep, own))
    return whole


def _clip_name(clip: str, style: str | None) -> str:
    return clip if style is None else f"{clip}, {style}"


def _table(title: str, sweep: Sweep, outcomes: Sequence[Outcome]) -> Table:
    floors = [each for each in _floors(outcomes) if each]
    rows = [Row("input", _means(floors), 0, len(floors))]
    for point in sweep.points:
        done = [each for each in outcomes if each.member.point.name == point.name and each.evaluation is not None]
        rows.append(Row(point.name, _means([each.values() for each in done]), len(done)))
    clips = len({(each.member.clip, each.member.style) for each in outcomes})
    seeds = len({each.member.seed for each in outcomes})
    over = " and ".join([f"{seeds} seed{'s' * (seeds > 1)}", *([f"{clips} clips"] if clips > 1 else [])])
    return Table(title, over, tuple(rows))


def _floors(outcomes: Sequence[Outcome]) -> Iterable[dict[str, float]]:
    """The floor of each clip once, however many members it has."""
    by_clip: dict[tuple[str, str | None], dict[str, float]] = {}
    for outcome in outcomes:
        of_clip = by_clip.setdefault((outcome.member.clip, outcome.member.style), {})
        for name, value in outcome.floors().items():
            of_clip.setdefault(name, value)
    return by_clip.values()


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, Cell]:
    names = dict.fromkeys(name for each in figures for name in each)
    cells = {name: Cell.of([each[name] for each in figures if name in each]) for name in names}
    return {name: cell for name, cell in cells.items() if cell is not None}


def csv_text(sweep: Sweep, outcomes: Sequence[Outcome]) -> str:
    """A row a member: what it is, every metric with its floor, seconds and iterations, or why it failed."""
    metrics = metrics_of(outcomes)
    varied = list(dict.fromkeys(key for point in sweep.points for key in point.grid))
    heads = ["clip", "style", "point", "variant", *varied, "seed", "output", "failure", "frames", "iterations", "s"]
    heads += [name for metric in metrics for name in (metric, f"{metric} floor")]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    for outcome in outcomes:
        member, values, floors = outcome.member, outcome.values(), outcome.floors()
        grid = [_plain(member.point.grid.get(key, "")) for key in varied]
        made = outcome.evaluation
        writer.writerow(
            [
                *(member.clip, member.style or "", member.point.name, member.point.variant or ""),
                *grid,
                *(member.seed, member.settings.output, outcome.failure or ""),
                *((made.frames, outcome.iterations, f"{outcome.seconds:.3f}") if made else ("", "", "")),
                *(_exact(of.get(name)) for name in metrics for of in (values, floors)),
            ]
        )
    return stream.getvalue()


def summary(sweep: Sweep, outcomes: Sequence[Outcome]) -> str:
    """The table over everything, for a terminal."""
    metrics = metrics_of(outcomes)
    table = tables(sweep, outcomes)[0]
    heads = ("", *(f"{name} {ARROWS[metric.better]}" for name, metric in metrics.items()), "iterations", "s", "runs")
    rows = [
        (
            " ".join(row.name.split()),
            *(_cell(row.cells.get(name), row.count or row.clips) for name in (*metrics, "iterations", "s")),
            str(row.count) if row.count else "",
        )
        for row in table.rows
    ]
    return table_text(heads, rows)


def markdown(sweep: Sweep, outcomes: Sequence[Outcome]) -> str:
    """The tables as Markdown, with the protocols and what failed."""
    metrics = metrics_of(outcomes)
    parts = [f"# Sweep {_marked(sweep.file.name)}\n"]
    for table in tables(sweep, outcomes):
        heads = ["", *(f"{_marked(name)} {ARROWS[metric.better]}" for name, metric in metrics.items())]
        heads += ["iterations", "s", "runs"]
        lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
        for row in table.rows:
            cells = [_cell(row.cells.get(name), row.count or row.clips) for name in (*metrics, "iterations", "s")]
            lines.append("| " + " | ".join([_marked(row.name), *cells, str(row.count) if row.count else ""]) + " |")
        caption = CAPTION.format(over=table.over)
        parts.append(f"## {_marked(table.title)}\n\n" + "\n".join(lines) + f"\n\n{caption}\n")
    parts.append("## Protocols\n\n" + "".join(f"- {_marked(line)}\n" for line in protocols(outcomes)))
    if failures := [(each.member.name, each.failure) for each in outcomes if each.failure]:
        lines = [f"- {_marked(name)}: {_marked(text)}\n" for name, text in failures]
        parts.append("## Failed\n\nNot in the tables.\n\n" + "".join(lines))
    return "\n".join(parts)


def protocols(outcomes: Sequence[Outcome]) -> list[str]:
    """How each metric was measured, every way of it, and why one is absent."""
    ways: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        for metric in outcome.evaluation.metrics if outcome.evaluation else ():
            absent = "" if metric.value is not None or metric.absent is None else f" (absent: {metric.absent})"
            ways.setdefault(metric.name, {})[f"{metric.protocol}{absent}"] = None
    return [f"{name}: {'; '.join(found)}" for name, found in ways.items()]


def latex(sweep: Sweep, outcomes: Sequence[Outcome]) -> str:
    r"""The tables as LaTeX floats that need only the package booktabs."""
    metrics = metrics_of(outcomes)
    parts = ["% Needs \\usepackage{booktabs}."]
    for table in tables(sweep, outcomes):
        heads = [
            "",
            *(f"{name} {ARROWS[metric.better]}" for name, metric in metrics.items()),
            "iterations",
            "s",
            "runs",
        ]
        lines = [
            r"\begin{table}",
            r"\centering",
            r"\scriptsize",
            r"\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{_tex(table.title)}. {_tex(CAPTION.format(over=table.over))}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            " & ".join(_tex(head) for head in heads) + r" \\",
            r"\midrule",
        ]
        for number, row in enumerate(table.rows):
            cells = [_tex(_cell(row.cells.get(name), row.count or row.clips)) for name in (*metrics, "iterations", "s")]
            lines.append(" & ".join([_tex(row.name), *cells, str(row.count) if row.count else ""]) + r" \\")
            lines += [r"\midrule"] if number == 0 else []
        parts.append("\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]))
    return "\n\n".join(parts) + "\n"


def record(sweep: Sweep, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything as plain values: members with settings and evaluations, and the tables."""
    return {
        "file": str(sweep.file),
        "output": str(sweep.output),
        "members": [
            {
                "name": each.member.name,
                "clip": each.member.clip,
                "style": each.member.style,
                "point": each.member.point.name,
                "variant": each.member.point.variant,
                "grid": {key: _plain(value) for key, value in each.member.point.grid.items()},
                "seed": each.member.seed,
                "output": each.member.settings.output,
                "run": str(each.member.run_folder),
                "settings": settings_dict(each.member.settings),
                "iterations": each.iterations,
                "seconds": each.seconds,
                "failure": each.failure,
                "evaluation": None if each.evaluation is None else dataclasses.asdict(each.evaluation),
            }
            for each in outcomes
        ],
        "tables": [dataclasses.asdict(table) for table in tables(sweep, outcomes)],
        "protocols": protocols(outcomes),
    }


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Term) else value


def _exact(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _cell(cell: Cell | None, of: int) -> str:
    """Four digits, and two of the spread; how many values, where not every run of the row has one."""
    if cell is None or not math.isfinite(cell.mean):
        return "-"
    text = f"{cell.mean:.4g}" if cell.spread is None else f"{cell.mean:.4g} ± {cell.spread:.2g}"
    return f"{text} ({cell.count} of {of})" if 0 < cell.count < of else text


def _marked(text: str) -> str:
    """Text in a cell of Markdown: no HTML, no new cell, no new line."""
    flat = " ".join(text.split())
    return html.escape(flat, quote=False).replace("\\", "\\\\").replace("|", "\\|")


def _tex(text: str) -> str:
    """Text in LaTeX, every sign of it as itself."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()) if letter.isprintable())
