"""The page in a browser: slider and players work, by mouse and by keys; nothing is fetched; phones and dark rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import jpeg, made_run, measure
from small_runs import write_clip

from photovst.media.clip import open_clip
from photovst.media.previews import make_preview
from photovst.progress import Progress
from photovst.report.page import Footage, Screen, render, write_page
from photovst.report.subject import Subject
from photovst.report_runs import write_runs_report
from photovst.shown import Shown, ShownFrame

Open = Callable[..., Any]

BORDER = "getComputedStyle(document.querySelector('.stage')).getPropertyValue('--at')"
TIMES = "[...document.querySelectorAll('video')].map((video) => video.currentTime)"
READY = "[...document.querySelectorAll('video')].every((video) => video.readyState >= 2 && !video.seeking)"
FRAME = "Number(document.querySelector('.scrub').value)"
HOSTILE = "a\"b'<img src=x onerror=alert(1)><script>alert(2)\n&amp; "


def until(page: Any, condition: str) -> None:
    """Waits for a condition; Playwright's own way evaluates text, which the page forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.01)


class Quiet:
    """A display that shows nothing."""

    def show(self, event: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five measured runs of one clip; the last has an awkward name."""
    folder = tmp_path_factory.mktemp("runs")
    names = ("one", "two", "three", "four", HOSTILE)
    made = [made_run(folder, name, f"seed={k}", frames=24, shown=(0, 23)) for k, name in enumerate(names)]
    for k, run in enumerate(made):
        measure(run, 0.011 + 0.001 * k)
    return made


@pytest.fixture(scope="module")
def page_of_five(runs: list[Path]) -> Path:
    path = runs[0].parent / "five.html"
    return write_runs_report(runs, path, progress=Progress(Quiet()))


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Opens a page, and holds it to saying nothing on the console and fetching nothing."""
    contexts, said, fetched = [], [], []

    def open_page(path: Path, width: int = 1280, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert [url[:80] for url in fetched if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_slider_moves_by_mouse_and_by_keys(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five)
    stage = page.locator(".stage")
    box = stage.bounding_box()
    assert page.evaluate(BORDER) == "50%"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    page.mouse.up()
    assert abs(float(page.evaluate(BORDER).rstrip("%")) - 25) < 0.5
    page.keyboard.press("ArrowRight")  # the mouse has left the focus there
    assert page.evaluate(BORDER) == "26%"
    page.keyboard.press("Home")
    assert page.evaluate(BORDER) == "0%"
    border = page.locator(".stage .border").bounding_box()
    assert abs(border["x"] + 1 - box["x"]) < 1


def test_the_slider_moves_by_touch(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five, 360, has_touch=True)
    page.locator(".stage").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + 20)
    assert abs(float(page.evaluate(BORDER).rstrip("%")) - 75) < 1


def test_the_slider_shows_what_is_chosen(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five)
    page.locator("select.left").select_option(label="two")
    page.locator("select.right").select_option(value="4")
    page.locator("input[type=radio]").nth(1).check()
    for layer, place in (("under", 1), ("over", 4)):
        shown = page.locator(f".stage img.{layer}")
        wanted = page.locator(f"img[data-source='{place}'][data-frame='23']")
        assert shown.get_attribute("src") == wanted.get_attribute("src")
        assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 96
    assert page.locator(".stage .tag.left").inner_text() == "two"


def test_players_are_searched_as_one(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five)
    until(page, READY)
    scrub = page.locator(".scrub")
    scrub.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    until(page, f"{TIMES}.every((time) => Math.abs(time - 5.5 / 24) < 1e-4)")
    times = page.evaluate(TIMES)
    assert times == [times[0]] * 6
    assert page.locator("output").inner_text() == "frame 5 of 24"
    box = scrub.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    assert page.evaluate(FRAME) == 23


def test_players_play_and_pause_as_one(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five)
    until(page, READY)
    page.get_by_role("button", name="Play").click()
    until(page, f"{FRAME} > 2")
    times = page.evaluate(TIMES)
    assert max(times) - min(times) < 3 / 24
    assert page.evaluate("[...document.querySelectorAll('video')].every((video) => !video.paused)")
    page.get_by_role("button", name="Pause").click()
    until(page, f"new Set({TIMES}).size === 1 && {READY}")
    assert page.evaluate("[...document.querySelectorAll('video')].every((video) => video.paused)")


def test_players_by_keys_and_in_a_loop_or_not(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five)
    until(page, READY)
    page.locator(".screens").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FRAME) == 1
    page.keyboard.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    until(page, f"{FRAME} > 15")
    until(page, f"{FRAME} < 10")  # from the start again
    page.get_by_label("Loop").uncheck()
    page.get_by_role("button", name="Play").wait_for()  # it has come to its end
    assert page.evaluate(FRAME) == 23


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(opened: Open, page_of_five: Path, scheme: str) -> None:
    page = opened(page_of_five, color_scheme=scheme)
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    lightness = [sum(map(int, color[4:-1].split(","))) / 3 for color in (ink, paper)]
    assert (lightness[0] > lightness[1]) == (scheme == "dark")
    assert abs(lightness[0] - lightness[1]) > 150


def test_a_phone_scrolls_one_way(opened: Open, page_of_five: Path, runs: list[Path]) -> None:
    alone = write_runs_report(runs[-1:], runs[0].parent / "alone.html", overwrite=True, progress=Progress(Quiet()))
    for path in (page_of_five, alone):
        page = opened(path, 360)
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("document.querySelector('.stage').getBoundingClientRect().right") <= 360


def test_awkward_names_are_shown_and_do_nothing(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five)
    assert page.evaluate("document.querySelectorAll('[onerror]').length") == 0
    assert page.locator("select.right option").last.inner_text() == HOSTILE.replace("\n", "\\n")


def test_without_javascript_frames_and_tables_are_there(opened: Open, page_of_five: Path) -> None:
    page = opened(page_of_five, java_script_enabled=False)
    assert page.locator("[data-source='4']").first.is_visible()
    assert page.locator("table.metrics").is_visible()
    assert not page.locator(".stage").is_visible()
    assert page.get_by_text("The players need JavaScript").is_visible()


def test_the_report_that_a_run_writes(opened: Open, runs: list[Path]) -> None:
    from photovst.report.page import write_report

    page = opened(write_report(runs[0], runs[0].with_suffix(".mp4")))
    until(page, "document.querySelector('video').readyState >= 1")  # linked, and found
    assert page.evaluate("document.querySelector('video').videoWidth") == 96
    assert page.locator(".stage img.under").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 96


def test_five_runs_open_in_two_seconds_from_less_than_25_megabytes(opened: Open, tmp_path: Path) -> None:
    """As much in pictures and clips as a page may hold."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (270, 480, 3), np.uint8) for _ in range(12)]
    clip = make_preview(open_clip(write_clip(tmp_path / "noise.mkv", noise)), Fraction(24), 12, 1_500_000).data
    picture = jpeg(noise[0])
    shown = Shown("", tuple(ShownFrame(t, picture, picture, picture) for t in range(4)))
    run = Subject("", tmp_path, "noise", "noise.mp4", "mark", "", shown)
    subjects = [replace(run, name=str(k), losses={"loss": [(t, t / 9) for t in range(5000)]}) for k in range(5)]
    # Padding counts as what a longer clip has: browsers pass over a box of free space.
    room = 1_500_000 - len(clip) - 8
    padded = clip + (room + 8).to_bytes(4) + b"free" + bytes(room)
    footage = Footage(tuple(Screen(str(k), padded) for k in range(6)), 12, 24.0)
    path = tmp_path / "page.html"
    write_page(path, render(subjects, footage={"mark": footage}))
    assert 12e6 < path.stat().st_size < 25e6
    before = time.perf_counter()
    page = opened(path)
    until(page, READY)
    assert time.perf_counter() - before < 2
