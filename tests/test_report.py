"""The report: self-contained, safe, and its charts drawn where the numbers say."""

import base64
import json
import math
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from photovst.report import (
    BOTTOM,
    CHART_HEIGHT,
    CHART_WIDTH,
    LEFT,
    RIGHT,
    TOP,
    CoverageRow,
    Pair,
    Picture,
    data_uri,
    line_chart,
    loss_charts,
    nice_ticks,
    write_report,
)

JPEG = b"\xff\xd8\xff\xe0 not really"


def png(shade: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes([0, shade]))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class Page(HTMLParser):
    """Tags with their attributes, and the text of each kind of tag; complains of tags left open."""

    VOID = ("meta", "img", "link", "br", "line", "circle", "polyline")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(" ".join(data.split()))

    def all(self, tag: str, attribute: str) -> list[str]:
        return [a[attribute] or "" for t, a in self.tags if t == tag and attribute in a]


def report(folder: Path, result: str = "out.mp4", title: str = "Dusk") -> Page:
    run = folder / "out.run"
    run.mkdir()
    (run / "config.yaml").write_text("content: <clip>.mp4\nseed: 7\n")
    session = {
        "started": "2024-05-01T10:00:00+00:00",
        "command": ["photovst", "a&b"],
        "python": "3.12",
        "platform": "X",
    }
    (run / "provenance.json").write_text(json.dumps({"fingerprint": "abc123", "sessions": [session]}))
    records = [
        {
            "frame": i,
            "loss": 1.0 - 0.1 * i,
            "terms": {"style": 0.5},
            "seconds": {"guides": 0.5, "optimize": 1.5},
            "iterations": 10,
        }
        for i in range(5)
    ]
    (run / "frames.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    path = write_report(
        run,
        title=title,
        result=folder / result,
        style=Picture("The photograph", JPEG),
        pairs=[Pair("frame 0", png(1), png(2)), Pair("frame 4", png(3), png(4))],
        overlays=[Picture("Regions of frame 0", png(5))],
        coverage=[
            CoverageRow("sky", 0.25, 0.5, "sky", "in both", "#4477aa"),
            CoverageRow("ground", 0.75, 0.5, "whole photograph", "not in the <photograph>"),
        ],
        seconds={"reading": 3.0, "optimizing": 116.9},
        warnings=["<b>dark</b>"],
    )
    assert path == run / "report.html"
    return Page(path.read_text(encoding="utf-8"))


def test_every_picture_is_inside_and_nothing_is_fetched(tmp_path: Path) -> None:
    page = report(tmp_path)
    sources = page.all("img", "src")
    assert all(source.startswith("data:image/") for source in sources)
    decoded = [base64.b64decode(source.partition(",")[2]) for source in sources]
    assert decoded == [JPEG, png(1), png(2), png(3), png(4), png(5)]
    assert [tag for tag, _ in page.tags if tag in ("script", "link", "iframe")] == []
    html = (tmp_path / "out.run" / "report.html").read_text()
    assert "http:" not in html
    assert "https:" not in html


def test_the_result_is_linked_relative_to_the_folder(tmp_path: Path) -> None:
    page = report(tmp_path, "my clip #2.mp4")
    assert page.all("video", "src") == ["../my%20clip%20%232.mp4"]
    assert page.all("a", "href") == ["../my%20clip%20%232.mp4"]
    assert "../my clip #2.mp4" in page.words


@pytest.mark.parametrize(("result", "videos", "last"), [("out.png", 0, "../out.png"), ("frames", 0, None)])
def test_stills_and_folders(tmp_path: Path, result: str, videos: int, last: str | None) -> None:
    page = report(tmp_path, result)
    assert len(page.all("video", "src")) == videos
    hero = page.all("img", "src")[0]
    assert hero == (last or data_uri(png(2)))
    assert page.all("a", "href") == [f"../{result}"]


def test_what_comes_from_outside_is_escaped(tmp_path: Path) -> None:
    page = report(tmp_path, title="<script>alert(1)</script>")
    assert "script" not in [tag for tag, _ in page.tags]
    assert "<script>alert(1)</script>" in page.words
    assert "<b>dark</b>" in page.words
    assert "content: <clip>.mp4 seed: 7" in page.words
    assert "photovst 'a&b'" in page.words  # quoted, so that it can be pasted into a shell


def test_tables_and_figures(tmp_path: Path) -> None:
    words = report(tmp_path).words
    for text in (
        "sky",
        "25.0 %",
        "50.0 %",
        "75.0 %",
        "optimizing",
        "3.00 s",
        "1 min 57 s",
        "2 min 0 s",
        "2",
        "10",
        "0.8",
    ):
        assert text in words
    assert any("abc123" in text for text in words)


def test_a_bare_run_still_has_a_report(tmp_path: Path) -> None:
    path = write_report(tmp_path, title="x", result=tmp_path / "o.mp4", style=Picture("p", JPEG))
    page = Page(path.read_text())
    assert [tag for tag, _ in page.tags if tag in ("svg", "table")] == []


def test_a_line_is_drawn_where_the_numbers_say() -> None:
    chart = line_chart("style", [(10, 0.0), (15, 1.0), (20, 2.0)])
    left, right, base, top = LEFT, CHART_WIDTH - RIGHT, CHART_HEIGHT - BOTTOM, TOP
    assert chart.segments == [[(left, base), ((left + right) / 2, (base + top) / 2), (right, top)]]
    assert [tick.label for tick in chart.up] == ["0", "0.5", "1.0", "1.5", "2.0"]
    assert (chart.across[0].at, chart.across[-1].at) == (left, right)
    assert chart.points[1][2] == "frame 15: 1"
    assert chart.latest == "2"


def test_a_line_breaks_where_a_value_is_absent() -> None:
    chart = line_chart("t", [(0, 1.0), (1, None), (2, 1.0), (3, 1.0), (4, math.nan), (7, 1.0)])
    assert [len(segment) for segment in chart.segments] == [1, 2, 1]


def test_one_frame_is_a_chart() -> None:
    (chart,) = loss_charts([{"frame": 3, "loss": 0.0}])
    assert chart.segments == [[(LEFT, CHART_HEIGHT - BOTTOM)]]
    assert [tick.label for tick in chart.across] == ["3"]


def test_a_term_that_comes_late_has_its_chart() -> None:
    charts = loss_charts(
        [{"frame": 0, "loss": 1.0, "terms": {}}, {"frame": 1, "loss": 1.0, "terms": {"temporal": 0.2}}]
    )
    assert [chart.name for chart in charts] == ["loss", "temporal"]
    assert [len(chart.points) for chart in charts] == [2, 1]
    assert loss_charts([]) == []


def test_nice_ticks_cover_the_range_evenly_with_round_numbers() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        low, high = np.sort(rng.normal(size=2) * 10.0 ** rng.integers(-8, 8))
        ticks = nice_ticks(low, high, 4)
        steps = np.diff(ticks)
        assert ticks[0] <= low + 1e-9 * abs(low)
        assert ticks[-1] >= high - 1e-9 * abs(high)
        assert 2 <= len(ticks) <= 6
        np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
        mantissa = steps[0] / 10.0 ** np.floor(np.log10(steps[0]) + 1e-9)
        assert np.isclose(mantissa, [1, 2, 5]).any()
    assert nice_ticks(0, 0, 4)[0] == 0.0


def test_pictures_must_be_png_or_jpeg() -> None:
    with pytest.raises(ValueError, match="PNG or JPEG bytes, but these begin with b'GIF8'"):
        data_uri(b"GIF89a")
