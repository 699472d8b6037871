"""``photovst report``: a page of finished runs, and one line for every one that cannot be shown."""

import base64
import io
import re
from pathlib import Path

import av
import pytest
from html_page import Page
from made_runs import made_run, measure
from media.synthetic import pattern
from small_runs import run, write_clip

from photovst.report.page import PICTURE_BYTES
from photovst.report_runs import CLIP_BYTES


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report(*arguments: str) -> Page:
    assert run("report", *arguments, "-o", "page.html", "--quiet", "--overwrite") == 0
    return Page(Path("page.html").read_text())


def frames_of(page: Page) -> list[int]:
    clips = re.findall(r'<script type="text/plain" id="clip-\d-\d">(.*?)</script>', page.html)
    counts = []
    for clip in clips:
        with av.open(io.BytesIO(base64.b64decode(clip))) as container:
            counts.append(sum(1 for _ in container.decode(video=0)))
    return counts


def test_one_run_by_its_result(capfd: pytest.CaptureFixture[str]) -> None:
    measure(made_run(Path(), frames=4))
    page = report("out.mp4")
    assert frames_of(page) == [4, 4]
    assert "Small copies: 4 frames at 24 frames a second." in page.words
    assert page.all("img", "src") == [source for source in page.all("img", "src") if source.startswith("data:")]
    assert capfd.readouterr() == ("page.html\n", "")


def test_several_runs_with_stills_and_folders_and_other_clips() -> None:
    one, folder = made_run(Path(), "one", frames=4), made_run(Path(), "two", frames=4, suffix="")
    still = made_run(Path(), "still", clip="still.mp4", frames=1, suffix=".png")
    page = report(str(one), str(folder), str(still))
    assert frames_of(page) == [4, 4, 4]
    assert "3 runs of clip.mp4, still.mp4" in page.words


def test_clips_are_cut_to_the_shortest_and_to_an_excerpt(monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_run(Path(), frames=4)
    write_clip("out.mp4", [pattern(t) for t in range(3)], "h264")
    finished = made / "finished.json"
    from photovst.provenance import hash_input

    finished.write_text(re.sub('"sha256": "[0-9a-f]+"', f'"sha256": "{hash_input("out.mp4")}"', finished.read_text()))
    page = report("out.run")
    assert frames_of(page) == [3, 3]
    assert any("cut to the shortest" in text for text in page.words)
    monkeypatch.setattr("photovst.report_runs.MOST_FRAMES", 2)
    page = report("out.run")
    assert frames_of(page) == [2, 2]
    assert "Small copies of an excerpt: the first 2 frames at 24 frames a second." in page.words


def test_a_clip_that_is_gone_is_told_of() -> None:
    made_run(Path(), frames=4)
    Path("clip.mp4").unlink()
    page = report("out.run")
    assert frames_of(page) == [4]
    assert "The clip clip.mp4 is gone from where it was: it is not shown." in page.words


def test_an_evaluation_of_a_clip_made_elsewhere() -> None:
    made = made_run(Path(), frames=4)
    measure(made)
    Path("out.eval").mkdir()
    (made / "metrics.json").rename("out.eval/metrics.json")
    page = report("out.eval")
    assert frames_of(page) == [4, 4]
    assert "e_stab" in page.words
    assert [text for text in page.words if text.startswith("Frame ")] == ["Frame 0", "Frame 1", "Frame 2", "Frame 3"]
    assert "This result was not made by photovst: how is not known here." in page.words


def test_names_with_quotes_markup_and_newlines() -> None:
    name = "a\"b'<img src=x onerror=alert(1)>\n&amp; "
    made = made_run(Path(), name, clip=f"clip {name}.mp4", photo=f"{name}.png", frames=2)
    page = report(str(made))
    assert page.all("img", "onerror") == []
    assert any("onerror=alert(1)>\\n&amp;" in text for text in page.words)


def test_any_number_of_runs_stays_under_25_megabytes() -> None:
    megabytes = (CLIP_BYTES + PICTURE_BYTES) * 4 / 3 / 1e6
    assert megabytes <= 20  # 5 are left for text and lines


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none.run"], "none.run does not exist; give a run folder, such as out.run, or the result of a run"),
        (
            ["half.run"],
            "half.run is unfinished; go on with: photovst stylize clip.mp4 photo.png -o half.mp4",
        ),
        (["out.run", "out.mp4"], "out.run is given 2 times; give each run once"),
        (
            ["out.run", "-o", "no/page.html"],
            "cannot write no/page.html: the folder {}/no does not exist; create it first",
        ),
        (["out.run", "-o", "out.run"], "out.run is a folder; name a file, such as out.run/report.html"),
        (
            ["out.run", "-o", "out.mp4", "--overwrite"],
            "out.mp4 is one of the clips to show; choose another name for the page",
        ),
        (
            ["out.run", "-o", "clip.mp4", "--overwrite"],
            "clip.mp4 is one of the clips to show; choose another name for the page",
        ),
        (
            ["out.run", "-o", "out.run/config.yaml", "--overwrite"],
            "out.run/config.yaml is a record of out.run; choose another name for the page",
        ),
        (["out.run", "-o", "old.html"], "old.html exists; choose another name, or pass --overwrite"),
    ],
)
def test_what_is_refused(arguments: list[str], line: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made_run(Path(), frames=2)
    made_run(Path(), "half", frames=2, finished=False)
    Path("old.html").write_text("old")
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert run("report", *([] if "-o" in arguments else ["-o", "page.html"]), *arguments, "--quiet") == 2
    assert capfd.readouterr() == ("", f"photovst: error: {line.format(tmp_path)}\n")
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
