"""Tables of a sweep: means and spreads against closed forms, and text that stays inside its cell."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from photovst.evaluation import Evaluation, Metric
from photovst.judging import Judging
from photovst.progress import json_bytes
from photovst.settings_io import load_settings
from photovst.sweeps.plots import plots
from photovst.sweeps.settings import Point, Sweep, SweepMember
from photovst.sweeps.table import Cell, Outcome, csv_text, latex, markdown, record, summary, tables

NASTY = 'a|b_c$ "50%"\n<b>&#{x}~^\\'


def outcome(
    clip: str, point: str, seed: int, style: float | None, edge: float = 0.5, floor: float = 1.0, failure: str = ""
) -> Outcome:
    changes = {"strength": 0.5 if point == "half" else 1.0}
    settings = load_settings(
        last={"content": "c.mp4", "style": "s.png", "seed": seed, "output": f"out/{clip}/{point}/seed{seed}.mp4"}
    )
    member = SweepMember(clip, None, Point(point, point, changes, changes), seed, settings, Judging())
    if failure:
        return Outcome(member, None, failure=failure)
    made = Evaluation(
        name=point,
        content="c.mp4",
        result="r.mp4",
        style="s.png",
        content_sha256="",
        result_sha256="",
        frames=4,
        size=(64, 96),
        flow="dis",
        regions="joint",
        metrics=(
            Metric(
                "style_gram.vgg19_cd16x", "gram|8 frames", style, floor, "lower", None if style else "optimized with it"
            ),
            Metric("ssim_edge", "edge", edge, 1.0, "higher"),
            Metric("e_warp_short", "warp along dis", 1e-4 * edge, 1e-4, "floor"),
            Metric("lpips", "lpips", None, None, "lower", "no weights here"),
        ),
    )
    return Outcome(member, made, iterations=10 * seed, seconds=1.5 * seed)


def swept(*outcomes: Outcome) -> tuple[Sweep, list[Outcome]]:
    return Sweep(Path("s.yaml"), Path("out"), tuple(each.member for each in outcomes)), list(outcomes)


TWO_CLIPS = swept(
    outcome("lake", "all", 1, 0.1),
    outcome("lake", "all", 2, 0.2, 0.7),
    outcome("lake", "half", 1, 0.5),
    outcome("lake", "half", 2, None),
    outcome("sea", "all", 1, 0.3, floor=3.0),
    outcome("sea", "all", 2, 0.6, floor=3.0),
    outcome("sea", "half", 1, 0.5, floor=3.0),
    outcome("sea", "half", 2, None, failure="the disk is full"),
)


def test_mean_and_sample_standard_deviation_over_seeds_and_clips() -> None:
    whole, lake, sea = tables(*TWO_CLIPS)
    assert [(table.title, table.over) for table in (whole, lake, sea)] == [
        ("All clips", "2 seeds and 2 clips"),
        ("lake", "2 seeds"),
        ("sea", "2 seeds"),
    ]
    floor, everything, half = whole.rows
    assert floor.cells["style_gram.vgg19_cd16x"] == Cell(
        2, math.sqrt(2), 2
    )  # of two clips, however many members each has
    assert [(row.name, row.count) for row in whole.rows] == [("input", 0), ("all", 4), ("half", 3)]
    values = [0.1, 0.2, 0.3, 0.6]
    cell = everything.cells["style_gram.vgg19_cd16x"]
    assert cell.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert cell.spread == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    assert half.cells["style_gram.vgg19_cd16x"] == Cell(0.5, 0.0, 2)
    assert sea.rows[2].cells["ssim_edge"] == Cell(0.5, None, 1)
    assert everything.cells["iterations"].mean == 15
    assert "lpips" not in everything.cells


def test_a_floor_that_some_clips_lack_says_of_how_many_it_is() -> None:
    sweep, (first, *_) = TWO_CLIPS
    last = outcome("sea", "all", 1, 0.3, floor=3.0)
    assert last.evaluation is not None
    lacking = [replace(each, value=None, floor=None) for each in last.evaluation.metrics if each.name == "ssim_edge"]
    kept = [each for each in last.evaluation.metrics if each.name != "ssim_edge"]
    last = replace(last, evaluation=replace(last.evaluation, metrics=(*kept, *lacking)))
    text = markdown(sweep, [first, last])
    assert "| input | 2 ± 1.4 | 1 (1 of 2) |" in text


def test_csv_has_a_row_a_member_with_exact_figures() -> None:
    sweep, outcomes = TWO_CLIPS
    rows = list(csv.DictReader(io.StringIO(csv_text(sweep, outcomes))))
    assert len(rows) == 8
    first, last = rows[0], rows[-1]
    assert (first["clip"], first["point"], first["seed"], first["strength"]) == ("lake", "all", "1", "1.0")
    assert (float(first["style_gram.vgg19_cd16x"]), float(first["style_gram.vgg19_cd16x floor"])) == (0.1, 1.0)
    assert (first["frames"], first["iterations"], first["s"]) == ("4", "10", "1.500")
    assert (last["failure"], last["ssim_edge"], last["frames"]) == ("the disk is full", "", "")
    assert rows[3]["style_gram.vgg19_cd16x"] == ""


def test_markdown() -> None:
    text = markdown(*TWO_CLIPS)
    lines = text.splitlines()
    assert lines[0] == "# Sweep s.yaml"
    heads = "|  | style_gram.vgg19_cd16x ↓ | ssim_edge ↑ | e_warp_short ≈ | iterations | s | runs |"
    assert lines[4:8] == [
        heads,
        "|---|" + "---:|" * 6,
        "| input | 2 ± 1.4 | 1 ± 0 | 0.0001 ± 0 | - | - |  |",
        "| all | 0.3 ± 0.22 | 0.55 ± 0.1 | 5.5e-05 ± 1e-05 | 15 ± 5.8 | 2.25 ± 0.87 | 4 |",
    ]
    assert lines[8].startswith("| half | 0.5 ± 0 (2 of 3) | 0.5 ± 0 |")
    assert "Plain arithmetic mean ± sample standard deviation over 2 seeds and 2 clips" in text
    assert "- style_gram.vgg19_cd16x: gram\\|8 frames; gram\\|8 frames (absent: optimized with it)" in lines
    assert "- lpips: lpips (absent: no weights here)" in lines
    assert "- sea/half/seed2: the disk is full" in lines
    assert lines.count(heads) == 3
    assert "0.3 ± 0.22" in summary(*TWO_CLIPS)


def test_names_stay_text() -> None:
    sweep, outcomes = swept(outcome("c", NASTY, 1, 0.5), outcome("c", "plain", 1, 0.25))
    (line,) = [line for line in markdown(sweep, outcomes).splitlines() if "50%" in line]
    assert line.startswith('| a\\|b_c$ "50%" &lt;b&gt;&amp;#{x}~^\\\\ | 0.5 |')
    tex = latex(sweep, outcomes)
    (line,) = [line for line in tex.splitlines() if r"50\%" in line]
    assert line.startswith(
        r"a\textbar{}b\_c\$ ''50\%'' \textless{}b\textgreater{}\&\#\{x\}\textasciitilde{}\textasciicircum{}"
        r"\textbackslash{} & 0.5 &"
    )
    rows = list(csv.DictReader(io.StringIO(csv_text(sweep, outcomes))))
    assert rows[0]["point"] == NASTY


def test_latex_is_well_formed() -> None:
    text = latex(*TWO_CLIPS)
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert begun == ["table", "tabular"] * 3
    assert ended == ["tabular", "table"] * 3
    bare = re.sub(r"\\[{}]", "", text)
    depth = np.cumsum([{"{": 1, "}": -1}.get(letter, 0) for letter in bare])
    assert depth.min() == 0
    assert depth[-1] == 0
    assert text.isascii()
    assert set(re.findall(r"\\([a-z]+rule)", text)) == {"toprule", "midrule", "bottomrule"}
    for body in re.findall(r"\\toprule\n(.*?)\\bottomrule", text, re.S):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) == 4
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {6}


def test_the_record_holds_everything_as_json() -> None:
    sweep, outcomes = TWO_CLIPS
    read = json.loads(json_bytes(record(sweep, outcomes)))
    assert len(read["members"]) == 8
    assert read["members"][0]["evaluation"]["metrics"][0]["value"] == 0.1
    assert read["members"][-1]["failure"] == "the disk is full"
    assert read["members"][0]["settings"]["seed"] == 1
    assert read["tables"][0]["rows"][1]["cells"]["ssim_edge"]["mean"] == pytest.approx(0.55)


def test_nothing_but_failures_has_a_table_too() -> None:
    sweep, outcomes = swept(outcome("lake", "all", 1, None, failure="no"))
    assert "| all | - | - |" in markdown(sweep, outcomes)
    assert plots(sweep, outcomes) == {}
    assert csv_text(sweep, outcomes).count("\n") == 2


def test_plots_are_drawn_the_same_each_time_with_a_panel_a_clip() -> None:
    sweep, outcomes = TWO_CLIPS
    drawn = plots(sweep, outcomes)
    assert list(drawn) == ["style_edge.png", "style_warp.png"]
    assert drawn == plots(sweep, outcomes)
    shapes = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape for data in drawn.values()]
    assert shapes == [(450, 1500, 3)] * 2
    one = plots(*swept(outcome("c", f"_{NASTY}", 1, 0.5)))
    assert cv2.imdecode(np.frombuffer(one["style_edge.png"], np.uint8), cv2.IMREAD_COLOR).shape == (450, 600, 3)
    assert one["style_edge.png"] != plots(*swept(outcome("c", f"_{NASTY}", 1, 0.25)))["style_edge.png"]


def test_no_style_no_plot() -> None:
    assert plots(*swept(outcome("c", "all", 1, None, floor=math.nan))) == {}
