"""What a run says on stderr: a bar on a terminal, lines without one, JSON lines for machines."""

from __future__ import annotations

import json
import logging
import math
import numbers
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress as RichBar, TextColumn, TimeElapsedColumn

from photovst.tables import table_text

Event = dict[str, Any]
Clock = Callable[[], float]
SECONDS_BETWEEN_LINES = 5.0


class Display(Protocol):
    """Where events become visible."""

    def show(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Leave the stream as a following line of text expects it."""


class Progress:
    """The seam between the main flow and whoever watches it; keeps warnings and the seconds of each stage."""

    def __init__(self, display: Display, *, total_frames: int | None = None, clock: Clock = time.monotonic) -> None:
        self.warnings: list[str] = []
        self._display = display
        self._total = total_frames
        self._clock = clock
        self._begun = clock()
        self._stage: tuple[str, float] | None = None
        self._seconds: dict[str, float] = {}
        self._sinks: list[Callable[[Event], None]] = []
        self._pace = _Pace(clock)
        self._handler = _WarningHandler(self)
        self._propagated = True

    def __enter__(self) -> Self:
        """Route the warnings of photovst's loggers through here until the block ends."""
        logger = logging.getLogger("photovst")
        self._propagated, logger.propagate = logger.propagate, False
        logger.addHandler(self._handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the last stage and the display, whatever happened."""
        logger = logging.getLogger("photovst")
        logger.removeHandler(self._handler)
        logger.propagate = self._propagated
        self._end_stage()
        if kind is None:
            self._tell("done", seconds=self._clock() - self._begun, stages=self.seconds)
        self._display.close()

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds spent in each stage so far, in order of appearance."""
        running = dict(self._seconds)
        if self._stage:
            name, since = self._stage
            running[name] = running.get(name, 0.0) + self._clock() - since
        return running

    def record_to(self, sink: Callable[[Event], None]) -> None:
        """Also hand every event but iterations and steps to ``sink``, such as a run folder's log."""
        self._sinks.append(sink)

    def stage(self, name: str) -> None:
        """A stage begins, and the one before it ends; a name that comes back adds to its former seconds."""
        self._end_stage()
        self._stage = (name, self._clock())
        self._pace = _Pace(self._clock)
        self._tell("stage", name=name)

    def frame(
        self, index: int, total: int | None, loss: float | None, seconds: float, iterations: int, **figures: Any
    ) -> None:
        """Frame ``index`` (from 0) of ``total`` is done; ``loss`` is None where nothing was optimized."""
        total = self._total if total is None else total
        rate, left = self._pace.after(index, total, seconds)
        shown = {"frame": index, "total": total, "loss": loss, "seconds": seconds, "iterations": iterations}
        self._tell("frame", **shown, frames_per_second=rate, seconds_left=left, **figures)

    def iteration(self, scale: int, iteration: int, loss: float, frame: int | None = None) -> None:
        """One step of the optimizer at a working size, within a frame."""
        self._tell("iteration", frame=frame, scale=scale, iteration=iteration, loss=loss)

    def step(self, step: int, total: int, loss: float, images_per_second: float, seconds_left: float) -> None:
        """So many steps of a training, of ``total``, are done; ``loss`` is that of the last one."""
        shown = {"step": step, "total": total, "loss": loss}
        self._tell("step", **shown, images_per_second=images_per_second, seconds_left=seconds_left)

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._tell("note", message=text)

    def table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table worth seeing."""
        self._tell("table", title=title, headings=list(headings), rows=[list(row) for row in rows])

    def warn(self, text: str) -> None:
        """Something that may make the result other than wished."""
        self.warnings.append(text)
        self._tell("warning", message=text)

    def _end_stage(self) -> None:
        self._seconds = self.seconds
        self._stage = None

    def _tell(self, kind: str, **fields: Any) -> None:
        event = {"event": kind, "elapsed": self._clock() - self._begun, **fields}
        self._display.show(event)
        if kind not in ("iteration", "step"):
            for sink in self._sinks:
                sink(event)


def progress_for(*, quiet: bool = False, log_json: bool = False, total_frames: int | None = None) -> Progress:
    """Progress as asked: JSON lines, warnings only, a bar where stderr is a terminal, lines elsewhere."""
    display: Display
    if log_json:
        display = JsonLines(sys.stderr, quiet=quiet)
    elif quiet or not sys.stderr.isatty():
        display = TextLines(sys.stderr, quiet=quiet)
    else:
        display = Bar(Console(stderr=True))
    return Progress(display, total_frames=total_frames)


class JsonLines:
    """One JSON object a line for each event; only warnings when quiet."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def show(self, event: Event) -> None:
        """Write the event as one line."""
        if not self._quiet or event["event"] == "warning":
            self._stream.write(json_line(event))
            self._stream.flush()

    def close(self) -> None:
        """Nothing is open."""


class TextLines:
    """Plain lines; of frames, steps, iterations one every few seconds, and always the first and last frame or step."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._last = -math.inf
        self._started = self._untold = False

    def show(self, event: Event) -> None:
        """Write a line if the event is due one."""
        kind = event["event"]
        if kind in ("frame", "step", "iteration"):
            edge = kind != "iteration" and (not self._started or _done(event) == event["total"])
            self._started = self._started or kind != "iteration"
            # Where frames are quick the line is the next frame's, not some iteration's before it.
            waits = (kind == "iteration" and self._untold) or event["elapsed"] - self._last < SECONDS_BETWEEN_LINES
            if waits and not edge:
                self._untold = self._untold or kind == "frame"
                return
            self._last, self._untold = event["elapsed"], False
        if not self._quiet or kind == "warning":
            self._stream.write(f"photovst: {event_text(event)}\n")
            self._stream.flush()

    def close(self) -> None:
        """Nothing is open."""


class Bar:
    """A rich progress bar: stage, frame, loss, frames a second, time elapsed and left."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
        )
        self._bar = RichBar(*columns, console=console, refresh_per_second=5)
        self._task = self._bar.add_task("starting", total=None, figures="", left="")
        self._frames = "frame -"
        self._bar.start()

    def show(self, event: Event) -> None:
        """Move the bar, or print above it."""
        kind = event["event"]
        if kind == "stage":
            self._bar.update(self._task, description=event["name"])
        elif kind == "iteration":
            self._bar.update(self._task, figures=f"{self._frames}  {event_text(event)}")
        elif kind in ("frame", "step"):
            self._frames = _frame_count(event)
            figures = f"{self._frames}  {_loss_text(event)}{_rate_text(event)}"
            left = "" if event["seconds_left"] is None else f"{_clock_text(event['seconds_left'])} left"
            self._bar.update(self._task, completed=_done(event), total=event["total"], figures=figures, left=left)
        elif kind in ("note", "table", "warning"):
            self._bar.console.print(event_text(event), markup=False, highlight=False)

    def close(self) -> None:
        """Leave the bar as it stands and the cursor below it."""
        self._bar.stop()


class _Pace:
    """Frames a second since the first frame of a stage: a resumed run does not count what was there before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin: tuple[int, float] | None = None
        self._seen = 0

    def after(self, index: int, total: int | None, seconds: float) -> tuple[float, float | None]:
        """Frames a second, and seconds left if the total is known, after frame ``index`` took ``seconds``."""
        now = self._clock()
        if self._origin is None:
            self._origin = (index, now - seconds)
        first, since = self._origin
        # Keyframes stand for the frames between them, and a pass may go backward.
        self._seen = max(self._seen, abs(index - first) + 1)
        rate = self._seen / max(now - since, 1e-9)
        if total is None:
            return rate, None
        # A pass that goes backward has what lies before it still to do.
        left = index if index < first else total - index - 1
        return rate, max(left, 0) / max(rate, 1e-9)


class _WarningHandler(logging.Handler):
    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a logger's warning on."""
        self._progress.warn(record.getMessage())


def event_text(event: Event) -> str:
    """An event as a person reads it."""
    kind = event["event"]
    if kind in ("frame", "step"):
        left = "" if event["seconds_left"] is None else f"  {_clock_text(event['seconds_left'])} left"
        return f"{_frame_count(event)}  {_loss_text(event)}{_rate_text(event)}{left}"
    if kind == "iteration":
        return f"scale {event['scale']}  iteration {event['iteration']}  loss {event['loss']:.4g}"
    if kind == "stage":
        return str(event["name"])
    if kind == "done":
        return f"done in {_clock_text(event['seconds'])}"
    if kind == "table":
        return f"{event['title']}\n{table_text(event['headings'], event['rows'])}"
    return f"warning: {event['message']}" if kind == "warning" else str(event["message"])


def json_line(values: Mapping[str, Any]) -> str:
    """One JSON object and a line feed; numbers that JSON has no word for (NaN, infinities) become null.

    >>> json_line({"frame": 3, "loss": float("nan")})
    '{"frame": 3, "loss": null}\\n'
    """
    return json.dumps(_jsonable(values), allow_nan=False, ensure_ascii=False) + "\n"


def json_bytes(values: Mapping[str, Any]) -> bytes:
    """:func:`json_line` for a file; bytes of a file name that are no UTF-8 become JSON's escapes."""
    return json_line(values).encode(errors="backslashreplace")


def _jsonable(value: Any) -> Any:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):  # NumPy's scalars are Real, so NumPy need not be imported here
        return float(value) if math.isfinite(value) else None
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")


def _done(event: Event) -> int:
    """How many frames or steps there were; frames are counted from 0."""
    return int(event["frame"] + 1 if event["event"] == "frame" else event["step"])


def _frame_count(event: Event) -> str:
    return f"{event['event']} {_done(event)}" + (f"/{event['total']}" if event["total"] is not None else "")


def _rate_text(event: Event) -> str:
    if event["event"] == "frame":
        return f"{event['frames_per_second']:.2f} frames/s"
    return f"{event['images_per_second']:.1f} images/s"


def _loss_text(event: Event) -> str:
    return "" if event["loss"] is None else f"loss {event['loss']:.4g}  "


def _clock_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
