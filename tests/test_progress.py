"""Progress: who sees which event, and the figures in it."""

import io
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from photovst.progress import Bar, JsonLines, Progress, TextLines, json_line, progress_for


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def play(progress: Progress, clock: Clock, frames: int = 4, seconds: float = 2.0, first: int = 0) -> None:
    with progress:
        progress.stage("reading")
        clock.now += 1
        progress.stage("frames")
        for index in range(first, frames):
            progress.iteration(80, 3, 0.5, frame=index)
            clock.now += seconds
            progress.frame(index, frames, 0.25 / (index + 1), seconds, 10, terms={"style": 0.1})
        progress.note("all well")
        progress.warn("too dark")
        progress.stage("reading")
        clock.now += 4


def events(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_hold_every_event_with_exact_figures() -> None:
    clock, stream = Clock(), io.StringIO()
    play(Progress(JsonLines(stream), clock=clock), clock)
    kinds = [event["event"] for event in events(stream)]
    assert kinds == ["stage", "stage", *["iteration", "frame"] * 4, "note", "warning", "stage", "done"]
    third = [event for event in events(stream) if event["event"] == "frame"][2]
    assert third["frames_per_second"] == pytest.approx(0.5)
    assert third["seconds_left"] == pytest.approx(2.0)
    assert (third["frame"], third["total"], third["elapsed"], third["terms"]) == (2, 4, 7.0, {"style": 0.1})
    assert events(stream)[-1]["stages"] == {"reading": 5.0, "frames": 8.0}


def test_a_resumed_run_is_not_credited_with_former_frames() -> None:
    clock, stream = Clock(), io.StringIO()
    play(Progress(JsonLines(stream), clock=clock), clock, frames=100, first=98)
    frames = [event for event in events(stream) if event["event"] == "frame"]
    assert [event["frames_per_second"] for event in frames] == pytest.approx([0.5, 0.5])
    assert [event["seconds_left"] for event in frames] == pytest.approx([2.0, 0.0])


def test_total_may_be_unknown() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(TextLines(stream), clock=clock) as progress:
        progress.frame(0, None, 0.5, 1.0, 3)
    assert stream.getvalue().splitlines()[0] == "photovst: frame 1  loss 0.5  1.00 frames/s"
    with Progress(JsonLines(stream), total_frames=9, clock=clock) as progress:
        progress.frame(0, None, 0.5, 1.0, 3)
    assert '"total": 9' in stream.getvalue()


def test_text_lines_are_few_but_hold_first_and_last_frame() -> None:
    clock, stream = Clock(), io.StringIO()
    play(Progress(TextLines(stream), clock=clock), clock, frames=50, seconds=1.0)
    frames = [line.split()[2] for line in stream.getvalue().splitlines() if line.startswith("photovst: frame ")]
    assert frames[0] == "1/50"
    assert frames[-1] == "50/50"
    assert 8 <= len(frames) <= 12
    assert stream.getvalue().splitlines()[-1] == "photovst: done in 0:55"
    assert "photovst: warning: too dark" in stream.getvalue()


def test_slow_frames_tell_of_iterations() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(TextLines(stream), clock=clock) as progress:
        for iteration in range(20):
            clock.now += 1.0
            progress.iteration(160, iteration, 0.5, frame=0)
    lines = [line for line in stream.getvalue().splitlines() if "iteration" in line]
    assert len(lines) == 4
    assert lines[0] == "photovst: scale 160  iteration 0  loss 0.5"


def test_quick_frames_tell_of_frames_alone() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(TextLines(stream), clock=clock) as progress:
        for index in range(40):
            for iteration in range(2):
                clock.now += 0.5
                progress.iteration(160, iteration, 0.5, frame=index)
            progress.frame(index, 40, 0.5, 1.0, 2)
    lines = [line.split()[1] for line in stream.getvalue().splitlines()]
    assert lines == ["scale", *["frame"] * 9, "done"]


@pytest.mark.parametrize("display", [TextLines, JsonLines])
def test_quiet_leaves_only_warnings(display: type[TextLines] | type[JsonLines]) -> None:
    clock, stream = Clock(), io.StringIO()
    play(Progress(display(stream, quiet=True), clock=clock), clock)
    (line,) = stream.getvalue().splitlines()
    assert "too dark" in line


def test_bar_shows_frame_loss_and_pace() -> None:
    clock, stream = Clock(), io.StringIO()
    console = Console(file=stream, force_terminal=True, width=140, color_system=None)
    play(Progress(Bar(console), clock=clock), clock)
    text = stream.getvalue()
    assert "frame 4/4  loss 0.0625  0.50 frames/s" in text
    assert "0:00 left" in text
    assert "warning: too dark" in text


def train(progress: Progress, clock: Clock, first: int = 0) -> None:
    with progress:
        progress.stage("training")
        for step in range(first + 10, 101, 10):
            clock.now += 2
            progress.step(step, 100, 10 / step, 80.0, (100 - step) / 5)


def test_a_trainings_steps_are_told_as_frames_are() -> None:
    clock, stream = Clock(), io.StringIO()
    train(Progress(Bar(Console(file=stream, force_terminal=True, width=140, color_system=None)), clock=clock), clock)
    assert "step 100/100  loss 0.1  80.0 images/s" in stream.getvalue()
    assert "0:00 left" in stream.getvalue()
    clock, stream = Clock(), io.StringIO()
    train(Progress(TextLines(stream), clock=clock), clock, first=20)
    lines = stream.getvalue().splitlines()
    assert lines[1] == "photovst: step 30/100  loss 0.3333  80.0 images/s  0:14 left"
    assert lines[-2].startswith("photovst: step 100/100  loss 0.1 ")
    assert 4 <= len(lines) <= 6


def test_a_trainings_steps_have_records_of_their_own() -> None:
    clock, stream, seen = Clock(), io.StringIO(), list[str]()
    progress = Progress(JsonLines(stream), clock=clock)
    progress.record_to(lambda event: seen.append(event["event"]))
    train(progress, clock)
    assert seen == ["stage", "done"]
    steps = [event for event in events(stream) if event["event"] == "step"]
    assert steps[-1] == {
        **{"event": "step", "elapsed": 20.0, "step": 100, "total": 100, "loss": 0.1},
        **{"images_per_second": 80.0, "seconds_left": 0.0},
    }


def test_loggers_warnings_are_routed_while_the_block_lasts() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("photovst.somewhere")
    with Progress(TextLines(stream)) as progress:
        logger.warning("mask %d is empty", 3)
        logger.info("not shown")
    handlers = list(logging.getLogger("photovst").handlers)
    assert progress.warnings == ["mask 3 is empty"]
    assert "photovst: warning: mask 3 is empty\n" in stream.getvalue()
    assert "not shown" not in stream.getvalue()
    assert handlers == []
    assert logging.getLogger("photovst").propagate


def test_an_error_inside_closes_the_display_and_is_not_done() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="boom"), Progress(TextLines(stream)):
        raise ValueError("boom")
    assert "done" not in stream.getvalue()
    assert logging.getLogger("photovst").handlers == []


def test_sinks_get_all_but_iterations() -> None:
    clock, seen = Clock(), list[str]()
    progress = Progress(TextLines(io.StringIO()), clock=clock)
    progress.record_to(lambda event: seen.append(event["event"]))
    play(progress, clock, frames=1)
    assert seen == ["stage", "stage", "frame", "note", "warning", "stage", "done"]


def test_the_display_follows_the_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_for(log_json=True) as progress:
        progress.note("hello")
    captured = capsys.readouterr()
    assert json.loads(captured.err.splitlines()[0])["message"] == "hello"
    with progress_for(quiet=True) as progress:
        progress.note("hello")
    with progress_for() as progress:
        progress.note("lines")
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == "photovst: lines"
    assert "hello" not in captured.err
    assert captured.out == ""


def test_json_line_holds_only_what_json_knows() -> None:
    line = json_line({"a": float("inf"), "b": [np.float32(0.5), np.int64(2)], "c": Path("x/y"), "d": (True, None)})
    assert line == '{"a": null, "b": [0.5, 2], "c": "x/y", "d": [true, null]}\n'
    with pytest.raises(TypeError, match="cannot write a set as JSON"):
        json_line({"a": {1}})


def test_passes_have_a_pace_of_their_own_and_may_go_backward() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(JsonLines(stream), clock=clock) as progress:
        for order in (range(4), reversed(range(4))):
            progress.stage("pass")
            for index in order:
                clock.now += 2
                progress.frame(index, 4, 0.5, 2.0, 10)
    told = [event for event in events(stream) if event["event"] == "frame"]
    assert [event["frames_per_second"] for event in told] == pytest.approx([0.5] * 8)
    assert [event["seconds_left"] for event in told[:4]] == pytest.approx([6, 4, 2, 0])
    assert [event["seconds_left"] for event in told[5:]] == pytest.approx([4, 2, 0])
