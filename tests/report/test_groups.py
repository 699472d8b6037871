"""Runs beside each other: one table of figures, the settings that differ, names that tell them apart."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from photovst.evaluation import Evaluation, Metric
from photovst.report.groups import differing, grouped, metric_rows, unique_names
from photovst.report.subject import Subject
from photovst.shown import Shown, ShownFrame


def subject(name: str, *metrics: Metric, mark: str = "m", **more: Any) -> Subject:
    evaluation = Evaluation("n", "c", "r", None, mark, "r", 4, (64, 96), "dis", None, metrics) if metrics else None
    return Subject(
        name, Path(name), name, f"{mark}.mp4", mark, "", more.pop("shown", Shown()), evaluation=evaluation, **more
    )


def e_stab(value: float | None, floor: float = 0.01, protocol: str = "p") -> Metric:
    return Metric("e_stab", protocol, value, floor, "floor", None if value is not None else "one frame")


def test_runs_of_one_clip_come_together_with_their_places() -> None:
    groups = grouped([subject("a"), subject("b", mark="other"), subject("c")])
    assert [(group.content, group.places, group.names) for group in groups] == [
        ("m.mp4", (0, 2), ["a", "c"]),
        ("other.mp4", (1,), ["Result"]),
    ]


def test_the_clip_is_shown_once_a_frame_and_every_result_there_is() -> None:
    one = Shown(frames=(ShownFrame(0, None, b"r0"), ShownFrame(4, b"c4", b"r4")))
    other = Shown(frames=(ShownFrame(0, b"c0", b"s0"),))
    (group,) = grouped([subject("a", shown=one), subject("b", shown=other)])
    assert group.frames == [0, 4]
    assert group.pictures(0) == [(-1, "Clip", b"c0"), (0, "a", b"r0"), (1, "b", b"s0")]
    assert group.pictures(4) == [(-1, "Clip", b"c4"), (0, "a", b"r4")]


def test_the_best_is_nearest_to_the_floor_lowest_or_highest() -> None:
    def row(better: Any, *values: float) -> list[bool]:
        (row,) = metric_rows([subject("x", Metric("m", "p", value, 0.5, better)) for value in values])
        return [cell.best for cell in row.cells]

    assert row("lower", 0.2, 0.1, 0.3) == [False, True, False]
    assert row("higher", 0.2, 0.1, 0.3) == [False, False, True]
    assert row("floor", 0.2, 0.6, 0.3) == [False, True, False]
    assert row("lower", 0.2, 0.2) == [False, False]  # none is better
    assert row("lower", 0.2) == [False]


def test_one_floor_stands_by_itself_and_several_with_their_figures() -> None:
    (row,) = metric_rows([subject("a", e_stab(0.02)), subject("b", e_stab(0.03))])
    assert (row.floor, [cell.floor for cell in row.cells]) == ("0.01", ["", ""])
    (row,) = metric_rows([subject("a", e_stab(0.02)), subject("b", e_stab(0.03, 0.02))])
    assert (row.floor, [cell.floor for cell in row.cells]) == ("", ["0.01", "0.02"])


def test_figures_of_other_protocols_are_not_compared() -> None:
    last = Metric("last", "p", 1.0, 1.0, "lower")
    rows = metric_rows([subject("a", e_stab(0.02), last), subject("b", e_stab(0.03, protocol="q")), subject("c")])
    assert [(row.name, row.protocol, [cell.text for cell in row.cells]) for row in rows] == [
        ("e_stab", "p", ["0.02", "", ""]),
        ("e_stab", "q", ["", "0.03", ""]),
        ("last", "p", ["1", "", ""]),
    ]


def test_why_there_is_no_figure() -> None:
    (row,) = metric_rows([subject("a", e_stab(None)), subject("b", e_stab(0.03))])
    assert (row.absent, [cell.text for cell in row.cells]) == ("one frame", ["", "0.03"])
    assert metric_rows([subject("a")]) == []


def test_settings_that_differ_and_the_usual_ones() -> None:
    common = {"seed": 1, "strength": 1.0, "output": "x", "content": "a.mp4", "content, SHA-256": "ab"}
    runs = [
        subject("a", settings=common),
        subject("b", settings=common | {"strength": 0.5, "output": "y", "content": "b.mp4"}),
        subject("c", settings=common | {"encoder.kind": None}),
    ]
    rows = differing(runs)
    assert [(row.name, row.values) for row in rows] == [
        ("strength", [("1.0", True), ("0.5", False), ("1.0", True)]),
        ("encoder.kind", [("absent", True), ("absent", True), ("not set", False)]),
    ]
    foreign = replace(runs[1], settings={})
    assert differing([runs[0], foreign]) == []
    (row,) = differing([runs[0], foreign, runs[1]])
    assert (row.name, row.values) == ("strength", [("1.0", False), ("-", True), ("0.5", False)])


def test_names_get_as_many_folders_as_tell_them_apart() -> None:
    folders = [Path("/x/a/out.run"), Path("/x/b/out.run"), Path("/y/b/out.run"), Path("/y/b/new.run")]
    assert unique_names(folders, ["out", "out", "out", "new"]) == ["a/out", "x/b/out", "y/b/out", "new"]
    assert unique_names([Path("/out.run")], ["out"]) == ["out"]
