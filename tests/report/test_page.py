"""The page: self-contained, safe, and the same whether a run writes it or it is made of several."""

import base64
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from html_page import Page
from made_runs import jpeg, made_run, measure
from media.synthetic import pattern

from photovst.report.page import Footage, Screen, plain, render, write_page, write_report
from photovst.report.subject import Subject, read_subject
from photovst.shown import Shown, ShownFrame

HOSTILE = "<script>alert('1')</script>\" onload=\"x\n\u202e</textarea>&amp;"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    made = made_run(folder, "out", "seed=7", warnings=["<b>dark</b>"])
    measure(made)
    return made


@pytest.fixture(scope="module")
def other(run: Path) -> Path:
    made = made_run(run.parent, "other run", "strength=0.5")
    measure(made, e_stab=0.015)
    return made


def subject(run: Path, name: str = "out") -> Subject:
    return read_subject(run, name, run.with_suffix(".mp4"))


def test_the_page_of_a_run_links_its_result_and_holds_the_rest(run: Path) -> None:
    assert write_report(run, run.parent / "out.mp4") == run / "report.html"
    page = Page((run / "report.html").read_text())
    assert page.all("video", "src") == ["../out.mp4"]
    assert page.all("a", "href") == ["../out.mp4"]
    assert all(source.startswith("data:image/") for source in page.all("img", "src"))
    assert "https:" not in page.html
    assert "http:" not in page.html


@pytest.mark.parametrize(
    ("result", "videos", "linked"),
    [("my clip #2.mp4", 1, "../my%20clip%20%232.mp4"), ("out.png", 0, "../out.png"), ("frames", 0, "../frames")],
)
def test_stills_folders_and_names_with_signs(run: Path, result: str, videos: int, linked: str) -> None:
    page = Page(write_report(run, run.parent / result).read_text())
    assert page.count("video") == videos
    assert page.all("a", "href") == [linked]
    pictures = [source for source in page.all("img", "src") if not source.startswith("data:")]
    assert pictures == ([linked] if result == "out.png" else [])


def test_everything_of_one_run(run: Path) -> None:
    words = Page(render([subject(run)])).words
    for text in (
        *("sky", "25.0 %", "75.0 %", "not in the <photograph>", "Regions of the photograph"),
        *("survey", "stylize", "3.00 s", "whole run", "12", "10"),
        *("e_stab", "0.012", "0.01", "nearer to the clip's is better", "e_stab, dis flow, 96x64"),
        *("lpips, alex", "Not measured: its weights are absent", "frame 7: 0.07"),
        *("vgg19_cd16x.pth", "MIT", "<b>dark</b>", "photovst stylize clip.mp4 photo.png -o out.mp4"),
    ):
        assert text in words, text
    assert any("seed: 7" in text for text in words)
    assert any('"fingerprint"' in text for text in words)
    labels = Page(render([subject(run)])).all("svg", "aria-label")
    assert labels == [f"{name} by frame" for name in ("e_warp", "loss", "style", "temporal")]


def test_a_run_without_anything_still_has_a_page(tmp_path: Path) -> None:
    page = Page(render([read_subject(tmp_path, "x", None)]))
    assert page.count("table") == page.count("svg") == page.count("img") == 0
    assert "No trained weights were used." in page.words
    assert any("photovst evaluate" in text for text in page.words)


def test_several_runs_are_compared(run: Path, other: Path) -> None:
    page = Page(render([subject(run, "one"), subject(other, "two")]))
    assert "2 runs of clip.mp4" in page.words
    assert page.count("details") == 2 + 2 * 2  # each run, with its settings and its provenance
    rows = page.html[page.html.index('<table class="differing">') :]
    rows = rows[: rows.index("</table>")]
    assert re.findall(r'<th scope="row">(.+?)</th>', rows) == ["strength", "seed"]
    assert re.findall(r'<span class="marked">(.+?)</span>', page.html) == ["0.012"]  # nearest to the floor
    assert page.all("img", "data-source") == ["-1", "0", "1"] * 2
    assert page.all("svg", "aria-label").count("loss by frame") == 1  # with a line for each
    captions = [text for text in page.words if text.startswith("Regions of frame")]
    assert len(captions) == 2 * 2


def test_clips_are_in_the_page(run: Path) -> None:
    one = subject(run)
    footage = Footage((Screen("clip.mp4", b"first"), Screen("out.mp4", b"second")), 12, 23.976, "Small copies.")
    page = Page(render([one], footage={one.content_mark: footage}))
    held = re.findall(r'<script type="text/plain" id="(clip-0-\d)">(.*?)</script>', page.html)
    assert [(name, base64.b64decode(text)) for name, text in held] == [("clip-0-0", b"first"), ("clip-0-1", b"second")]
    assert page.all("video", "data-clip") == ["clip-0-0", "clip-0-1"]
    assert page.all("div", "data-rate") == ["23.976"]
    assert "Small copies." in page.words


def test_nothing_but_its_own_script_may_run_and_nothing_be_fetched(run: Path) -> None:
    for page in (Page(render([subject(run)])), Page(write_report(run, run.parent / "out.mp4").read_text())):
        (policy,) = (a["content"] or "" for t, a in page.tags if t == "meta" and "http-equiv" in a)
        (script,) = re.findall(r"<script>(.*?)</script>", page.html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
        assert "connect-src" not in policy
        assert "unsafe-eval" not in policy
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "'self'" not in re.findall(r'content="(default-src.*?)"', render([subject(run)]))[0]


def test_what_comes_from_outside_is_escaped(run: Path) -> None:
    one = subject(run)
    shown = replace(one.shown, coverage=(one.shown.coverage[0]._replace(name=HOSTILE, mapped_to=HOSTILE, why=HOSTILE),))
    changed = replace(
        one,
        **dict.fromkeys(("name", "title", "content", "result", "config", "provenance", "unmeasured"), HOSTILE),
        folder=Path(HOSTILE.replace("/", "")),
        shown=shown,
        settings={HOSTILE: HOSTILE},
        warnings=(HOSTILE,),
        notes=(HOSTILE,),
        sessions=[{"started": HOSTILE, "python": HOSTILE, "platform": HOSTILE, "command": [HOSTILE]}],
    )
    footage = {one.content_mark: Footage((Screen(HOSTILE, b""), Screen(HOSTILE, b"")), 2, 24.0, HOSTILE)}
    normal = Page(render([one], footage=footage)).count("script")
    page = Page(render([changed], footage=footage))
    assert page.count("script") == normal
    assert page.count("textarea") == 0
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert plain(HOSTILE) in page.words
    several = Page(render([changed, replace(one, settings={"seed": 1})], footage=footage))
    assert several.count("script") == normal
    assert several.count("textarea") == 0


def test_names_are_one_line_that_cannot_be_turned() -> None:
    assert plain("a\nb\u202ec\x00\udcff ü") == "a\\nb\\u202ec\\x00\\udcff ü"


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    run = made_run(tmp_path, os.fsdecode(b"caf\xe9"), frames=2)
    page = Page(write_report(run, tmp_path / os.fsdecode(b"caf\xe9.mp4")).read_text())
    assert page.all("video", "src") == ["../caf%E9.mp4"]
    assert "../caf\\udce9.mp4" in page.words
    write_page(tmp_path / "page.html", "\udce9")
    assert (tmp_path / "page.html").read_bytes() == b"\\udce9"


def test_pictures_of_many_runs_are_made_small(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photovst.report.page.PICTURE_BYTES", 20_000)
    one = subject(run)
    shown = Shown("x", tuple(ShownFrame(t, *[jpeg(pattern(0))] * 3) for t in range(4)))
    runs = [replace(one, name=str(k), shown=shown, worst=()) for k in range(3)]
    sources = Page(render(runs)).all("img", "src")
    assert len(sources) == 4 + 3 * (4 + 4)  # the clip's once
    assert sum(len(base64.b64decode(source.partition(",")[2])) for source in sources) <= 20_000
